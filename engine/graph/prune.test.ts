// Pruning against the definition: a node stays exactly if some output can be reached from it.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Node, Value } from "./graph.ts";
import { pruneNodes } from "./passes.ts";

const value = (name: string): Value => ({ name, dtype: "float32", shape: [1] });

/** Each node reads some earlier values (by index; none is a graph input) and gives one or two. */
const graphs = fc.array(
  fc.record({ reads: fc.array(fc.nat(30), { maxLength: 3 }), two: fc.boolean() }),
  { minLength: 1, maxLength: 20 },
).map((plans) => {
  const made: Value[] = [];
  return plans.map(({ reads, two }, i): Node => {
    const inputs = reads.map((at) => made[at] ?? (at % 2 === 0 ? null : value(`input${at}`)));
    const outputs = [value(`${i}`), ...(two ? [value(`${i}.1`)] : [])];
    made.push(...outputs);
    return { op: "Op", domain: "", name: `node${i}`, inputs, outputs, attributes: {} };
  });
});

const reaches = (nodes: readonly Node[], node: Node, wanted: ReadonlySet<string>): boolean =>
  node.outputs.some(({ name }) =>
    wanted.has(name) ||
    nodes.some((next) =>
      next.inputs.some((input) => input?.name === name) && reaches(nodes, next, wanted)
    )
  );

test("a node stays exactly if an output needs it, and the order stays", () => {
  fc.assert(
    fc.property(graphs, fc.array(fc.nat(40), { maxLength: 3 }), (nodes, picks) => {
      const all = nodes.flatMap(({ outputs }) => outputs);
      const outputs = picks.map((pick) => all[pick % all.length]);
      const wanted = new Set(outputs.map(({ name }) => name));
      assert.deepEqual(
        pruneNodes(nodes, outputs).map(({ name }) => name),
        nodes.filter((node) => reaches(nodes, node, wanted)).map(({ name }) => name),
      );
    }),
    { numRuns: 200 },
  );
});
