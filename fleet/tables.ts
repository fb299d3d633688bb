// gnomic's own tables beside the engine's: sweeps, what each run is at now, and the results of segments.
// The trap: a run's row is fenced. Every change of it says `WHERE fence = mine`, since nobody tells a worker
// that its claim has lapsed. All times are the database's; a machine's clock may be an hour wrong.
import { Context, Duration, Effect, Layer, Option, Schema } from "effect";
import * as SqlClient from "effect/sql/SqlClient";
import type { SqlError } from "effect/sql/SqlError";
import { asFailure } from "./broken-connection.ts";
import { databaseNow } from "./database-clock.ts";
import { dropInterrupts } from "./interrupts.ts";
import { type PlannedSweep, PlannedSweepJson, type Segment } from "./planned-sweep.ts";
import { type SegmentOutcome, SegmentOutcomeJson } from "./segment-outcome.ts";
import { sharedLease } from "./leases.ts";
import { Piece, type SnapshotMark } from "./snapshot.ts";
import { openItems } from "./waiting.ts";

export type SweepState = "running" | "cancelled" | "done" | "deleted";

export interface StoredSweep {
  readonly name: string;
  readonly plan: PlannedSweep;
  readonly state: SweepState;
  /** Raised by `sweep resume`. */
  readonly round: number;
  /** How many of those that lost a halving were called back. */
  readonly more: number;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
}

/** Whether nobody waits for a segment any more: each round asks for what is left by segments of its own. */
export const isCalledOff = (sweep: StoredSweep | null, { round }: Segment): boolean =>
  sweep === null || sweep.state === "cancelled" || sweep.round !== round;

export interface StoredResult {
  readonly trial: number;
  readonly until: number | null;
  readonly round: number;
  readonly outcome: SegmentOutcome;
}

/** What a run is at. */
export interface RunRow {
  readonly sweep: string;
  readonly trial: number;
  /** Who claimed it; empty: nobody has it. */
  readonly worker: string;
  /** Whether that worker is there and said within two of its leases that it trains it: it may be dead. */
  readonly isTrained: boolean;
  readonly step: number;
  readonly seenAt: number;
  readonly until: number | null;
  readonly snapshots: readonly SnapshotMark[];
}

/** What was sent of a run before its sweep was made. */
export interface BegunRun {
  readonly trial: number;
  readonly snapshot: SnapshotMark;
}

export interface Claim {
  readonly fence: number;
  /** What the run was at when it was claimed. */
  readonly step: number;
  /** Claims in a row without a step between them, this one included. */
  readonly attempts: number;
  /** What was sent of the run, the newest first: two at most. */
  readonly snapshots: readonly SnapshotMark[];
}

const Mark = Schema.fromJsonString(Schema.Struct({ ...Piece.fields, step: Schema.Int }));
const decodeMark = Schema.decodeUnknownOption(Mark);
const marksOf = (row: { readonly snapshot: unknown; readonly snapshot_before: unknown }) =>
  [row.snapshot, row.snapshot_before].flatMap((text) => {
    const mark = decodeMark(text);
    return mark._tag === "Some" ? [mark.value] : [];
  });

const decodeLease = Schema.decodeUnknownOption(
  Schema.fromJsonString(Schema.Struct({ lease: Schema.optionalKey(Schema.Finite) })),
);
/** Seconds; of a worker that is on no list none. */
const leaseOf = (about: unknown): number =>
  Option.match(decodeLease(about), {
    onNone: () => 0,
    onSome: ({ lease = Duration.toSeconds(sharedLease) }) => lease,
  });

