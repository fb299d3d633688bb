import assert from "node:assert/strict";
import { test } from "node:test";
import { Effect } from "effect";
import { describeFault } from "../lib/fault.ts";
import { readDefinition } from "../sweep/definition.ts";
import { passedFindings } from "./passed-rungs.ts";

test("runs that are past a rung are named by rung, with the line", () => {
  const text = "sweep: s\npipeline: p\nhalving:\n  first: 2\n";
  const definition = Effect.runSync(readDefinition(text, "s.yaml", null));
  const [first, second, ...more] = passedFindings(definition, [
    { trial: "1", rung: 2, step: 9 },
    { trial: "b", rung: 2, step: 7 },
    { trial: "b", rung: 4, step: 7 },
  ]).map(describeFault);
  assert.match(
    first,
    /^s\.yaml:4 halving\.first: .* at step 2, .* 1 \(at step 9\), b \(at step 7\)/,
  );
  assert.match(second, /at step 4, .* trial b \(at step 7\)\./);
  assert.deepEqual(more, []);
});
