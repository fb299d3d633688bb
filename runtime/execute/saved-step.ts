// How far a run has come, read from the head of its state without the rest: eight bytes of length, then
// JSON whose `__metadata__.step` counts finished steps (the safetensors container).
// The trap: whoever asks only looks, so a state that cannot be read is "not begun" here; a stage that goes
// on from it says what is wrong with it.
import { open } from "node:fs/promises";
import { join } from "node:path";
import { Effect } from "effect";

export const stateFile = (runDir: string): string => join(runDir, "state.safetensors");

const longestHeader = 1 << 24;

/** The finished steps of a run; null: none, or no state that can be read. */
export const savedStep = (runDir: string): Effect.Effect<number | null> =>
  Effect.promise(async () => {
    const handle = await open(stateFile(runDir)).catch(() => null);
    if (handle === null) return null;
    try {
      const { buffer } = await handle.read(Buffer.alloc(8), 0, 8, 0);
      const length = Number(buffer.readBigUInt64LE());
      if (length > longestHeader) return null;
      const head = await handle.read(Buffer.alloc(length), 0, length, 8);
      const step = Number(JSON.parse(head.buffer.toString("utf8")).__metadata__?.step ?? NaN);
      return Number.isInteger(step) ? step : null;
    } catch {
      return null;
    } finally {
      await handle.close();
    }
  });
