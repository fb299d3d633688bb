// Reads latents and masks back from the store, and keeps them while they are few.
// The trap: a hundred pictures with eight crops each are gigabytes at 1024 px, so what is kept is bounded.
import { Effect } from "effect";
import type { LatentView } from "../../inversion/artefacts/latents.ts";
import type { Fault } from "../../lib/fault.ts";
import type { Blob } from "../../runtime/artefact.ts";
import type { StageTools } from "../../runtime/stage.ts";

export interface ReadView {
  readonly mean: Float32Array;
  readonly logvar: Float32Array;
  readonly mask: Float32Array | null;
}

const mostBytes = 256 * 2 ** 20;

export function latentReader(
  tools: Pick<StageTools, "get">,
): (view: LatentView) => Effect.Effect<ReadView, Fault> {
  const kept = new Map<string, Float32Array>();
  let bytes = 0;
  const read = (blob: Blob) =>
    Effect.gen(function* () {
      const held = kept.get(blob.digest);
      if (held !== undefined) return held;
      const values = new Float32Array((yield* tools.get(blob)).slice().buffer);
      if (bytes + blob.bytes <= mostBytes) {
        bytes += blob.bytes;
        kept.set(blob.digest, values);
      }
      return values;
    });
  return (view) =>
    Effect.gen(function* () {
      const both = yield* read(view.posterior);
      const half = both.length / 2;
      return {
        mean: both.subarray(0, half),
        logvar: both.subarray(half),
        mask: view.mask === null ? null : yield* read(view.mask),
      };
    });
}
