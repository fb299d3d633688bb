// A worker: takes segments from the queues, one a slot, and answers each with a value.
// The trap: when three different ones in a row failed it is likely the worker that is ill, so it stops.
import { Cause, Data, Deferred, Duration, Effect, Fiber, Semaphore } from "effect";
import { isUserFault, type SegmentOutcome } from "./segment-outcome.ts";
import { type Segment, segmentKey } from "./planned-sweep.ts";
import { watchOutages } from "./outage.ts";
import { segmentQueue } from "./sweep-workflow.ts";
import { isCalledOff, type StoredSweep, Tables } from "./tables.ts";
import { handleItem, type Trainer } from "./train-fenced.ts";
import { type FitOptions, trialFits } from "./trial-fits.ts";
import { nextQueue } from "./waiting.ts";

export interface WorkerOptions
  extends Omit<Trainer, "admit" | "ended" | "fitOf" | "leave" | "outage">, FitOptions {
  readonly slots: number;
  /** How often it looks for work while it has none. */
  readonly lookEvery?: Duration.Duration;
}

class NotBegun extends Data.TaggedError("NotBegun") {}

/** After so many different segments in a row that failed, it is the worker. */
const suspicious = 3;
/** A queue that had something a moment ago gives it at once, or others took it. */
const takeWithin = "1 second";
/** Works until it is interrupted; ends by itself when it seems to be the one that is ill. */
export const runWorker = (options: WorkerOptions) =>
  Effect.gen(function* () {
    const { lookEvery = Duration.millis(250), lease, say } = options;
    const tables = yield* Tables;
    let failures: ReadonlySet<string> = new Set();
    const isIll = yield* Deferred.make<void>();
    const ended = (segment: Segment, outcome: SegmentOutcome) =>
      Effect.suspend(() => {
        failures = outcome.outcome !== "failed" || isUserFault(outcome)
          ? new Set()
          : new Set([...failures, segmentKey(segment)]);
        return failures.size < suspicious ? Effect.void : Deferred.succeed(isIll, undefined);
      });
    const { admit, fitOf, leave } = trialFits(options);
    const outage = yield* watchOutages(lease, say);
    const handle = handleItem({ ...options, admit, ended, fitOf, leave, outage });
    /** Of one look, which asks for each sweep once. What is called off anybody can answer. */
    const looking = () => {
      const seen = new Map<string, StoredSweep | null>();
      return (segment: Segment) =>
        Effect.gen(function* () {
          const known = seen.get(segment.sweep);
          const found = known === undefined ? yield* tables.findSweep(segment.sweep) : known;
          seen.set(segment.sweep, found);
          return found === null || isCalledOff(found, segment) ||
            (yield* fitOf(found, segment.trial)).fits;
        });
    };
    const turn = yield* Semaphore.make(1);

    /** Takes the next item, and ends as soon as it is being handled. */
    const begin = Effect.gen(function* () {
      const name = yield* nextQueue(tables.waiting(lease), { lookEvery, outage }, looking);
      const queue = yield* segmentQueue(name);
      const begun = yield* Deferred.make<void>();
      const working = yield* Effect.forkChild(
        queue.take((item) => Effect.andThen(Deferred.succeed(begun, undefined), handle(item))),
      );
      yield* Effect.raceFirst(
        Deferred.await(begun),
        Effect.raceFirst(
          Effect.exit(Fiber.await(working)),
          Effect.andThen(Effect.sleep(takeWithin), new NotBegun()),
        ),
      ).pipe(Effect.onError(() => Fiber.interrupt(working)));
      return working;
    }).pipe(Semaphore.withPermit(turn));

    const one = Effect.gen(function* () {
      const working = yield* begin;
      const exit = yield* Fiber.await(working).pipe(
        Effect.onInterrupt(() => Fiber.interrupt(working)),
      );
      // The queue lets go of what it could not renew while the database was away; that ends no worker.
      if (exit._tag === "Failure" && Cause.hasInterruptsOnly(exit.cause)) return;
      yield* exit;
    }).pipe(
      Effect.catch((error) =>
        error._tag === "Lost"
          ? Effect.sync(() => say(`${error.segment} is another worker's by now`))
          : error._tag === "TryAgain" || error._tag === "NotBegun"
          ? Effect.void
          : Effect.sleep("1 second")
      ),
      // What the queue itself could not do, e.g. give an item back while the database was away.
      Effect.catchDefect(() => Effect.sleep("1 second")),
    );
    const slot = Effect.gen(function* () {
      while (!(yield* Deferred.isDone(isIll))) yield* one;
    });
    yield* Effect.raceFirst(
      Effect.forEach(Array.from({ length: options.slots }), () => slot, {
        concurrency: "unbounded",
        discard: true,
      }),
      // What failed last is published meanwhile; what else trains here goes back.
      Effect.andThen(Deferred.await(isIll), Effect.sleep("1 second")),
    );
    say(`${suspicious} trainings in a row failed here; this worker takes no more.`);
  });
