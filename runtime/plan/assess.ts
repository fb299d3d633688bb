// What is known of one stage before anything runs: whether its result is in the store (or, of a "run"
// stage, whether it owes its folder anything), and if not, why not.
// The trap: the result of a stage above may not be known yet; then neither is the fingerprint here.
import { Effect } from "effect";
import type { Schema } from "effect";
import { portsOf } from "../artefact.ts";
import type { Store } from "../store/artefact-store.ts";
import { digestJson } from "../../lib/canonical-json.ts";
import type { NotDownloaded } from "../../lib/not-downloaded.ts";
import type { RunInfo } from "../stage.ts";
import type { StageOptions } from "../pipeline/stage-options.ts";
import { readRecord } from "../execute/stage-record.ts";
import type { Wired } from "../pipeline/wiring.ts";
import { fingerprint } from "./fingerprint.ts";
import type { Plan } from "./plan.ts";
import type { Reason } from "./reasons.ts";
import { type Known, whyAnew } from "./why.ts";

/** A stage with its options decoded and the world asked. */
export interface Readied extends Wired {
  readonly options: StageOptions;
  readonly world: Schema.Json | NotDownloaded;
}

/** Where and for what it is asked. */
export interface Circumstances {
  readonly pipeline: string;
  readonly run: Plan["run"];
  readonly seed: number;
  readonly info: RunInfo;
}

export interface Assessed {
  readonly readied: Readied;
  readonly fingerprint: string | null;
  readonly state: "sound" | "absent" | "damaged";
  readonly reasons: readonly Reason[];
  /** Digests of its outputs, as far as they are known. */
  readonly digests: Readonly<Record<string, string>>;
}

export const isAbsent = (world: Readied["world"]): world is NotDownloaded => world instanceof Error;

/** The stages whose streams it reads and that have more to say. */
const writersAtWork = ({ stage, reads }: Readied, above: ReadonlyMap<string, Assessed>) => {
  const streams = portsOf(stage.reads).filter(([port, { kind }]) =>
    kind === "stream" && port in reads
  );
  const writers = new Set(streams.map(([port]) => reads[port].stage));
  return [...writers].filter((id) => above.get(id)!.state !== "sound");
};

const notDownloaded = ({ wanted }: NotDownloaded): Reason => ({
  reason: "not-downloaded",
  what: wanted.replace(/ on this machine$/, ""),
});

/** A "run" stage: does it owe its folder anything, or is it about to hear something new? */
const assessRun = Effect.fnUntraced(function* (
  readied: Readied,
  at: Circumstances,
  above: ReadonlyMap<string, Assessed>,
) {
  const { id, stage, options } = readied;
  const { dir, isNew } = at.run;
  const record = isNew ? null : yield* readRecord(dir, id);
  const digests = Object.fromEntries(
    Object.entries(record ?? {}).map(([port, value]) => [port, digestJson(value)]),
  );
  const owed = isNew || stage.owed === undefined
    ? null
    : yield* stage.owed(options.decoded, { runDir: dir, seed: at.seed, info: at.info });
  const writers = writersAtWork(readied, above);
  const due: readonly Reason[] = isNew ? [{ reason: "new" }] : owed !== null
    ? [{
      reason: "owed",
      what: owed.why,
      ...(owed.step === undefined ? {} : { step: owed.step }),
    }]
    : record === null
    ? [{ reason: "owed", what: "not finished" }] // e.g. it has yet to say what it made last
    : writers.length > 0
    ? [{ reason: "upstream", stages: writers }]
    : [];
  const reasons = due.length > 0 && isAbsent(readied.world)
    ? [...due, notDownloaded(readied.world)]
    : due;
  return {
    readied,
    fingerprint: null,
    state: reasons.length === 0 ? "sound" : "absent",
    reasons,
    digests,
  } satisfies Assessed;
});

/** A "cached" stage: is its result in the store, and if not, why not? */
const assessCached = Effect.fnUntraced(function* (
  readied: Readied,
  at: Circumstances,
  store: Store,
  above: ReadonlyMap<string, Assessed>,
) {
  const { id, stage, options, world, reads } = readied;
  const inputs = Object.fromEntries(
    Object.entries(reads).map(([port, outlet]) => [
      port,
      above.get(outlet.stage)!.digests[outlet.port] as string | undefined,
    ]),
  );
  const unknown = [
    ...new Set(
      Object.entries(inputs).flatMap(([port, digest]) =>
        digest === undefined ? reads[port].stage : []
      ),
    ),
  ];
  const latest = yield* store.latest(at.pipeline, id);
  const known: Known = {
    stage: stage.name,
    version: stage.version,
    options: options.encoded,
    world: isAbsent(world) ? null : world,
    reads: inputs,
  };
  const differences = whyAnew(
    latest.found === "sound" ? latest.entry.ingredients : undefined,
    isAbsent(world) && latest.found === "sound"
      ? { ...known, world: latest.entry.ingredients.world }
      : known,
    reads,
  );
  const missing = (reasons: readonly Reason[]): Assessed => ({
    readied,
    fingerprint: null,
    state: "absent",
    reasons,
    digests: {},
  });
  if (isAbsent(world)) {
    return missing([...differences, notDownloaded(world)]);
  }
  if (unknown.length > 0) {
    return missing([...differences, { reason: "upstream", stages: unknown }]);
  }
  const name = fingerprint({ ...known, reads: inputs as Record<string, string> });
  const found = yield* store.find(name);
  switch (found.found) {
    case "sound":
      return {
        readied,
        fingerprint: name,
        state: "sound",
        reasons: [],
        digests: Object.fromEntries(
          Object.entries(found.entry.outputs).map(([port, { digest }]) => [port, digest]),
        ),
      } satisfies Assessed;
    case "none": {
      const gone: Reason = { reason: "output-missing", what: "no entry in the store" };
      const reasons = differences.length === 0 ? [gone] : differences;
      return { ...missing(reasons), fingerprint: name };
    }
    default: {
      const reason = found.found === "corrupt" ? "output-corrupt" : "output-missing";
      return {
        ...missing([{ reason, what: found.what }]),
        fingerprint: name,
        state: "damaged",
      } satisfies Assessed;
    }
  }
});

/** `above` holds the stages that it reads. */
export const assess = (
  readied: Readied,
  at: Circumstances,
  store: Store,
  above: ReadonlyMap<string, Assessed>,
) =>
  readied.stage.lifetime === "run"
    ? assessRun(readied, at, above)
    : assessCached(readied, at, store, above);
