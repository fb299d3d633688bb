// What a free slot could take this moment, looked at before anything is taken: so urgency decides and not
// chance, and an idle worker asks once a second whatever the number of queues. Also queues that it serves none of
// are looked at: what is called off there it answers, if nobody else is there to.
// The trap: what looks as if nobody held it may only be what its owner could not renew (outage.ts).
import { Clock, Duration, Effect, Schema } from "effect";
import type * as SqlClient from "effect/sql/SqlClient";
import type { SqlError } from "effect/sql/SqlError";
import type { Outage } from "./outage.ts";
import { Segment } from "./planned-sweep.ts";
import { inOrder } from "./queues.ts";

interface WaitingQueue {
  readonly queue: string;
  /** The first of it, in their order. */
  readonly segments: readonly Segment[];
}

const firstOf = 20;
const decode = Schema.decodeUnknownOption(
  Schema.fromJsonString(Schema.Struct({ segment: Segment })),
);

/** What an item of a queue asks for; empty: it has another form. */
export const segmentsIn = (element: unknown): readonly Segment[] => {
  const item = decode(element);
  return item._tag === "Some" ? [item.value.segment] : [];
};

interface OpenItem {
  readonly queue: string;
  readonly element: string;
}

/**
 * The first items of each sweep in each queue that nobody holds, or whose holder's claim lapsed: one that nobody
 * here trains hides no other.
 */
export const openItems = (
  sql: SqlClient.SqlClient,
  lease: Duration.Duration,
): Effect.Effect<readonly OpenItem[], SqlError> =>
  Effect.suspend(() => {
    const seconds = String(Math.ceil(Duration.toSeconds(lease)));
    // An item is named by its segment, which begins with the sweep.
    const [now, lapsed, sweep] = sql.onDialectOrElse({
      pg: () => ["NOW()", `NOW() - INTERVAL '${seconds} seconds'`, "split_part(id, '/', 1)"],
      orElse: () => [
        "CURRENT_TIMESTAMP",
        `datetime(CURRENT_TIMESTAMP, '-${seconds} seconds')`,
        "substr(id, 1, instr(id, '/'))",
      ],
    }).map((text) => sql.literal(text));
    return sql<OpenItem>`
      SELECT queue, element FROM (
        SELECT queue_name AS queue, element, visible_at, sequence,
          ROW_NUMBER() OVER (PARTITION BY queue_name, ${sweep} ORDER BY visible_at, sequence) AS place
        FROM effect_queue
        WHERE state = 'pending' AND visible_at <= ${now}
          AND (acquired_at IS NULL OR acquired_at < ${lapsed})) AS free
      WHERE place <= ${sql.literal(String(firstOf))} ORDER BY visible_at, sequence`;
  });

/** By queue, the one to take from first. */
const inQueues = (items: readonly OpenItem[]): readonly WaitingQueue[] =>
  inOrder(new Set(items.map(({ queue }) => queue))).map((queue) => ({
    queue,
    segments: items.filter((item) => item.queue === queue)
      .flatMap(({ element }) => segmentsIn(element)),
  }));

/**
 * Waits until there is something to take from. `looking` is called at each look; what it gives says of each
 * whether this worker would.
 */
export const nextQueue = <E, R>(
  look: Effect.Effect<readonly OpenItem[], SqlError>,
  { lookEvery, outage }: {
    readonly lookEvery: Duration.Duration;
    readonly outage: Outage;
  },
  looking: () => (segment: Segment) => Effect.Effect<boolean, E, R>,
) =>
  Effect.gen(function* () {
    let heardAt = yield* Clock.currentTimeMillis;
    for (;;) {
      const queues = inQueues(yield* outage.outlast(look));
      const now = yield* Clock.currentTimeMillis;
      const lateMs = now - heardAt - Duration.toMillis(lookEvery);
      heardAt = now;
      if (!(yield* outage.isFresh(lateMs))) {
        const isFit = looking();
        for (const { queue, segments } of queues) {
          for (const segment of segments) {
            if (yield* outage.outlast(isFit(segment))) return queue;
          }
        }
      }
      yield* Effect.sleep(lookEvery);
    }
  });
