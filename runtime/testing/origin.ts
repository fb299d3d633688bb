// What the states of tests say of their run, where it is of no interest.
import type { RunOrigin } from "../run-folder/run-origin.ts";

export const testOrigin: RunOrigin = {
  format: 1,
  run: "test",
  pipeline: "test",
  trigger: "test",
  identities: [],
  seed: 1,
  device: null,
  facts: {},
  scheduleSteps: null,
};
