// The state of a run: a few small arrays and texts in `state.safetensors`, replaced as a whole after every
// finished step. A crash at any moment leaves the state before or the state after.
// The trap: `step` must be in the metadata; the list of runs and the plan read it from there.
import { existsSync } from "node:fs";
import { Effect } from "effect";
import { safetensorsBytes } from "../engine/weights/safetensors-bytes.ts";
import {
  readHeader,
  readSafetensors,
  type StoredTensor,
  type TensorToWrite,
} from "../engine/weights/safetensors.ts";
import { atomicWrite } from "../lib/atomic-write.ts";
import type { Fault } from "../lib/fault.ts";
import { tryPromise } from "../lib/try-promise.ts";
import { stateFile } from "../runtime/execute/saved-step.ts";

export interface SavedState {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Replaces the state of `runDir`; on failure the old one stays. Not interrupted half-way. */
export const saveState = (
  runDir: string,
  tensors: ReadonlyMap<string, TensorToWrite>,
  metadata: Readonly<Record<string, string>> & { readonly step: string },
): Effect.Effect<void, Fault> =>
  Effect.gen(function* () {
    const bytes = yield* tryPromise(() => safetensorsBytes(tensors, metadata, stateFile(runDir)));
    yield* atomicWrite(stateFile(runDir), bytes, { what: "the training state" });
  }).pipe(Effect.uninterruptible);

/** Null: there is none yet. A damaged one is a fault that names the file. */
export const loadState = (runDir: string): Effect.Effect<SavedState | null, Fault> => {
  const file = stateFile(runDir);
  return existsSync(file)
    ? tryPromise(async () => {
      const [{ metadata }, tensors] = await Promise.all([
        readHeader(file),
        readSafetensors(file),
      ]);
      return { tensors, metadata };
    })
    : Effect.succeed(null);
};
