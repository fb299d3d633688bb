// What a sweep does with the files of its runs when it ends: embeddings are copied with their trial in the
// metadata, checkpoints of those that lost are dropped.
// The trap: a run in which somebody works again is left alone.
import { Effect } from "effect";
import type { RunFiles } from "../fleet/sweep-end.ts";
import { RunLocked } from "../lib/lock.ts";
import { readHeader, readSafetensors, writeSafetensors } from "../lib/safetensors/safetensors.ts";
import { tryPromise } from "../lib/try-promise.ts";
import { dropCheckpoints } from "../stages/checkpoint/drop-checkpoints.ts";

export const runFiles: RunFiles = {
  copyEmbedding: (from, to, more) =>
    tryPromise(async () => {
      const [{ metadata }, tensors] = await Promise.all([readHeader(from), readSafetensors(from)]);
      await writeSafetensors(to, tensors, { ...metadata, ...more });
    }),
  dropCheckpoints: (dir) =>
    Effect.catchIf(dropCheckpoints(dir), (error) => error instanceof RunLocked, () => Effect.void),
};
