// A worker: takes segments from the queue, one a slot, trains them, and answers with a value.
// The trap: nobody tells it that its claim lapsed. It looks at the run's row every third of a lease, and
// what is no longer its own it kills and says nothing of.
import { Data, Duration, Effect, Ref } from "effect";
import * as DurableDeferred from "effect/workflow/DurableDeferred";
import { isUserFault, type SegmentOutcome } from "./segment-outcome.ts";
import { isReached } from "./segment-outcome.ts";
import { type PlannedSweep, type Segment, segmentKey } from "./planned-sweep.ts";
import { deferredOf, QueueItem, segmentQueue } from "./sweep-workflow.ts";
import { type Claim, Tables } from "./tables.ts";

export interface SegmentWork {
  readonly segment: Segment;
  readonly plan: PlannedSweep;
  /** Called with each finished step. */
  readonly onStep: (step: number) => void;
}

/**
 * Trains a segment. Interrupted, it ends after the step it is in and waits for that; whatever goes wrong is
 * an outcome.
 */
export type Train = (work: SegmentWork) => Effect.Effect<SegmentOutcome>;

export interface WorkerOptions {
  readonly name: string;
  readonly slots: number;
  readonly lease: Duration.Duration;
  readonly train: Train;
  readonly say: (line: string) => void;
  /** Whether this machine can train it at all; what it cannot it leaves to others. */
  readonly accepts?: (plan: PlannedSweep) => Effect.Effect<boolean>;
}

class Lost extends Data.TaggedError("Lost")<{ readonly segment: string }> {}
class TryAgain extends Data.TaggedError("TryAgain")<{ readonly message: string }> {}

/** After so many different segments in a row that failed, it is the worker. */
const suspicious = 3;

/** Fails once the run is another's; ends once the sweep is cancelled. */
const watch = (
  segment: Segment,
  claim: Claim,
  step: () => number,
  lease: Duration.Duration,
) =>
  Effect.gen(function* () {
    const tables = yield* Tables;
    for (;;) {
      yield* Effect.sleep(Duration.millis(Duration.toMillis(lease) / 3));
      if (!(yield* tables.renew(segment, claim, step()))) {
        return yield* new Lost({ segment: segmentKey(segment) });
      }
      const sweep = yield* tables.findSweep(segment.sweep);
      if (sweep === null || sweep.state === "cancelled") {
        return { outcome: "cancelled", step: step() } satisfies SegmentOutcome;
      }
    }
  });

const handle = (
  { name, lease, train, say, accepts = () => Effect.succeed(true) }: WorkerOptions,
  ended: (segment: Segment, outcome: SegmentOutcome) => Effect.Effect<void>,
) =>
({ token, segment }: typeof QueueItem.Type) =>
  Effect.gen(function* () {
    const tables = yield* Tables;
    const answer = (value: SegmentOutcome) =>
      DurableDeferred.succeed(deferredOf(segment), { token, value });
    const before = yield* tables.findResult(segment);
    if (before !== null && (isReached(before.outcome) || before.round === segment.round)) {
      return yield* answer(before.outcome);
    }
    const sweep = yield* tables.findSweep(segment.sweep);
    if (sweep === null) return yield* answer({ outcome: "cancelled", step: 0 });
    if (!(yield* accepts(sweep.plan))) return yield* new TryAgain({ message: "not here" });
    const claim = yield* tables.claim(segment, name);
    let step = 0;
    const publish = (outcome: SegmentOutcome) =>
      Effect.gen(function* () {
        if (!(yield* tables.publish(segment, claim, step, outcome))) {
          return yield* new Lost({ segment: segmentKey(segment) });
        }
        yield* answer(outcome);
      });
    if (sweep.state === "cancelled") return yield* publish({ outcome: "cancelled", step });
    if (claim.attempts > sweep.plan.attempts) {
      const message = `it took its worker down ${sweep.plan.attempts} times without a step between`;
      return yield* publish({ outcome: "poisoned", step, message, machine: name });
    }
    const onStep = (at: number) => void (step = at);
    const outcome = yield* Effect.raceFirst(
      train({ segment, plan: sweep.plan, onStep }),
      watch(segment, claim, () => step, lease),
    ).pipe(Effect.onInterrupt(() => Effect.ignore(tables.release(segment, claim))));
    yield* ended(segment, outcome);
    if (
      outcome.outcome === "failed" && !isUserFault(outcome) && claim.attempts < sweep.plan.attempts
    ) {
      say(`${segmentKey(segment)} failed and is tried again: ${outcome.message}`);
      yield* tables.renew(segment, claim, step);
      return yield* new TryAgain({ message: outcome.message });
    }
    yield* publish(outcome);
  });

/** Works until it is interrupted; ends by itself when it seems to be the one that is ill. */
export const runWorker = (options: WorkerOptions) =>
  Effect.gen(function* () {
    const failures = yield* Ref.make<ReadonlySet<string>>(new Set());
    const ended = (segment: Segment, outcome: SegmentOutcome) =>
      Ref.update(failures, (before) =>
        outcome.outcome !== "failed" || isUserFault(outcome)
          ? new Set<string>()
          : new Set([...before, segmentKey(segment)]));
    const queue = yield* segmentQueue;
    const one = queue.take(handle(options, ended)).pipe(
      Effect.catch((error) =>
        error._tag === "Lost"
          ? Effect.sync(() =>
            options.say(`${error.segment} is another worker's by now`)
          )
          : error._tag === "TryAgain"
          ? Effect.void
          : Effect.sleep("1 second")
      ),
    );
    const well = Effect.map(Ref.get(failures), (all) => all.size < suspicious);
    const slot = Effect.whileLoop({ while: () => true, body: () => one, step: () => {} });
    const until = Effect.gen(function* () {
      while (yield* well) yield* Effect.sleep("1 second");
    });
    yield* Effect.raceFirst(
      Effect.forEach(Array.from({ length: options.slots }), () => slot, {
        concurrency: "unbounded",
        discard: true,
      }),
      until,
    );
    options.say(`${suspicious} trainings in a row failed here; this worker takes no more.`);
  });
