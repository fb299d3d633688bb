// A sweep as it stands in the database: its trials with the runs that they mean, and all that decides what
// is done. Made once, from a definition and the trials' configurations; every later command reads it.
import { Schema } from "effect";

const { Array: List, Finite, Int, Json, Literals, NullOr, Record, String: Text, Struct } = Schema;

export const PlannedTrial = Struct({
  number: Int,
  name: Text,
  overrides: Record(Text, Json),
  /** Its run's folder in `base`. */
  run: Text,
  /** Names files of the run: `trigger-best.safetensors`. */
  trigger: Text,
  /** Steps in all; null: counted in epochs. */
  steps: NullOr(Int),
  group: Text,
  /** Where its configuration finds and puts things, by option; a sweep of before does not say. */
  places: Schema.optionalKey(Record(Text, Text)),
  /** Of its configuration and all that goes in: what a machine must come to, too. */
  identity: Schema.optionalKey(Text),
  /** What a slot must have; the memory in GiB. */
  needs: Schema.optionalKey(Struct({ provider: NullOr(Text), memory: Finite })),
  /** Bytes that its run writes, about; a sweep of before does not say. */
  writes: Schema.optionalKey(Finite),
});
export type PlannedTrial = typeof PlannedTrial.Type;

export const PlannedSweep = Struct({
  name: Text,
  /** Digest of the file's content and its configuration's. */
  digest: Text,
  /** Absolute. */
  file: Text,
  pipeline: Text,
  config: NullOr(Text),
  /** Its content, for machines that do not see the file. */
  configText: Schema.optionalKey(Text),
  base: Text,
  by: Literals(["held_out", "fixed_loss"]),
  at: Literals(["best", "last"]),
  per: List(Text),
  rungs: List(Int),
  factor: Int,
  budget: Struct({ steps: NullOr(Int), hours: NullOr(Finite) }),
  parallel: Int,
  priority: Literals(["high", "normal", "low"]),
  attempts: Int,
  stopAfterFailures: NullOr(Int),
  keep: Literals(["all", "best"]),
  /** Of each training on a processor, where trials leave it open: other numbers give other last bits. */
  threads: Schema.optionalKey(Int),
  /** Whether its configuration says how many, which no machine replaces; a sweep of before does not say. */
  setsThreads: Schema.optionalKey(Schema.Boolean),
  /** Of the stages and of the run's folder; a sweep of before names none. */
  versions: Schema.optionalKey(Record(Text, Finite)),
  /** Files of the user's own that it runs. */
  custom: Schema.optionalKey(List(Text)),
  trials: List(PlannedTrial),
});
export type PlannedSweep = typeof PlannedSweep.Type;
export const PlannedSweepJson = Schema.fromJsonString(PlannedSweep);

/** A training up to a step (null: to its end), as an item of the queue. */
export const Segment = Struct({ sweep: Text, round: Int, trial: Int, until: NullOr(Int) });
export type Segment = typeof Segment.Type;

export const segmentKey = ({ sweep, round, trial, until }: Segment): string =>
  `${sweep}/${round}/${trial}/${until ?? "end"}`;
