// That a step's validation has been dealt with: a small file beside its pictures. Present means done or
// failed for good; absent means due. The trap: written last, when every picture is on disk.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Effect } from "effect";
import type { Fault } from "../../engine/fault.ts";
import { atomicWrite } from "../../runtime/store/atomic-write.ts";

export interface ValidationRecord {
  readonly step: number;
  readonly epoch: number;
  readonly outcome: "done" | "failed";
  readonly prompts: readonly string[];
  readonly error?: string;
}

const recordPath = (folder: string) => join(folder, "validation.json");

/** Undefined: it is due. A record that cannot be read was not written to its end. */
export function recordedOutcome(folder: string): ValidationRecord["outcome"] | undefined {
  try {
    return (JSON.parse(readFileSync(recordPath(folder), "utf8")) as ValidationRecord).outcome;
  } catch {
    return undefined;
  }
}

export const writeRecord = (folder: string, record: ValidationRecord): Effect.Effect<void, Fault> =>
  atomicWrite(recordPath(folder), `${JSON.stringify(record, null, 1)}\n`);
