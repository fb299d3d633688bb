// Who takes part in a fleet: workers with what they are, when they were last seen and what runs are asked for
// by commands on other machines; and what waits in the queues.
// The trap: only the database's clock is asked, since a machine's may be an hour wrong.
import { Context, Effect, Layer, Option, Schema } from "effect";
import * as SqlClient from "effect/sql/SqlClient";
import type { SqlError } from "effect/sql/SqlError";
import { ProcessIdentity } from "../lib/process-identity.ts";
import { databaseNow } from "./database-clock.ts";
import { Left } from "./left-items.ts";
import { PlannedSweepJson, type Segment } from "./planned-sweep.ts";
import { Offers } from "./queues.ts";
import { deleteFinished, keptDays } from "./retention.ts";
import { segmentsIn } from "./waiting.ts";

const { Finite, Int, Json, Record, String: Text, Struct } = Schema;

/** What a worker says of itself. */
export const WorkerAbout = Struct({
  machine: Text,
  pid: Int,
  slots: Int,
  /** This tool and its version, the runtime and its version. */
  tool: Text,
  /** Of its stages and of the state's format, by name: what it can go on with. */
  versions: Record(Text, Finite),
  /** Whether it runs stages that are files of the user's own. */
  customStages: Schema.Boolean,
  /** What each slot has. */
  offers: Schema.optionalKey(Offers),
  /** What of the queues it leaves to others. */
  left: Schema.optionalKey(Left),
  /** Of each slot, where it has no card. */
  threads: Schema.optionalKey(Int),
  /** Seconds. */
  lease: Schema.optionalKey(Finite),
  /** Whether it still lives, for others of its machine. */
  identity: Schema.optionalKey(ProcessIdentity),
});
export type WorkerAbout = typeof WorkerAbout.Type;

export interface Member {
  readonly name: string;
  readonly about: WorkerAbout;
  readonly silentSeconds: number;
  /** When its row was written, by the database's clock. */
  readonly seenAt: number;
}

export interface QueueItemRow {
  readonly queue: string;
  readonly segment: Segment;
  /** Claimed by a worker, which may be dead by now. */
  readonly held: boolean;
}

export interface RunRequest {
  readonly id: number;
  /** The folder of runs of its sweep; a worker whose runs travel has its own. */
  readonly base: string;
  /** The name of its folder. */
  readonly run: string;
  readonly request: Schema.Json;
}

