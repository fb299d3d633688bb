// A run's folder as the runner leaves it, for tests of what reads run folders: manifest, events, state,
// checkpoints, and the snapshots' rows in the store beside it.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Effect } from "effect";
import { canonicalJson } from "../../lib/canonical-json.ts";
import type { UnstampedEvent } from "../events.ts";
import { type Manifest, writeManifest } from "../run-folder/manifest.ts";
import { saveState } from "../run-folder/state.ts";
import { testOrigin } from "./origin.ts";
import { fingerprint } from "../store/fingerprint.ts";
import { openStore, storeName } from "../store/artefact-store.ts";

export interface RunToMake {
  readonly name: string;
  readonly manifest?: Partial<Manifest>;
  readonly step?: number;
  readonly events?: readonly UnstampedEvent[];
  /** Rows of a snapshot, as text; each becomes a blob that the run's stream refers to. */
  readonly rows?: readonly string[];
  /** Latents, as text: a cached artefact that the manifest refers to. */
  readonly latents?: string;
}

const bytes = (text: string) => new TextEncoder().encode(text);

const attempt = {
  versions: { gnomic: "0.1.0", runtime: "node 22.19.0" },
  startedAt: 1_700_000_000_000,
  endedAt: 1_700_000_060_000,
  fromStep: 0,
  toStep: 10,
  exit: 0,
};

/** The artefact of a stage "encode-latents" whose value refers to one blob. */
const keepLatents = (base: string, content: string) =>
  Effect.gen(function* () {
    const store = yield* openStore(join(base, storeName));
    const blob = yield* store.put(bytes(content));
    const value = yield* store.put(bytes(canonicalJson({ latents: blob })));
    const ingredients = {
      stage: "encode-latents",
      version: 1,
      options: { content },
      reads: {},
      world: null,
    };
    yield* store.keep({
      fingerprint: fingerprint(ingredients),
      ingredients,
      outputs: { latents: value },
      blobs: [blob],
    });
    yield* store.keepMemo(blob.digest, blob);
    return { "encode-latents": { latents: value.digest } };
  });

const keepRows = (base: string, runDir: string, rows: readonly string[]) =>
  Effect.gen(function* () {
    const store = yield* openStore(join(base, storeName));
    const blobs = yield* Effect.forEach(rows, (text) => store.put(bytes(text)));
    mkdirSync(join(runDir, "streams"));
    const lines = blobs.map((blob, step) => `${canonicalJson({ step, rows: { blob } })}\n`);
    writeFileSync(join(runDir, "streams", "optimise-embeddings.snapshots.jsonl"), lines.join(""));
  });

/** Makes it in the folder of runs `base` and gives its folder. */
export async function makeRun(base: string, run: RunToMake): Promise<string> {
  const dir = join(base, run.name);
  mkdirSync(join(dir, "checkpoints"), { recursive: true });
  const at = 1_700_000_000_000;
  const lines = (run.events ?? []).map((event) => `${JSON.stringify({ at, ...event })}\n`);
  writeFileSync(join(dir, "events.jsonl"), lines.join(""));
  const { pipeline = "sdxl-ti", trigger = "bruce", seed = 1 } = run.manifest ?? {};
  const of = { run: run.name, pipeline, trigger, seed };
  await Effect.runPromise(Effect.gen(function* () {
    const outputs = run.latents === undefined ? {} : yield* keepLatents(base, run.latents);
    if (run.rows !== undefined) yield* keepRows(base, dir, run.rows);
    if (run.step !== undefined) {
      yield* saveState(dir, { ...testOrigin, ...of }, new Map(), { step: `${run.step}` });
    }
    yield* writeManifest(dir, {
      format: 2,
      run: run.name,
      pipeline: "sdxl-ti",
      trigger: "bruce",
      identities: [],
      identity: {},
      configuration: {},
      seed: 1,
      device: "cpu",
      facts: { memoryPlan: "A" },
      scheduleSteps: null,
      inputs: {},
      outputs,
      attempts: [attempt],
      status: "complete",
      parent: null,
      ...run.manifest,
    });
  }));
  return dir;
}
