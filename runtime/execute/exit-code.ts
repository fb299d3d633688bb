// How a command ends, as a number: 0 done, 2 the user's to change, 3 the world's (disk, network, device),
// 70 a defect of gnomic or of a stage, 130 stopped by Ctrl-C.
import type { Fault } from "../../lib/fault.ts";
import { Stopped } from "../../lib/stopped.ts";

export const exitCodes = { done: 0, user: 2, world: 3, defect: 70, stopped: 130 } as const;

export const exitCodeOf = (fault: Fault): number =>
  fault instanceof Stopped ? exitCodes.stopped : exitCodes[fault.kind];
