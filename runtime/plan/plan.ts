// The plan: what will be done and why, as immutable JSON. Executing, explaining and printing are visitors
// over it; nothing else decides. The trap: a stage below one that runs has no fingerprint yet; it is
// looked up again when its inputs are there, and may then be taken from the store after all.
import { Schema } from "effect";
import { Retry } from "../pipeline/pipeline.ts";
import { Reason } from "./reason.ts";

const { Array: List, Boolean: Flag, Finite, Json, Literals, NullOr, Record, String: Text, Struct } =
  Schema;

/**
 * run: for the reasons given. cached: its result is in the store. complete: it owes its run folder
 * nothing. unneeded: not in the store, but nobody who runs asks for it. excluded: by a selector.
 */
const Action = Literals(["run", "cached", "complete", "unneeded", "excluded"]);

/** @internal */
export const PlannedStage = Struct({
  id: Text,
  /** Name and version of the stage under this id. */
  name: Text,
  version: Finite,
  lifetime: Literals(["cached", "run"]),
  continueOnError: Flag,
  reads: Record(Text, Struct({ stage: Text, port: Text, stream: Flag })),
  /** Encoded: the slice of the configuration that it uses. */
  options: Json,
  /** What its `inputs` said of the world; null if it asks nothing or does not know yet. */
  world: Json,
  fingerprint: NullOr(Text),
  action: Action,
  reasons: List(Reason),
  retry: NullOr(Retry),
  timeoutSeconds: NullOr(Finite),
  concurrency: NullOr(Finite),
  resources: Record(Text, Finite),
  /** What was warned of when the result in the store was made. */
  warnings: List(Text),
});
/** What is to be done with a stage, and why. */
export type PlannedStage = typeof PlannedStage.Type;

/** A run that this command nearly means. */
export const SimilarRun = Struct({
  run: Text,
  step: NullOr(Finite),
  complete: Flag,
  changes: List(
    Struct({ key: Text, from: Schema.optionalKey(Json), to: Schema.optionalKey(Json) }),
  ),
  /** Those, for people. */
  what: Text,
  /** Why it is not simply continued. */
  why: Text,
});
export type SimilarRun = typeof SimilarRun.Type;

/** A run whose `run.json` is lost or damaged. */
export const UnreadableRun = Struct({
  run: Text,
  step: NullOr(Finite),
  trouble: Text,
  /** Its own command goes on with it from its state. */
  goesOn: Flag,
});
export type UnreadableRun = typeof UnreadableRun.Type;

/** @internal */
export const Plan = Struct({
  pipeline: Text,
  run: Struct({
    name: Text,
    dir: Text,
    isNew: Flag,
    /** Finished steps; null if there is no state yet. */
    step: NullOr(Finite),
    similar: List(SimilarRun),
    unreadable: List(UnreadableRun),
    /** What is wrong with its run.json, where it goes on from its state alone; else null. */
    lost: NullOr(Text),
    /** Keys of the configuration that were otherwise in its last attempt; of a run that is there. */
    changed: List(Text),
  }),
  /** Null in a dry run: to be drawn. */
  seed: NullOr(Finite),
  device: NullOr(Text),
  /** What the app found of its surroundings, for those who print the plan. */
  facts: Record(Text, Json),
  /** In an order in which each comes after what it reads. */
  stages: List(PlannedStage),
});
/** What will be done, as immutable JSON (`--dry-run --json` prints it). */
export type Plan = typeof Plan.Type;
