// What a stage may ask of its surroundings, all in memory, for tests of a stage by itself.
// The trap: `made` counts what `memo` had to make, so a test sees what was reused.
import { readFile } from "node:fs/promises";
import { Effect } from "effect";
import { canonicalJson } from "../../lib/canonical-json.ts";
import { sha256 } from "../../lib/sha256.ts";
import { CorruptBlob } from "../store/blob-store.ts";
import { testOrigin } from "./origin.ts";
import type { Blob } from "../artefact.ts";
import type { UnstampedEvent } from "../events.ts";
import type { InputTools, StageTools } from "../stage.ts";

const digestFile = (path: string) => Effect.promise(async () => sha256(await readFile(path)));

export interface MemoryTools extends StageTools {
  readonly events: UnstampedEvent[];
  readonly blobs: Map<string, Uint8Array>;
  readonly made: unknown[];
  /** Texts of the warnings so far. */
  readonly warnings: () => readonly string[];
}

export function memoryTools(seed = 1): MemoryTools {
  const events: UnstampedEvent[] = [];
  const blobs = new Map<string, Uint8Array>();
  const remembered = new Map<string, Blob>();
  const made: unknown[] = [];
  const put = (bytes: Uint8Array) =>
    Effect.sync(() => {
      const digest = sha256(bytes);
      blobs.set(digest, Uint8Array.from(bytes));
      return { digest, bytes: bytes.length };
    });
  return {
    seed,
    run: {
      name: "test",
      configuration: {},
      places: {},
      inputs: {},
      configurationDigest: "",
      tool: "gnomic test",
      scheduleSteps: null,
      toStep: null,
      origin: testOrigin,
    },
    concurrency: 2,
    withResource: (_, effect) => effect,
    stopRequested: () => false,
    requests: () => Effect.succeed([]),
    runDir: "",
    digestFile,
    put,
    get: ({ digest, bytes }) =>
      Effect.suspend(() =>
        blobs.has(digest) ? Effect.succeed(blobs.get(digest)!) : Effect.fail(
          new CorruptBlob({ wanted: `${bytes} bytes`, found: "nothing", fix: "Make them again." }),
        )
      ),
    memo: (key, make) =>
      Effect.suspend(() => {
        const text = canonicalJson(key);
        const known = remembered.get(text);
        if (known !== undefined) return Effect.succeed(known);
        return Effect.tap(Effect.flatMap(make, put), (blob) =>
          Effect.sync(() => {
            remembered.set(text, blob);
            made.push(key);
          }));
      }),
    emit: (event) => Effect.sync(() => void events.push(event)),
    progress: () => Effect.void,
    events,
    blobs,
    made,
    warnings: () =>
      events.flatMap((event) => event.event === "warning" ? [String(event.text)] : []),
  };
}

/** `inputs` on a machine without a network. */
export const offlineInputs: InputTools = {
  offline: true,
  digestFile,
  progress: () => Effect.void,
  warn: () => Effect.void,
};
