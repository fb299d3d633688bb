// What the snapshots of a travelling run cost: a run of 2000 steps with pictures and checkpoints, sent again
// and again while its log grows and its state is replaced.
// The trap: sent from the process that waits for a training, so it is processor time beside the training's.
import { appendFileSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Effect } from "effect";
import { folderBlobs } from "../../fleet/blobs.ts";
import { snapshotSender } from "../../fleet/take-snapshot.ts";
import { writeSafetensors } from "../../lib/safetensors/safetensors.ts";
import { writeSyntheticRun } from "../synthetic-run.ts";

export interface SnapshotCost {
  /** Processor time of one, in milliseconds. */
  readonly milliseconds: number;
  /** Bytes sent, without the list of files, for each byte of state and of what is new. */
  readonly sent: number;
  /** Of the list of files. */
  readonly listBytes: number;
}

const name = "gnome_bruce-00000001";
const times = 20;
/** Of a step a second: what is between two snapshots. */
const stepsBetween = 30;
/** Rows, moments, initial and best ones, of 4 vectors as float64. */
const stateNumbers = 6 * 4 * 2048;

export async function snapshotCost(): Promise<SnapshotCost> {
  const folder = mkdtempSync(join(tmpdir(), "gnomic-snapshots-"));
  try {
    const dir = join(folder, "output", name);
    await writeSyntheticRun(dir, { steps: 2000, totalSteps: 4000, pictureSize: 64 }, name);
    const state = join(dir, "state.safetensors");
    const saveState = (step: number) => {
      const data = Float64Array.from({ length: stateNumbers }, (_, i) => i * step);
      const rows = { dtype: "F64", shape: [stateNumbers], data } as const;
      return writeSafetensors(state, new Map([["rows", rows]]), { step: String(step) });
    };
    await saveState(2000);
    const blobs = await Effect.runPromise(folderBlobs(join(folder, "blobs")));
    const send = snapshotSender(dir, name, blobs, null);
    await Effect.runPromise(send);

    let [spent, sent, fresh, listBytes] = [0, 0, 0, 0];
    for (let i = 1; i <= times; i++) {
      const lines = Array.from(
        { length: stepsBetween },
        (_, step) =>
          `${
            JSON.stringify({
              event: "step",
              at: i,
              step: 2000 + i * stepsBetween + step,
              loss: 0.1,
              rate: 1e-3,
              seconds: 1,
            })
          }\n`,
      );
      appendFileSync(join(dir, "events.jsonl"), lines.join(""));
      await saveState(2000 + i * stepsBetween);
      const before = process.cpuUsage();
      const mark = await Effect.runPromise(send);
      const { user, system } = process.cpuUsage(before);
      spent += (user + system) / 1000;
      sent += mark.sentBytes - mark.bytes;
      fresh += lines.join("").length + statSync(state).size;
      listBytes = mark.bytes;
    }
    return { milliseconds: spent / times, sent: sent / fresh, listBytes };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
