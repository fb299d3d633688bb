// `run.json` of a run folder: what was run with what, and how each attempt went. The seed that was drawn
// and the device that was found live here, so that every later attempt uses the same.
// The trap: times and this machine's facts belong here and in the log, and in no result.
import { Effect, Result, Schema } from "effect";
import { atomicWrite } from "../../lib/atomic-write.ts";
import { diskFault, isAbsent } from "../../lib/disk-fault.ts";
import { type Fault, fault } from "../../lib/fault.ts";
import { Files } from "../../lib/files.ts";
import { isRunFolder, manifestFile } from "./run-files.ts";
import type { RunOrigin } from "./run-origin.ts";
import { savedOrigin } from "./state.ts";

/** Damaged: a run may go on without it, from its state. */
export class ManifestFault extends fault("ManifestFault", "user") {}

/** Not damaged, and not for this version to write over. */
export class NewerManifest extends fault("NewerManifest", "user") {}

const { Array: List, Finite, Int, Json, NullOr, Record, String: Text, Struct } = Schema;

export const Attempt = Struct({
  versions: Record(Text, Text),
  /** Where it was, and on which device of it; attempts of before do not say. */
  machine: Schema.optionalKey(
    Struct({ name: Text, processor: Text, features: List(Text), device: NullOr(Text) }),
  ),
  /** Milliseconds since 1970. */
  startedAt: Finite,
  endedAt: NullOr(Finite),
  /** Finished steps when it began and when it ended. */
  fromStep: Int,
  toStep: NullOr(Int),
  /** The exit code; null while it runs, and for ever if it was killed. */
  exit: NullOr(Int),
});
export type Attempt = typeof Attempt.Type;

/** Raised when the form changes; older ones are read for ever. */
export const manifestFormat = 2;

export const Manifest = Struct({
  format: Schema.Literal(manifestFormat),
  run: Text,
  pipeline: Text,
  trigger: Text,
  /** Digests of the identities that lead to this run; the first gave it its name. */
  identities: List(Text),
  /** The newest identity itself: what the plan compares. */
  identity: Json,
  /** The complete resolved configuration of the newest attempt. */
  configuration: Record(Text, Json),
  /** Of the options that say where something is, the last part: what others are shown. */
  places: Schema.optionalKey(Record(Text, Text)),
  seed: Int,
  device: NullOr(Text),
  /** What the app wants kept from attempt to attempt. */
  facts: Record(Text, Json),
  /** The horizon of the rate schedule where it is not max_train_steps (--extend). */
  scheduleSteps: NullOr(Int),
  /** What each stage's `inputs` said: names and digests of pictures and weights. */
  inputs: Record(Text, Json),
  /** Digests of the artefacts that were made or reused, by stage and port. */
  outputs: Record(Text, Record(Text, Text)),
  attempts: List(Attempt),
  /** paused: the newest attempt ended where `--to-step` told it to. */
  status: Schema.Literals(["unfinished", "paused", "complete"]),
  /** The unfinished run from which this one differs, if there was one. */
  parent: NullOr(Text),
});
export type Manifest = typeof Manifest.Type;

/** Format 1 (gnomic before apps) had the one fact that there was as a key of its own. */
const Format1 = Struct({
  ...Manifest.fields,
  format: Schema.Literal(1),
  facts: Schema.optionalKey(Schema.Never),
  memoryPlan: NullOr(Text),
});

const ManifestJson = Schema.fromJsonString(Schema.Union([Manifest, Format1]));
const AnyFormat = Schema.fromJsonString(Struct({ format: Finite }));

const current = (read: typeof ManifestJson.Type): Manifest => {
  if (read.format === manifestFormat) return read;
  const { memoryPlan, facts: _, ...rest } = read;
  return { ...rest, format: manifestFormat, facts: memoryPlan === null ? {} : { memoryPlan } };
};

