// One item of the queue: claimed, brought here, trained, sent, published, answered.
// The trap: nobody tells a worker that its claim lapsed. It looks at the run's row every third of a lease, and
// what is no longer its own it kills and says nothing of. Only values reach the workflow.
import { join } from "node:path";
import { Cause, Data, Duration, Effect, Fiber, Latch, Schedule } from "effect";
import * as DurableDeferred from "effect/workflow/DurableDeferred";
import { isFault } from "../lib/fault.ts";
import { lastSaid } from "./last-said.ts";
import type { Outage } from "./outage.ts";
import { type PlannedSweep, type PlannedTrial, type Segment, segmentKey } from "./planned-sweep.ts";
import { isReached, isUserFault, type SegmentOutcome } from "./segment-outcome.ts";
import { deferredOf, type QueueItem } from "./sweep-workflow.ts";
import { noSnapshots, snapshotsOf } from "./snapshots-of-run.ts";
import { type Claim, type StoredSweep, Tables } from "./tables.ts";
import { bringRun, type Travel } from "./travelling-run.ts";

/** How this machine would train a trial, or why it leaves it to others. */
export type Fit =
  | {
    readonly fits: true;
    /** The configuration's file here. */
    readonly config: string | null;
    /** Options that are otherwise here, by key. */
    readonly overrides: PlannedTrial["overrides"];
  }
  | { readonly fits: false; readonly why: string };

export interface SegmentWork {
  readonly segment: Segment;
  readonly plan: PlannedSweep;
  readonly trial: PlannedTrial;
  /** The folder of runs here. */
  readonly base: string;
  readonly fit: Extract<Fit, { readonly fits: true }>;
  /** Called with each finished step. */
  readonly onStep: (step: number) => void;
  /** Called when there is something worth a snapshot. */
  readonly onMoment: () => void;
  /** Interrupted, whether it is another's: then nothing is waited for. */
  readonly isLost: () => boolean;
}

/**
 * Trains a segment. Interrupted, it ends after the step it is in and waits for that; whatever goes wrong is
 * an outcome.
 */
export type Train = (work: SegmentWork) => Effect.Effect<SegmentOutcome>;

export interface Trainer {
  readonly name: string;
  readonly lease: Duration.Duration;
  readonly train: Train;
  readonly say: (line: string) => void;
  /** The folder of runs of this machine; none: the sweep's own, which all see. */
  readonly base?: string;
  /** How runs come here and go on elsewhere; none: they stay in the folder that all see. */
  readonly travel?: Travel;
  readonly outage: Outage;
  readonly fitOf: (sweep: StoredSweep, trial: number) => Effect.Effect<Fit>;
  readonly ended: (segment: Segment, outcome: SegmentOutcome) => Effect.Effect<void>;
}

export class Lost extends Data.TaggedError("Lost")<{ readonly segment: string }> {}
export class TryAgain extends Data.TaggedError("TryAgain")<{ readonly message: string }> {}

/** A share that is away for so long is not coming back soon. */
const sendAgain = { schedule: Schedule.spaced("5 seconds"), times: 12, while: isFault };
const goodbyeWithin = "10 seconds";

interface Claimed {
  readonly segment: Segment;
  readonly claim: Claim;
  readonly sweep: StoredSweep;
  readonly fit: Extract<Fit, { readonly fits: true }>;
}

