// The command line of a segment: the sweep's number of threads on every machine, unless a trial has its own.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { PlannedSweep } from "./planned-sweep.ts";
import { planOf } from "./testing/toy-sweeps.ts";
import { segmentArguments } from "./train-child.ts";

const threadsIn = (more: Partial<PlannedSweep>, overrides: object, here: number | null) => {
  const plan = planOf(1, more);
  const args = segmentArguments({
    plan,
    trial: { ...plan.trials[0], overrides: { ...overrides } },
    segment: { sweep: "s", round: 0, trial: 1, until: null },
    base: "/b",
    fit: { fits: true, config: null, overrides: {} },
  }, here);
  return args.filter((each) => each.startsWith("threads=")).at(-1);
};

test("the sweep's number of threads counts, then its configuration's, then the machine's; a trial's before all", () => {
  assert.equal(threadsIn({ threads: 3 }, {}, 1), "threads=3");
  assert.equal(threadsIn({ threads: 3 }, {}, null), "threads=3");
  assert.equal(threadsIn({ threads: 3 }, { threads: 2 }, 1), "threads=2");
  assert.equal(threadsIn({ setsThreads: true }, {}, 4), undefined);
  assert.equal(threadsIn({ setsThreads: true }, { threads: 2 }, 4), "threads=2");
  assert.equal(threadsIn({}, {}, 4), "threads=4");
  assert.equal(threadsIn({}, {}, null), undefined);
});
