// What is known of one stage before anything runs: whether its result is in the store (or, of a "run"
// stage, whether it owes its folder anything), and if not, why not.
// The trap: the result of a stage above may not be known yet; then neither is the fingerprint here.
import { Effect } from "effect";
import { digestJson } from "../../lib/canonical-json.ts";
import type { NotDownloaded } from "../../lib/fault.ts";
import { portsOf } from "../artefact.ts";
import { readRecord } from "../run-folder/stage-record.ts";
import type { RunInfo } from "../stage.ts";
import type { Store } from "../store/artefact-store.ts";
import { fingerprint } from "../store/fingerprint.ts";
import type { Reason } from "./reason.ts";
import { type Known, whyAnew } from "./why-anew.ts";
import type { Plan } from "./plan.ts";
import { isAbsent, type PreparedStage } from "./prepared-stage.ts";

/** Where and for what it is asked. */
export interface PlanContext {
  readonly pipeline: string;
  readonly run: Plan["run"];
  readonly seed: number;
  readonly info: RunInfo;
}

export interface StageStatus {
  readonly preparedStage: PreparedStage;
  readonly fingerprint: string | null;
  readonly state: "sound" | "absent" | "damaged";
  readonly reasons: readonly Reason[];
  /** What was warned of when the result in the store was made. */
  readonly warnings?: readonly string[];
  /** Digests of its outputs, as far as they are known. */
  readonly digests: Readonly<Record<string, string>>;
}

/** The stages whose streams it reads and that have more to say. */
const writersAtWork = (
  { stage, reads }: PreparedStage,
  above: ReadonlyMap<string, StageStatus>,
) => {
  const streams = portsOf(stage.reads).filter(([port, { kind }]) =>
    kind === "stream" && port in reads
  );
  const writers = new Set(streams.map(([port]) => reads[port].stage));
  return [...writers].filter((id) => above.get(id)!.state !== "sound");
};

const notDownloaded = ({ wanted }: NotDownloaded): Reason => ({
  reason: "not-downloaded",
  what: wanted.replace(/,? on this machine$/, ""),
});

/** A "run" stage: does it owe its folder anything, or is it about to hear something new? */
const checkRun = Effect.fnUntraced(function* (
  preparedStage: PreparedStage,
  at: PlanContext,
  above: ReadonlyMap<string, StageStatus>,
) {
  const { id, stage, options } = preparedStage;
  const { dir, isNew } = at.run;
  const record = isNew ? null : yield* readRecord(dir, id);
  const digests = Object.fromEntries(
    Object.entries(record ?? {}).map(([port, value]) => [port, digestJson(value)]),
  );
  const remainingWork = isNew || stage.remainingWork === undefined
    ? null
    : yield* stage.remainingWork(options.decoded, { runDir: dir, seed: at.seed, info: at.info });
  const writers = writersAtWork(preparedStage, above);
  const found: readonly Reason[] = isNew ? [{ reason: "new" }] : remainingWork !== null
    ? [{
      reason: "owed",
      what: remainingWork.why,
      ...(remainingWork.step === undefined ? {} : { step: remainingWork.step }),
    }]
    : record === null
    ? [{ reason: "owed", what: "not finished" }] // e.g. it has yet to say what it made last
    : writers.length > 0
    ? [{ reason: "upstream", stages: writers }]
    : [];
  const reasons = found.length > 0 && isAbsent(preparedStage.world)
    ? [...found, notDownloaded(preparedStage.world)]
    : found;
  return {
    preparedStage,
    fingerprint: null,
    state: reasons.length === 0 ? "sound" : "absent",
    reasons,
    digests,
  } satisfies StageStatus;
});

/** A "cached" stage: is its result in the store, and if not, why not? */
const checkCached = Effect.fnUntraced(function* (
  preparedStage: PreparedStage,
  at: PlanContext,
  store: Store,
  above: ReadonlyMap<string, StageStatus>,
) {
  const { id, stage, options, world, reads } = preparedStage;
  const inputs = Object.fromEntries(
    Object.entries(reads).map(([port, outputRef]) => [
      port,
      above.get(outputRef.stage)!.digests[outputRef.port] as string | undefined,
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
    stage.describeInputs,
  );
  const missing = (reasons: readonly Reason[]): StageStatus => ({
    preparedStage,
    fingerprint: null,
    state: "absent",
    reasons,
    digests: {},
  });
  if (isAbsent(world)) return missing([...differences, notDownloaded(world)]);
  if (unknown.length > 0) {
    return missing([...differences, { reason: "upstream", stages: unknown }]);
  }
  const name = fingerprint({ ...known, reads: inputs as Record<string, string> });
  const found = yield* store.find(name);
  switch (found.found) {
    case "sound":
      return {
        preparedStage,
        fingerprint: name,
        state: "sound",
        reasons: [],
        warnings: found.entry.warnings ?? [],
        digests: Object.fromEntries(
          Object.entries(found.entry.outputs).map(([port, { digest }]) => [port, digest]),
        ),
      } satisfies StageStatus;
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
      } satisfies StageStatus;
    }
  }
});

/** `above` holds the stages that it reads. */
export const checkStage = (
  preparedStage: PreparedStage,
  at: PlanContext,
  store: Store,
  above: ReadonlyMap<string, StageStatus>,
) =>
  preparedStage.stage.lifetime === "run"
    ? checkRun(preparedStage, at, above)
    : checkCached(preparedStage, at, store, above);