const endStep = -1;
const stored = (until: number | null) => until ?? endStep;
const read = (until: unknown) => Number(until) === endStep ? null : Number(until);

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient;
  const now = databaseNow(sql);
  const transaction = <A, E>(work: Effect.Effect<A, E>) => asFailure(sql.withTransaction(work));
  const decodePlan = Schema.decodeSync(PlannedSweepJson);
  const decodeOutcome = Schema.decodeSync(SegmentOutcomeJson);
  const encodeOutcome = Schema.encodeSync(SegmentOutcomeJson);

  /**
   * By sweep: workers ask again and again, a plan of many trials is long, and it changes only when a deleted
   * sweep is made anew, which is another round.
   */
  const plans = new Map<string, { readonly round: number; readonly plan: PlannedSweep }>();
  const planOf = (name: string, round: number) =>
    Effect.gen(function* () {
      const known = plans.get(name);
      if (known?.round === round) return known.plan;
      const [row] = yield* sql<any>`SELECT plan, round FROM gnomic_sweeps WHERE name = ${name}`;
      const plan = decodePlan(row.plan);
      plans.set(name, { round: Number(row.round), plan });
      return plan;
    });
  const sweepOf = (row: any): Effect.Effect<StoredSweep, SqlError> =>
    Effect.map(planOf(row.name, Number(row.round)), (plan) => ({
      name: row.name,
      plan,
      state: row.state,
      round: Number(row.round),
      more: Number(row.more),
      startedAt: Number(row.started_at),
    }));
  const head = sql.literal("name, state, round, more, started_at");

  const sweeps: Effect.Effect<readonly StoredSweep[], SqlError> = Effect.flatMap(
    sql`SELECT ${head} FROM gnomic_sweeps WHERE state <> 'deleted' ORDER BY started_at, name`,
    (rows) => Effect.forEach(rows, sweepOf),
  );
  /** Those that are to run, by name and round. */
  const running = Effect.map(
    sql`SELECT name, round FROM gnomic_sweeps WHERE state = 'running' ORDER BY started_at, name`,
    (rows) => rows.map((row: any) => ({ name: String(row.name), round: Number(row.round) })),
  );
  const findSweep = (name: string): Effect.Effect<StoredSweep | null, SqlError> =>
    Effect.flatMap(
      sql`SELECT ${head} FROM gnomic_sweeps WHERE name = ${name} AND state <> 'deleted'`,
      (rows) => rows.length === 0 ? Effect.succeed(null) : sweepOf(rows[0]),
    );

  /** A run that is there before anybody claimed it. */
  const beginAt = (sweep: string, { trial, snapshot: { digest, bytes, step } }: BegunRun) =>
    sql`INSERT INTO gnomic_runs
      (sweep, trial, fence, attempts, claimed_step, worker, step, until, seen_at, snapshot)
      VALUES (${sweep}, ${trial}, 0, 0, 0, '', ${step}, 0, 0,
        ${JSON.stringify({ digest, bytes, step })}) ON CONFLICT DO NOTHING`;
  /**
   * Makes it with the runs that were `begun`, at once, since one of them may be claimed at once; or leaves the one
   * that is there. False: what has the name is another.
   */
  const submit = (
    plan: PlannedSweep,
    begun: readonly BegunRun[] = [],
  ): Effect.Effect<boolean, SqlError> =>
    transaction(Effect.gen(function* () {
      const { name, digest } = plan;
      yield* sql`INSERT INTO gnomic_sweeps (name, plan, state, round, more, started_at)
        VALUES (${name}, ${JSON.stringify(plan)}, 'running', 0, 0, ${now})
        ON CONFLICT (name) DO UPDATE SET plan = excluded.plan, state = 'running', more = 0,
          round = gnomic_sweeps.round + 1, started_at = excluded.started_at
        WHERE gnomic_sweeps.state = 'deleted'`;
      const [row] = yield* sql<any>`SELECT plan FROM gnomic_sweeps WHERE name = ${name}`;
      if (JSON.parse(row.plan).digest !== digest) return false;
      for (const run of begun) yield* beginAt(name, run);
      return true;
    }));
  /** Since it was submitted. */
  const hoursOf = (name: string): Effect.Effect<number, SqlError> =>
    Effect.map(
      sql<{ ms: number }>`SELECT ${now} - started_at AS ms FROM gnomic_sweeps WHERE name = ${name}`,
      ([row]) => Number(row?.ms ?? 0) / 3_600_000,
    );
  /** One that runs; false: it was at its end before. */
  const end = (name: string, state: "done" | "cancelled") =>
    Effect.map(
      sql`UPDATE gnomic_sweeps SET state = ${state}
        WHERE name = ${name} AND state = 'running' RETURNING name`,
      (rows) => rows.length > 0,
    );
  /** Another round: what failed or was cancelled is tried again, and `more` are called back. */
  const nextRound = (name: string, more: number) =>
    Effect.asVoid(sql`UPDATE gnomic_sweeps
      SET state = 'running', round = round + 1, more = more + ${more} WHERE name = ${name}`);
  /** One that does not run; false: it does. Its row stays, for its rounds: the engine remembers each for ever. */
  const remove = (name: string) =>
    transaction(Effect.gen(function* () {
      const rows = yield* sql`UPDATE gnomic_sweeps SET state = 'deleted'
        WHERE name = ${name} AND state <> 'running' RETURNING name`;
      if (rows.length === 0) return false;
      yield* sql`DELETE FROM gnomic_results WHERE sweep = ${name}`;
      yield* sql`DELETE FROM gnomic_runs WHERE sweep = ${name}`;
      return true;
    }));

  const resultOf = (row: any): StoredResult => ({
    trial: Number(row.trial),
    until: read(row.until),
    round: Number(row.round),
    outcome: decodeOutcome(row.outcome),
  });
  const results = (name: string): Effect.Effect<readonly StoredResult[], SqlError> =>
    Effect.map(
      sql`SELECT * FROM gnomic_results WHERE sweep = ${name} ORDER BY trial, until`,
      (rows) => rows.map(resultOf),
    );
  const findResult = (
    { sweep, trial, until }: Segment,
  ): Effect.Effect<StoredResult | null, SqlError> =>
    Effect.map(
      sql`SELECT * FROM gnomic_results
        WHERE sweep = ${sweep} AND trial = ${trial} AND until = ${stored(until)}`,
      (rows) => rows.length === 0 ? null : resultOf(rows[0]),
    );
  const record = ({ sweep, trial, until, round }: Segment, outcome: SegmentOutcome) =>
    Effect.asVoid(sql`INSERT INTO gnomic_results (sweep, trial, until, round, outcome)
      VALUES (${sweep}, ${trial}, ${stored(until)}, ${round}, ${encodeOutcome(outcome)})
      ON CONFLICT (sweep, trial, until)
      DO UPDATE SET round = excluded.round, outcome = excluded.outcome`);

  /** The run of a segment becomes `worker`'s; whoever had it before has it no longer. */
  const claim = ({ sweep, trial, until }: Segment, worker: string) =>
    Effect.map(
      sql<any>`INSERT INTO gnomic_runs
        (sweep, trial, fence, attempts, claimed_step, worker, step, until, seen_at)
        VALUES (${sweep}, ${trial}, 1, 1, 0, ${worker}, 0, ${stored(until)}, ${now})
        ON CONFLICT (sweep, trial) DO UPDATE SET fence = gnomic_runs.fence + 1,
          worker = excluded.worker, seen_at = excluded.seen_at,
          attempts = CASE WHEN gnomic_runs.step > gnomic_runs.claimed_step
            OR gnomic_runs.until <> excluded.until THEN 1 ELSE gnomic_runs.attempts + 1 END,
          claimed_step = gnomic_runs.step, until = excluded.until
        RETURNING *`,
      ([row]): Claim => ({
        fence: Number(row.fence),
        step: Number(row.step),
        attempts: Number(row.attempts),
        snapshots: marksOf(row),
      }),
    );
  /** Points at a snapshot that was sent; false: the run is another's by now. */
  const keepSnapshot = (
    { sweep, trial }: Segment,
    { fence }: Claim,
    { digest, bytes, step }: SnapshotMark,
  ) =>
    Effect.map(
      sql`UPDATE gnomic_runs SET snapshot_before = snapshot, snapshot = ${
        JSON.stringify({ digest, bytes, step })
      } WHERE sweep = ${sweep} AND trial = ${trial} AND fence = ${fence} RETURNING fence`,
      (rows) => rows.length > 0,
    );

  /** Says what the run is at; false: it is another's by now. */
  const renew = ({ sweep, trial }: Segment, { fence }: Claim, step: number) =>
    Effect.map(
      sql`UPDATE gnomic_runs SET step = ${step}, seen_at = ${now}
        WHERE sweep = ${sweep} AND trial = ${trial} AND fence = ${fence} RETURNING fence`,
      (rows) => rows.length > 0,
    );
  /** Gives the run back as if it had not been claimed. */
  const release = ({ sweep, trial }: Segment, { fence }: Claim) =>
    Effect.asVoid(sql`UPDATE gnomic_runs SET attempts = attempts - 1, worker = ''
      WHERE sweep = ${sweep} AND trial = ${trial} AND fence = ${fence}`);
  /** The result and the run's row, together or not at all; false: it is another's by now. */
  const publish = (segment: Segment, { fence }: Claim, step: number, outcome: SegmentOutcome) =>
    transaction(Effect.gen(function* () {
      const { sweep, trial } = segment;
      const rows = yield* sql`UPDATE gnomic_runs
        SET worker = '', attempts = 0, step = ${step}, seen_at = ${now}
        WHERE sweep = ${sweep} AND trial = ${trial} AND fence = ${fence} RETURNING fence`;
      if (rows.length === 0) return false;
      yield* record(segment, outcome);
      return true;
    }));

  /** Whether any run of a sweep that runs was sent. */
  const hasSnapshots = Effect.map(
    sql`SELECT 1 FROM gnomic_runs r JOIN gnomic_sweeps s ON s.name = r.sweep
      WHERE s.state = 'running' AND r.snapshot IS NOT NULL LIMIT 1`,
    (rows) => rows.length > 0,
  );
  const runs = (sweep: string): Effect.Effect<readonly RunRow[], SqlError> =>
    Effect.map(
      sql`SELECT r.*, w.about, ${now} - r.seen_at AS silent FROM gnomic_runs r
        LEFT JOIN gnomic_workers w ON w.name = r.worker WHERE r.sweep = ${sweep} ORDER BY r.trial`,
      (rows) =>
        rows.map((row: any) => ({
          sweep,
          trial: Number(row.trial),
          worker: row.worker,
          isTrained: row.worker !== "" && Number(row.silent) < 2000 * leaseOf(row.about),
          step: Number(row.step),
          until: read(row.until),
          seenAt: Number(row.seen_at),
          snapshots: marksOf(row),
        })),
    );

  return {
    sweeps,
    running,
    findSweep,
    submit,
    hoursOf,
    end,
    nextRound,
    remove,
    results,
    findResult,
    record,
    claim,
    keepSnapshot,
    renew,
    release,
    publish,
    hasSnapshots,
    runs,
    dropInterrupts: dropInterrupts(sql),
    /** What a free slot might take. */
    waiting: (lease: Duration.Duration) => openItems(sql, lease),
  };
});

export class Tables extends Context.Service<Tables, Effect.Success<typeof make>>()(
  "gnomic/fleet/Tables",
) {
  static readonly layer: Layer.Layer<Tables, SqlError, SqlClient.SqlClient> = Layer.effect(
    Tables,
    make,
  );
}
