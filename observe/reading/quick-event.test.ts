// The plain checks against the Schema: the same lines are events, for whole events and for ones with a
// value, an element or a field changed.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";

import { defaultRun, syntheticEvents } from "../../tests/synthetic-events.ts";
import { trainingCodec } from "../../inversion/event-kinds.ts";
import { quickEvent } from "./quick-event.ts";

const events = [...syntheticEvents({ ...defaultRun, steps: 60, totalSteps: 60 })];
/** Of each kind the last, which has most in it, and some with their optional fields. */
const kinds = [
  ...new Map(events.map((event) => [event.event, event])).values(),
  { ...events.find(({ event }) => event === "step")!, dLr: 0.5 },
  {
    ...events.find(({ event }) => event === "fixed-loss")!,
    ...{ heldOut: true, aboveBest: { difference: 0.1, error: 0.2 }, under: { argmax: 0.3 } },
  },
  { ...events.find(({ event }) => event === "validation-picture")!, pooling: "end_token" },
  {
    ...events.find(({ event }) => event === "validation-finished")!,
    ...{ asked: "ab", following: [{ pooling: "argmax", mean: 1, error: 0 }] },
  },
];

type Path = readonly (string | number)[];

const paths = (value: unknown, at: Path = []): Path[] =>
  typeof value !== "object" || value === null ? [at] : [
    at,
    ...Object.entries(value).flatMap(([key, child]) =>
      paths(child, [...at, Array.isArray(value) ? Number(key) : key])
    ),
  ];

/** A copy with another value at `path`, or without it. */
function changed(value: unknown, path: Path, other: unknown, remove: boolean): unknown {
  if (path.length === 0) return other;
  const copy = Array.isArray(value) ? [...value] : { ...(value as object) };
  const [key, ...rest] = path;
  if (rest.length > 0) {
    const child = (copy as Record<string, unknown>)[key];
    Object.assign(copy, { [key]: changed(child, rest, other, remove) });
  } else if (!remove) Object.assign(copy, { [key]: other });
  else if (Array.isArray(copy)) copy.splice(Number(key), 1);
  else delete (copy as Record<string, unknown>)[key];
  return copy;
}

test("whole events pass both", () => {
  for (const event of [...events, ...kinds]) {
    assert.deepEqual(quickEvent(JSON.stringify(event)), event);
  }
});

test("a changed event passes both or neither", () => {
  const cases = fc.constantFrom(...kinds).chain((event) =>
    fc.tuple(
      fc.constant(event),
      fc.constantFrom(...paths(event)),
      fc.oneof(fc.jsonValue(), fc.constantFrom(null, 0.5, 3, "x", [], {}, [1, 2], 1e300, -1)),
      fc.boolean(),
    )
  );
  fc.assert(
    fc.property(cases, ([event, path, other, remove]) => {
      const line = JSON.stringify(changed(event, path, other, remove));
      assert.equal(quickEvent(line) === undefined, trainingCodec.parse(line) === undefined, line);
    }),
    { numRuns: 4000 },
  );
});

test("lines that are no JSON are no events", () => {
  for (const line of ["", "{", "null", "3", "\u0000", '{"event":"step"']) {
    assert.equal(quickEvent(line), undefined);
  }
});
