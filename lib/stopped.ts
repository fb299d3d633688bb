// How a stage ends that was asked to stop: a failure, because its outputs are not complete, but nobody's
// fault. The runner tells its readers the same, says how to go on, and exits with 130.
import { fault } from "./fault.ts";

export class Stopped extends fault("Stopped", "user") {}

/** Ends a stage after `step` finished steps, all of which are on disk. */
export const stopped = (step: number): Stopped =>
  new Stopped({
    wanted: "to go on",
    found: `a request to stop; step ${step} is finished and saved`,
    fix: "Give the same command again to go on from there.",
  });
