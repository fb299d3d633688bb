// What the engine's tables hold of sweeps that are over: they only ever grow, so what is older than 30 days is
// deleted, now and then, by those who train.
// The trap: messages are what a sweep is replayed from, so of one that still runs nothing goes, however old.
import { Effect } from "effect";
import * as Snowflake from "effect/cluster/Snowflake";
import type * as SqlClient from "effect/sql/SqlClient";
import { asFailure } from "./broken-connection.ts";
import { databaseNow } from "./database-clock.ts";
import { Sweep } from "./sweep-workflow.ts";

export const keptDays = 30;
const dayMs = 86_400_000;

/** Deletes what is older than so many days; how many rows of each table. */
export const deleteFinished = (sql: SqlClient.SqlClient, days: number) =>
  asFailure(sql.withTransaction(Effect.gen(function* () {
    const count = (rows: readonly unknown[]) => rows.length;
    const [{ now }] = yield* sql<{ now: number }>`SELECT ${databaseNow(sql)} AS now`;
    const before = Number(now) - days * dayMs;
    const running = yield* sql<{ name: string; round: number }>`
      SELECT name, round FROM gnomic_sweeps WHERE state = 'running'`;
    const kept = yield* Effect.forEach(
      running,
      ({ name, round }) => Sweep.executionId({ sweep: name, round: Number(round) }),
    );
    // A message's id begins with the time at which it was made.
    const oldest = sql.literal(
      Snowflake.make({ machineId: 0 as never, sequence: 0, timestamp: before }).toString(),
    );
    const over = kept.length === 0
      ? sql`id < ${oldest}`
      : sql`id < ${oldest} AND NOT (${sql.in("entity_id", kept)})`;
    const replies = yield* sql`DELETE FROM cluster_replies WHERE request_id IN
      (SELECT request_id FROM cluster_messages WHERE ${over}) RETURNING kind`;
    const messages = yield* sql`DELETE FROM cluster_messages WHERE ${over} RETURNING kind`;
    const then = sql.literal(sql.onDialectOrElse({
      pg: () => `NOW() - INTERVAL '${days} days'`,
      orElse: () => `datetime('now', '-${days} days')` as string,
    }));
    const items = yield* sql`DELETE FROM effect_queue
      WHERE state <> 'pending' AND updated_at <= ${then} RETURNING sequence`;
    yield* sql`DELETE FROM gnomic_requests WHERE asked_at < ${before}`;
    yield* sql`DELETE FROM gnomic_workers WHERE seen_at < ${before}`;
    return { replies: count(replies), messages: count(messages), items: count(items) };
  })));
