// A sweep as a durable workflow: each decision is an activity named by what it decides, each segment is
// offered to the workers' queue and awaited. The body is replayed from the top at every answer; what is over it
// passes over then, or a sweep of a thousand trials would ask the database a million things.
// The trap: nothing happens here outside activities, and their names never change without a new number in
// the workflow's. What an activity dies of is kept as its reply for ever, so it outlasts a database that is away.
import { Effect, Layer, Schedule, Schema } from "effect";
import * as PersistedQueue from "effect/persistence/PersistedQueue";
import * as Activity from "effect/workflow/Activity";
import * as DurableDeferred from "effect/workflow/DurableDeferred";
import * as Workflow from "effect/workflow/Workflow";
import { decideEnd, decideRung, isLimited, refusal } from "./decisions.ts";
import { PlannedSweep, Segment, segmentKey } from "./planned-sweep.ts";
import { queueOf } from "./queues.ts";
import { outlast } from "./outlast.ts";
import { isReached, SegmentOutcome } from "./segment-outcome.ts";
import { endHere } from "./sweep-end.ts";
import { isCalledOff, Tables } from "./tables.ts";

export const Sweep = Workflow.make("Sweep/1", {
  payload: { sweep: Schema.String, round: Schema.Int },
  idempotencyKey: ({ sweep, round }) => `${sweep}/${round}`,
});

export const QueueItem = Schema.Struct({ token: DurableDeferred.Token, segment: Segment });

/** Deaths are counted in the run's row; an item that the queue gave up would never be answered. */
const manyAttempts = 2_000_000_000;

export const segmentQueue = (name: string) =>
  PersistedQueue.make({
    name,
    schema: QueueItem,
    maxAttempts: manyAttempts,
    retrySchedule: Schedule.spaced("1 second"),
  });

export const deferredOf = (segment: Segment) =>
  DurableDeferred.make(segmentKey(segment), { success: SegmentOutcome });

const Trials = Schema.Array(Schema.Int);

/** What an activity does: begun again from the top until the database lets it end. */
const decided = <A, E, R>(work: Effect.Effect<A, E, R>) => Effect.orDie(outlast(work));

/** What this process knows of a sweep's round, which never changes: its plan, and how far each segment is. */
interface Seen {
  plan?: PlannedSweep | null;
  readonly segments: Map<string, "offered" | "over">;
}

/**
 * What is over by the tables, asked once. Who takes a sweep over has the same work in hand as a lock to renew in
 * time: replayed answer by answer it may lose the sweep again, and again.
 */
const whatIsOver = (sweep: string, round: number) =>
  Effect.gen(function* () {
    const tables = yield* Tables;
    const results = yield* decided(tables.results(sweep));
    const segments: Seen["segments"] = new Map();
    for (const { trial, until, outcome, round: of } of results) {
      if (isReached(outcome) || of === round) {
        segments.set(segmentKey({ sweep, round, trial, until }), "over");
      }
    }
    return { segments } as Seen;
  });

/**
 * Hands a segment to whoever takes it from the queue; false: it was done before, or may not be. `going`: all that
 * train to its step.
 */
const offer = (segment: Segment, going: readonly number[]) =>
  Effect.gen(function* () {
    const token = yield* DurableDeferred.token(deferredOf(segment));
    const known = yield* Activity.make({
      name: `offer/${segmentKey(segment)}`,
      success: Schema.NullOr(SegmentOutcome),
      execute: decided(Effect.gen(function* () {
        const tables = yield* Tables;
        const before = yield* tables.findResult(segment);
        if (before !== null && isReached(before.outcome)) return before.outcome;
        const sweep = yield* tables.findSweep(segment.sweep);
        if (sweep === null || isCalledOff(sweep, segment)) {
          return { outcome: "cancelled", step: 0 } as const;
        }
        const why = isLimited(sweep.plan) ? yield* whyNot(sweep.plan, segment, going) : null;
        if (why !== null) {
          const skipped = { outcome: "skipped", why } as const;
          yield* tables.record(segment, skipped);
          return skipped;
        }
        const trial = sweep.plan.trials.find(({ number }) => number === segment.trial)!;
        const queue = yield* segmentQueue(queueOf(sweep.plan, trial));
        yield* queue.offer({ token, segment }, { id: segmentKey(segment) });
        return null;
      })),
    });
    return known === null;
  });

/** Why a segment may not begin, by what came of those before it; null: it may. */
const whyNot = (plan: PlannedSweep, segment: Segment, going: readonly number[]) =>
  Effect.gen(function* () {
    const tables = yield* Tables;
    const hours = yield* tables.hoursOf(segment.sweep);
    const counting = (yield* tables.results(segment.sweep))
      .filter(({ outcome, round }) => isReached(outcome) || round === segment.round);
    return refusal(plan, counting, { ...segment, going }, hours);
  });

/** Trains up to a step. */
const train = ({ segments }: Seen, segment: Segment, going: readonly number[]) =>
  Effect.gen(function* () {
    const key = segmentKey(segment);
    if (segments.get(key) === "over") return;
    if (segments.has(key) || (yield* offer(segment, going))) {
      segments.set(key, "offered");
      yield* DurableDeferred.await(deferredOf(segment));
    }
    segments.set(key, "over");
  });

const sweepBody = (rounds: Map<string, Seen>, { sweep, round }: typeof Sweep.payloadSchema.Type) =>
  Effect.gen(function* () {
    const key = `${sweep}/${round}`;
    const seen = rounds.get(key) ?? (yield* whatIsOver(sweep, round));
    rounds.set(key, seen);
    const plan = seen.plan ??= yield* Activity.make({
      name: "plan",
      success: Schema.NullOr(PlannedSweep),
      execute: decided(
        Effect.map(
          Effect.flatMap(Tables, (tables) => tables.findSweep(sweep)),
          (found) => found?.plan ?? null,
        ),
      ),
    });
    if (plan === null) return; // deleted meanwhile
    const decide = (
      name: string,
      choose: (results: Parameters<typeof decideRung>[1], more: number) => readonly number[],
    ) =>
      Activity.make({
        name,
        success: Trials,
        execute: decided(Effect.gen(function* () {
          const tables = yield* Tables;
          const found = yield* tables.findSweep(sweep);
          if (found === null || found.state === "cancelled") return [];
          return choose(yield* tables.results(sweep), found.more);
        })),
      });
    const all = (trials: readonly number[], until: number | null) =>
      Effect.forEach(trials, (trial) => train(seen, { sweep, round, trial, until }, trials), {
        concurrency: plan.parallel,
        discard: true,
      });

    let going: readonly number[] = plan.trials.map(({ number }) => number);
    for (const until of plan.rungs) {
      yield* all(going, until);
      going = yield* decide(`rung/${until}`, (results) => decideRung(plan, results, until));
    }
    const through = going;
    if (plan.rungs.length > 0) {
      going = yield* decide("end", (results, more) => decideEnd(plan, results, through, more));
    }
    yield* all(going, null);
    yield* Activity.make({
      name: "close",
      execute: decided(Effect.gen(function* () {
        const tables = yield* Tables;
        const found = yield* tables.findSweep(sweep);
        if (found?.state === "running" && found.round === round) {
          yield* endHere(found);
          yield* tables.dropInterrupts;
          yield* tables.end(sweep, "done");
        }
      })),
    });
    rounds.delete(key);
  });

export const sweepLayer = Layer.suspend(() => {
  const rounds = new Map<string, Seen>();
  return Sweep.toLayer((payload) => sweepBody(rounds, payload));
});
