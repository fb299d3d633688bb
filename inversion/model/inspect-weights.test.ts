import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Effect } from "effect";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { inspectWeights } from "./inspect-weights.ts";

// A stage's `progress` publishes to the log of events, which takes time: it is no synchronous Effect.
test("a large file that was written just now is looked at while progress is told asynchronously", () =>
  withTemporaryFolder(async (folder) => {
    const values = 9 << 20; // float32: 36 MiB, more than what is looked at without a word
    const header = JSON.stringify({
      w: { dtype: "F32", shape: [values], data_offsets: [0, 4 * values] },
    });
    const bytes = new Uint8Array(8 + header.length + 4 * values);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
    bytes.set(new TextEncoder().encode(header), 8);
    bytes.fill(60, 8 + header.length);
    const file = join(folder, "w.safetensors");
    writeFileSync(file, bytes);
    const told: (readonly [number, number])[] = [];
    const progress = (done: number, total: number) =>
      Effect.andThen(Effect.sleep(1), Effect.sync(() => void told.push([done, total])));
    const looked = await Effect.runPromise(inspectWeights([file], progress));
    const digest = createHash("sha256").update(bytes).digest("hex");
    assert.deepEqual(looked.get(file), { digest, finite: true });
    assert.deepEqual(told.at(-1), [bytes.length, bytes.length]);
  }));
