import assert from "node:assert/strict";
import { test } from "node:test";
import type { Configuration } from "../options/configuration.ts";
import { toyStages } from "../testing/toy-stages.ts";
import type { PreparedStage } from "./prepared-stage.ts";
import { runIdentity } from "./run-identity.ts";

const identityOf = (pictures: readonly string[], words?: (a: unknown, b: unknown) => string) => {
  const { split, sum } = toyStages();
  const made = { ...split, ...(words === undefined ? {} : { describeInputs: words }) };
  const stages = [{ id: "read", stage: made, world: pictures }, {
    id: "sum",
    stage: sum,
    world: null,
  }]
    .map((each) => ({ ...each, use: {}, reads: {} }) as unknown as PreparedStage);
  return runIdentity({ identity: {} } as Configuration, stages);
};

test("what goes in otherwise is said in the stage's words, and only where it differs", () => {
  const before = identityOf(["1.jpg", "2.jpg"]).json;
  assert.deepEqual(identityOf(["1.jpg", "2.jpg"]).inputsUnlike(before), []);
  assert.deepEqual(identityOf(["3.jpg"]).inputsUnlike(before), ["read: other inputs"]);
  assert.deepEqual(
    identityOf(["3.jpg"], (a, b) => `${a} became ${b}`).inputsUnlike(before),
    ["read: 1.jpg,2.jpg became 3.jpg"],
  );
  assert.deepEqual(identityOf(["3.jpg"]).inputsUnlike({}), ["read: other inputs"], "of long ago");
});