/** Before every row. */
const never = -1;
const isSame = Schema.toEquivalence(Schema.UndefinedOr(ProcessIdentity));

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient;
  const now = databaseNow(sql);
  const decodeAbout = Schema.decodeUnknownOption(Schema.fromJsonString(WorkerAbout));
  const decodePlan = Schema.decodeSync(PlannedSweepJson);
  const decodeRequest = Schema.decodeUnknownSync(Schema.fromJsonString(Json));

  /** Puts a worker on the list, in place of the row that was `seenAt`; false: another has the name by now. */
  const enter = (name: string, about: WorkerAbout, seenAt: number | null) =>
    Effect.map(
      sql`INSERT INTO gnomic_workers (name, about, seen_at)
        VALUES (${name}, ${JSON.stringify(about)}, ${now})
        ON CONFLICT (name) DO UPDATE SET about = excluded.about, seen_at = excluded.seen_at
        WHERE gnomic_workers.seen_at = ${seenAt ?? never} RETURNING name`,
      (rows) => rows.length > 0,
    );
  /** When the row of this name was written, and whether it is this process's own; null: there is none. */
  const rowOf = (name: string, { identity }: WorkerAbout) =>
    Effect.map(
      sql`SELECT about, seen_at FROM gnomic_workers WHERE name = ${name}`,
      ([row]: any) =>
        row === undefined ? null : {
          seenAt: Number(row.seen_at),
          isOwn: Option.exists(
            decodeAbout(row.about),
            (about) => isSame(about.identity, identity),
          ),
        },
    );
  /** Says that a worker is there; false: another has its name by now. */
  const announce = (name: string, about: WorkerAbout) =>
    Effect.gen(function* () {
      const row = yield* rowOf(name, about);
      return row?.isOwn !== false && (yield* enter(name, about, row?.seenAt ?? null));
    });
  /** Takes it off the list, unless another has its name by now. */
  const leave = (name: string, about: WorkerAbout) =>
    Effect.gen(function* () {
      const row = yield* rowOf(name, about);
      if (row?.isOwn !== true) return;
      yield* sql`DELETE FROM gnomic_workers WHERE name = ${name} AND seen_at = ${row.seenAt}`;
    });
  const all: Effect.Effect<readonly Member[], SqlError> = Effect.map(
    sql`SELECT name, about, seen_at, ${now} - seen_at AS silent FROM gnomic_workers ORDER BY name`,
    (rows) =>
      rows.flatMap((row: any) => {
        const about = decodeAbout(row.about);
        return about._tag === "None" ? [] : [{
          name: row.name,
          about: about.value,
          silentSeconds: Math.max(0, Number(row.silent)) / 1000,
          seenAt: Number(row.seen_at),
        }];
      }),
  );

  /** Effect makes the queues of a folder's own file with its first training. */
  const hasQueues = sql.onDialectOrElse({
    pg: () => Effect.succeed(true),
    orElse: () =>
      Effect.map(
        sql`SELECT name FROM sqlite_master WHERE name = 'effect_queue'`,
        ({ length }) => length > 0,
      ),
  });

  /** What waits in the queues or is claimed. */
  const queued: Effect.Effect<readonly QueueItemRow[], SqlError> = Effect.map(
    sql`SELECT queue_name, element, acquired_at FROM effect_queue
      WHERE state = 'pending' ORDER BY sequence`,
    (rows) =>
      rows.flatMap((row: any) =>
        segmentsIn(row.element).map((segment) => ({
          queue: row.queue_name,
          segment,
          held: row.acquired_at !== null,
        }))
      ),
  );

  const items = Effect.flatMap(hasQueues, (has) => has ? queued : Effect.succeed([]));

  /** Asks whoever trains a run for something; its number. */
  const ask = (run: string, request: Schema.Json): Effect.Effect<number, SqlError> =>
    Effect.map(
      sql`INSERT INTO gnomic_requests (run, request, asked_at)
        VALUES (${run}, ${JSON.stringify(request)}, ${now}) RETURNING id`,
      (rows: any) => Number(rows[0].id),
    );
  /** What the runs of a worker are asked for and have not answered. */
  const asked = (worker: string): Effect.Effect<readonly RunRequest[], SqlError> =>
    Effect.map(
      sql`SELECT q.id, q.run, q.request, s.plan, r.trial FROM gnomic_requests q, gnomic_runs r
        JOIN gnomic_sweeps s ON s.name = r.sweep
        WHERE q.answer IS NULL AND r.worker = ${worker} ORDER BY q.id`,
      (rows) =>
        rows.flatMap((row: any) => {
          const { base, trials } = decodePlan(row.plan);
          return trials.some(({ number, run }) => number === Number(row.trial) && run === row.run)
            ? [{ id: Number(row.id), base, run: row.run, request: decodeRequest(row.request) }]
            : [];
        }),
    );
  const reply = (id: number, answer: string) =>
    Effect.asVoid(sql`UPDATE gnomic_requests SET answer = ${answer} WHERE id = ${id}`);
  /** Null: nobody answered yet. */
  const answerTo = (id: number): Effect.Effect<string | null, SqlError> =>
    Effect.map(
      sql`SELECT answer FROM gnomic_requests WHERE id = ${id}`,
      (rows: any) => rows[0]?.answer ?? null,
    );
  const withdraw = (id: number) =>
    Effect.asVoid(sql`DELETE FROM gnomic_requests WHERE id = ${id} AND answer IS NULL`);

  /** Deletes what the tables hold of sweeps that were over so many days ago. */
  const forget = (days = keptDays) => deleteFinished(sql, days);

  return { enter, announce, leave, all, items, ask, asked, reply, answerTo, withdraw, forget };
});

export class Members extends Context.Service<Members, Effect.Success<typeof make>>()(
  "gnomic/fleet/Members",
) {
  static readonly layer: Layer.Layer<Members, never, SqlClient.SqlClient> = Layer.effect(
    Members,
    make,
  );
}