/** Trains what was claimed and publishes what came of it. Fails with Lost and TryAgain, saying nothing. */
const trainClaimed = (trainer: Trainer, { segment, claim, sweep, fit }: Claimed) =>
  Effect.gen(function* () {
    const { plan } = sweep;
    const { name, lease, train, say, travel, ended, outage: { outlast } } = trainer;
    const tables = yield* Tables;
    const trial = plan.trials.find(({ number }) => number === segment.trial)!;
    const base = trainer.base ?? plan.base;
    let step = 0;
    let lost = false;
    /** A change of the run's row. */
    const fenced = <E, R>(change: Effect.Effect<boolean, E, R>) =>
      Effect.gen(function* () {
        if (yield* change) return;
        lost = true;
        return yield* new Lost({ segment: segmentKey(segment) });
      });
    const publish = (outcome: SegmentOutcome) =>
      Effect.as(fenced(outlast(tables.publish(segment, claim, step, outcome))), outcome);
    if (sweep.state === "cancelled") return yield* publish({ outcome: "cancelled", step });

    const brought = yield* Effect.result(
      travel === undefined
        ? Effect.succeed(null)
        : bringRun(travel, base, trial.run, claim.snapshots, say),
    );
    if (claim.attempts > plan.attempts) {
      const how = `it took its worker down ${plan.attempts} times without a step between`;
      const message = [how, ...yield* lastSaid(join(base, trial.run))].join("\n");
      return yield* publish({ outcome: "poisoned", step, message, machine: name });
    }
    const restored = brought._tag === "Success" ? brought.success : null;
    const snapshots = travel === undefined ? noSnapshots : snapshotsOf(
      travel,
      { dir: join(base, trial.run), name: trial.run, restored },
      (mark) => fenced(tables.keepSnapshot(segment, claim, mark)),
      say,
    );
    const moment = yield* Latch.make(false);
    /** Ends once the sweep is cancelled. */
    const watch = Effect.gen(function* () {
      const back = () => moment.openUnsafe();
      for (;;) {
        yield* Effect.sleep(Duration.millis(Duration.toMillis(lease) / 3));
        const renew = Effect.suspend(() => tables.renew(segment, claim, step));
        yield* fenced(outlast(renew, back));
        const now = yield* outlast(tables.findSweep(segment.sweep));
        if (now === null || now.state === "cancelled") {
          return { outcome: "cancelled", step } satisfies SegmentOutcome;
        }
      }
    });
    const working: Effect.Effect<SegmentOutcome> = brought._tag === "Failure"
      ? Effect.succeed({
        outcome: "failed",
        step,
        exit: 3,
        message: brought.failure.message,
        machine: name,
      })
      : asOutcome(
        train({
          segment,
          plan,
          trial,
          base,
          fit,
          onStep: (at) => void (step = at),
          onMoment: () => void moment.openUnsafe(),
          isLost: () => lost,
        }),
        name,
        () => step,
      );
    const outcome = yield* Effect.raceFirst(
      working,
      Effect.raceFirst(watch, snapshots.sending(moment)),
    ).pipe(
      Effect.onInterrupt(() => Effect.ignore(Effect.timeout(snapshots.send, goodbyeWithin))),
    );
    yield* ended(segment, outcome);
    const again = (message: string) =>
      Effect.gen(function* () {
        say(`${segmentKey(segment)} failed and is tried again: ${message}`);
        yield* fenced(outlast(tables.renew(segment, claim, step)));
        return yield* new TryAgain({ message });
      });
    const sent = yield* Effect.result(outlast(Effect.retry(snapshots.send, sendAgain)));
    if (sent._tag === "Failure") {
      if (!isFault(sent.failure)) return yield* Effect.fail(sent.failure);
      if (isReached(outcome)) return yield* again(sent.failure.message);
    }
    const mayTryAgain = outcome.outcome === "failed" && !isUserFault(outcome) &&
      claim.attempts < plan.attempts;
    return mayTryAgain ? yield* again(outcome.message) : yield* publish(outcome);
  });

/** Whatever a training comes to, as a value: what it threw, and an interrupt of its own, too. */
const asOutcome = (training: Effect.Effect<SegmentOutcome>, machine: string, step: () => number) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(training);
    const exit = yield* Fiber.await(fiber).pipe(Effect.onInterrupt(() => Fiber.interrupt(fiber)));
    if (exit._tag === "Success") return exit.value;
    const message = Cause.hasInterruptsOnly(exit.cause)
      ? "it was interrupted from within"
      : Cause.pretty(exit.cause);
    return { outcome: "failed", step: step(), exit: 70, message, machine } satisfies SegmentOutcome;
  });

/** What a slot does with an item. */
export const handleItem = (trainer: Trainer) => ({ token, segment }: typeof QueueItem.Type) =>
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
    const fit = yield* trainer.fitOf(sweep, segment.trial);
    if (!fit.fits) return yield* new TryAgain({ message: fit.why });
    const claim = yield* tables.claim(segment, trainer.name);
    const outcome = yield* trainClaimed(trainer, { segment, claim, sweep, fit }).pipe(
      Effect.onInterrupt(() => Effect.ignore(tables.release(segment, claim))),
    );
    yield* answer(outcome);
  });