/** Null: the folder is no run. */
export const readManifest = (runDir: string): Effect.Effect<Manifest | null, Fault> =>
  Effect.gen(function* () {
    const files = yield* Files;
    const text = yield* files.readFileString(manifestFile(runDir));
    const newer = Schema.decodeUnknownOption(AnyFormat)(text);
    if (newer._tag === "Some" && newer.value.format > manifestFormat) {
      return yield* new NewerManifest({
        file: manifestFile(runDir),
        wanted: `the manifest of a run, of format ${manifestFormat} or older`,
        found: `format ${newer.value.format}, of a newer version of gnomic`,
        fix: "Use that version for this run; it is left alone here.",
      });
    }
    return current(yield* Schema.decodeEffect(ManifestJson)(text));
  }).pipe(
    Effect.catch((error) =>
      error instanceof NewerManifest
        ? Effect.fail<Fault>(error)
        : error._tag === "SchemaError"
        ? Effect.fail<Fault>(
          new ManifestFault({
            file: manifestFile(runDir),
            wanted: "the manifest of a run",
            found: "something else, or one of another version",
            fix: "Put an unharmed copy of it in its place.",
            cause: error,
          }),
        )
        : isAbsent(error)
        ? Effect.succeed(null)
        : Effect.fail(diskFault(manifestFile(runDir), "to read the manifest")(error))
    ),
  );

export const writeManifest = (runDir: string, manifest: Manifest): Effect.Effect<void, Fault> =>
  atomicWrite(
    manifestFile(runDir),
    `${JSON.stringify(Schema.encodeSync(Manifest)(manifest), null, 2)}\n`,
    { what: "the run's manifest" },
  );

export interface Run {
  readonly dir: string;
  readonly manifest: Manifest;
  /** What is wrong with `run.json`, where the manifest was made again from the run's state; else null. */
  readonly lost: string | null;
}

/** A run's folder that nobody can go on in: its manifest is gone, and its state says too little. */
export interface Orphan {
  readonly dir: string;
  readonly orphan: string;
}

/** What the run's next attempt has to know, and nothing of its past. */
const manifestOf = ({ format: _, ...origin }: RunOrigin): Manifest => ({
  format: manifestFormat,
  ...origin,
  identity: null,
  configuration: {},
  inputs: {},
  outputs: {},
  attempts: [],
  status: "unfinished",
  parent: null,
});

/** The run in a folder; null: there is none. Fails where the disk does. */
export const readRun = (dir: string): Effect.Effect<Run | Orphan | null, Fault> =>
  Effect.gen(function* () {
    const before = yield* Effect.result(readManifest(dir));
    const isMissing = Result.isSuccess(before) && before.success === null;
    if (isMissing && !(yield* isRunFolder(dir))) return null;
    // A run that begins this moment writes its manifest first, so where there is more there is one by now.
    const read = isMissing ? yield* Effect.result(readManifest(dir)) : before;
    if (Result.isFailure(read) && !(read.failure instanceof ManifestFault)) {
      return yield* Effect.fail(read.failure);
    }
    const manifest = Result.isSuccess(read) ? read.success : undefined;
    if (manifest) return { dir, manifest, lost: null };
    const trouble = manifest === null ? "missing" : "damaged or of another version";
    const origin = yield* savedOrigin(dir);
    return origin === null
      ? { dir, orphan: trouble }
      : { dir, manifest: manifestOf(origin), lost: trouble };
  });

/** Keeps a manifest that cannot be read beside the one that takes its place. */
export const setAsideManifest = (runDir: string): Effect.Effect<void, Fault> =>
  Effect.flatMap(
    Files,
    (files) => files.rename(manifestFile(runDir), `${manifestFile(runDir)}.damaged`),
  ).pipe(
    Effect.catchIf(isAbsent, () => Effect.void),
    Effect.mapError(diskFault(manifestFile(runDir), "to set this manifest aside")),
  );
