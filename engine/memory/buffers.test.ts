// The accounting of buffers against a brute-force simulation that keeps, at every node, exactly the values
// that are still wanted; and the arena against what any arena must do.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Graph, Node, Shape, Value } from "../graph/graph.ts";
import { arenaBytes } from "./arena.ts";
import { type Buffer, planBuffers } from "./buffers.ts";

interface Sketch {
  readonly graph: Pick<Graph, "nodes" | "outputs">;
}

/** A graph whose node i makes one value of `shapes[i]` from earlier ones. */
const sketches = (shapeOf: (i: number) => fc.Arbitrary<Shape>): fc.Arbitrary<Sketch> =>
  fc.integer({ min: 1, max: 25 }).chain((count) =>
    fc.tuple(
      fc.tuple(...Array.from({ length: count }, (_, i) => shapeOf(i))),
      fc.array(fc.array(fc.nat(), { maxLength: 3 }), { minLength: count, maxLength: count }),
    )
  ).map(([shapes, picks]) => {
    const values = shapes.map((shape, i): Value => ({ name: `v${i}`, dtype: "float32", shape }));
    const nodes = values.map((value, i): Node => ({
      op: "Make",
      domain: "",
      name: value.name,
      inputs: i === 0 ? [] : picks[i].map((pick) => values[pick % i]),
      outputs: [value],
      attributes: {},
    }));
    return { graph: { nodes, outputs: [values.at(-1)!] } };
  });

const bytesOf = ({ shape }: Value) => 4 * shape.reduce((product, side) => product * side, 1);

/** The values that are wanted while node `now` runs. */
const wantedAt = ({ nodes, outputs }: Sketch["graph"], now: number): readonly Value[] =>
  nodes.slice(0, now + 1).map((node) => node.outputs[0]).filter((value) =>
    outputs.includes(value) || nodes[now].outputs.includes(value) ||
    nodes.slice(now).some((node) => node.inputs.includes(value))
  );

const bruteForce = (graph: Sketch["graph"]): number[] =>
  graph.nodes.map((_, now) => wantedAt(graph, now).reduce((sum, value) => sum + bytesOf(value), 0));

const held = (buffers: readonly Buffer[], now: number) =>
  buffers.reduce((sum, { bytes, from, to }) => from <= now && now <= to ? sum + bytes : sum, 0);

test("values of different shapes: exactly what is wanted is held", () => {
  fc.assert(fc.property(sketches((i) => fc.constant([i + 1])), ({ graph }) => {
    const buffers = planBuffers(graph);
    assert.deepEqual(graph.nodes.map((_, now) => held(buffers, now)), bruteForce(graph));
  }));
});

test("values of equal shapes share buffers: never less than is wanted, never one each", () => {
  fc.assert(fc.property(sketches(() => fc.constantFrom([8], [16])), ({ graph }) => {
    const buffers = planBuffers(graph);
    bruteForce(graph).forEach((wanted, now) => assert.ok(held(buffers, now) >= wanted));
    for (const bytes of new Set(graph.nodes.map(({ outputs: [value] }) => bytesOf(value)))) {
      const most = Math.max(
        ...graph.nodes.map((_, now) =>
          wantedAt(graph, now).filter((value) => bytesOf(value) === bytes).length
        ),
      );
      const count = buffers.filter((buffer) => buffer.bytes === bytes).length;
      // A result never takes a buffer over.
      assert.ok(count === most || count === most + 1);
    }
  }));
});

test("a reshape takes nothing, a softmax overwrites what nobody else wants", () => {
  const value = (name: string, shape: Shape): Value => ({ name, dtype: "float32", shape });
  const node = (op: string, inputs: Value[], output: Value): Node => ({
    op,
    domain: "",
    name: output.name,
    inputs,
    outputs: [output],
    attributes: {},
  });
  const [a, b, c, d] = [
    value("a", [4, 6]),
    value("b", [24]),
    value("c", [24]),
    value("d", [1]),
  ];
  const nodes = [
    node("Make", [], a),
    node("Reshape", [a], b),
    node("Softmax", [b], c),
    node("Make", [c], d),
  ];
  assert.deepEqual(planBuffers({ nodes, outputs: [d] }), [
    { bytes: 96, from: 0, to: 3 },
    { bytes: 4, from: 3, to: 3 },
  ]);
  const wantedLater = [...nodes.slice(0, 3), node("Make", [c, b], d)];
  assert.equal(planBuffers({ nodes: wantedLater, outputs: [d] }).length, 3);
});

const pieces = fc.array(
  fc.record({
    bytes: fc.integer({ min: 1, max: 3e6 }),
    from: fc.nat(20),
    length: fc.nat(8),
  }),
  { minLength: 1, maxLength: 40 },
).map((list) =>
  list.map(({ bytes, from, length }): Buffer => ({ bytes, from, to: from + length }))
    .sort((a, b) => a.from - b.from)
);

test("the arena touches what is live at once, and in each of two runs no more than everything", () => {
  fc.assert(fc.property(pieces, (buffers) => {
    const touched = arenaBytes(buffers);
    const live = Math.max(...buffers.map(({ from }) => held(buffers, from)));
    const page = 2 ** 14;
    assert.ok(touched >= live);
    assert.ok(touched <= 2 * buffers.reduce((sum, { bytes }) => sum + bytes + 2 * page, 0));
  }));
});

// As measured: a quarter-width training at 1024 px took 870 MiB more in its second step.
test("of two regions of the same size the second run takes the one that the first hardly used", () => {
  const mebibytes = (count: number) => {
    const buffers = Array.from({ length: count }, () => ({ bytes: 2 ** 26, from: 0, to: 1 }));
    return arenaBytes(buffers) / 2 ** 20;
  };
  // Regions of 64, 64, 128, 256 and 512 MiB, then of 1 GiB each.
  assert.equal(mebibytes(15), 15 * 64);
  assert.equal(mebibytes(31), 31 * 64);
  assert.equal(mebibytes(33), 16 * 64 + 2 * 1024);
});

test("one buffer after the other takes the same memory", () => {
  const buffers = Array.from({ length: 50 }, (_, i) => ({ bytes: 5e5, from: i, to: i }));
  assert.equal(arenaBytes(buffers), arenaBytes(buffers.slice(0, 1)));
});
