// Prompts that somebody asked for in place of the configured ones: their pictures have a mark and a folder of their
// own, so that one step may have both.
import { type Snapshot, stepName } from "../../inversion/artefacts/snapshots.ts";
import { sha256 } from "../../lib/sha256.ts";

/** Digits of the prompts' digest, where they are others than the configured ones. */
export const askedOf = ({ validate }: Snapshot): { readonly asked?: string } => {
  const prompts = validate?.prompts ?? null;
  return prompts === null ? {} : { asked: sha256(JSON.stringify(prompts)).slice(0, 8) };
};

/** Of the run's folder. */
export function folderOf(snapshot: Snapshot): string {
  const { asked } = askedOf(snapshot);
  const name = `validation/${stepName(snapshot.epoch, snapshot.step)}`;
  return asked === undefined ? name : `${name}-${asked}`;
}
