// One item of the queue: claimed, brought here, trained, sent, published, answered.
// The trap: nobody tells a worker that its claim lapsed. It looks at the run's row every third of a lease, and
// what is no longer its own it kills and says nothing of. Only values reach the workflow, and what this machine
// cannot do now is none: it is given back as if it had not been claimed.
import { join } from "node:path";
import { Cause, Data, Duration, Effect, Fiber, Latch, Schedule, type Scope } from "effect";
import * as DurableDeferred from "effect/workflow/DurableDeferred";
import { isFault } from "../lib/fault.ts";
import { isThere } from "./enter.ts";
import { lastSaid } from "./last-said.ts";
import { Members } from "./members.ts";
import type { Outage } from "./outage.ts";
import { type PlannedSweep, type PlannedTrial, type Segment, segmentKey } from "./planned-sweep.ts";
import { isReached, isUserFault, type SegmentOutcome } from "./segment-outcome.ts";
import { deferredOf, type QueueItem } from "./sweep-workflow.ts";
import { noSnapshots, snapshotsOf } from "./snapshots-of-run.ts";
import { type Claim, isCalledOff, type StoredSweep, Tables } from "./tables.ts";
import { bringRun, isDamage, type Travel } from "./travelling-run.ts";

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

/** What this machine cannot do now, which says nothing of the training: later, or another, may. */
export class CannotNow extends Data.TaggedError("CannotNow")<{ readonly message: string }> {}

/**
 * Trains a segment. Interrupted, it ends after the step it is in and waits for that; whatever else goes wrong
 * is an outcome.
 */
export type Train = (work: SegmentWork) => Effect.Effect<SegmentOutcome, CannotNow>;

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
  /** What it was told it remembers, unless it is to ask `anew`. */
  readonly fitOf: (sweep: StoredSweep, trial: number, anew?: boolean) => Effect.Effect<Fit>;
  /** The same for one that is to begin: until the scope closes no other counts on the room that it takes. */
  readonly admit: (sweep: StoredSweep, trial: number) => Effect.Effect<Fit, never, Scope.Scope>;
  /** For a while it does not fit. */
  readonly leave: (sweep: StoredSweep, trial: number, why: string) => Effect.Effect<void>;
  readonly ended: (segment: Segment, outcome: SegmentOutcome) => Effect.Effect<void>;
}

export class Lost extends Data.TaggedError("Lost")<{ readonly segment: string }> {}
export class TryAgain extends Data.TaggedError("TryAgain")<{ readonly message: string }> {}

/** A share that is away for half a lease is not coming back soon. */
const sendAgain = (lease: Duration.Duration) => ({
  schedule: Schedule.spaced(Duration.millis(Duration.toMillis(lease) / 24)),
  times: 12,
  while: isFault,
});
const goodbyeWithin = "10 seconds";

interface Claimed {
  readonly segment: Segment;
  readonly claim: Claim;
  readonly sweep: StoredSweep;
  readonly fit: Extract<Fit, { readonly fits: true }>;
}

/** A change of the run's row. */
const fenced = <E, R>(segment: Segment, change: Effect.Effect<boolean, E, R>) =>
  Effect.flatMap(
    change,
    (mine) => mine ? Effect.void : Effect.fail(new Lost({ segment: segmentKey(segment) })),
  );

/** Whether another worker may try what failed here. */
const hasOthers = (name: string) =>
  Effect.flatMap(
    Members,
    ({ all }) =>
      Effect.map(all, (found) => found.filter(isThere).some((each) => each.name !== name)),
  );

/** Trains what was claimed and publishes what came of it. Fails with Lost, CannotNow and TryAgain. */
const trainClaimed = (trainer: Trainer, { segment, claim, sweep, fit }: Claimed) =>
  Effect.gen(function* () {
    const { plan } = sweep;
    const { name, lease, train, say, travel, ended, outage: { outlast } } = trainer;
    const tables = yield* Tables;
    const trial = plan.trials.find(({ number }) => number === segment.trial)!;
    const base = trainer.base ?? plan.base;
    const run = { dir: join(base, trial.run), name: trial.run };
    let { step } = claim;
    let lost = false;
    const own = <E, R>(change: Effect.Effect<boolean, E, R>) =>
      Effect.tapErrorTag(
        fenced(segment, change),
        "Lost",
        () => Effect.sync(() => void (lost = true)),
      );
    const renew = Effect.suspend(() => tables.renew(segment, claim, step));
    const publish = (outcome: SegmentOutcome) =>
      Effect.as(own(outlast(tables.publish(segment, claim, step, outcome))), outcome);
    const settle = (outcome: SegmentOutcome) =>
      Effect.gen(function* () {
        if (isUserFault(outcome)) {
          // What only this machine lacks looks the same, e.g. a folder of pictures that is mounted no longer.
          const now = yield* trainer.fitOf(sweep, segment.trial, true);
          if (!now.fits) return yield* new CannotNow({ message: now.why });
        }
        yield* ended(segment, outcome);
        if (
          outcome.outcome !== "failed" || isUserFault(outcome) || claim.attempts >= plan.attempts
        ) return yield* publish(outcome);
        const { message } = outcome;
        say(`${segmentKey(segment)} failed and is tried again: ${message}`);
        yield* own(outlast(renew));
        if (yield* outlast(hasOthers(name))) {
          yield* trainer.leave(sweep, segment.trial, `it failed here: ${message}`);
        }
        return yield* new TryAgain({ message });
      });

    // Before anything is done with it: bringing it here may be what ends its workers.
    if (claim.attempts > plan.attempts) {
      const how = `it took its worker down ${plan.attempts} times without a step between`;
      const message = [how, ...yield* lastSaid(run.dir)].join("\n");
      return yield* publish({ outcome: "poisoned", step, message, machine: name });
    }
    const brought = yield* Effect.result(
      travel === undefined
        ? Effect.succeed(null)
        : bringRun(travel, base, trial.run, claim.snapshots, say),
    );
    if (brought._tag === "Failure") {
      const { message } = brought.failure;
      if (!isDamage(brought.failure)) return yield* new CannotNow({ message });
      return yield* settle({ outcome: "failed", step, exit: 3, message, machine: name });
    }
    const snapshots = travel === undefined ? noSnapshots : snapshotsOf(
      travel,
      { ...run, restored: brought.success },
      (mark) => own(tables.keepSnapshot(segment, claim, mark)),
      say,
    );
    const moment = yield* Latch.make(false);
    /** Ends once nobody waits for it. */
    const watch = Effect.gen(function* () {
      const back = () => moment.openUnsafe();
      for (;;) {
        yield* Effect.sleep(Duration.millis(Duration.toMillis(lease) / 3));
        yield* own(outlast(renew, back));
        if (isCalledOff(yield* outlast(tables.findSweep(segment.sweep)), segment)) {
          return { outcome: "cancelled", step } satisfies SegmentOutcome;
        }
      }
    });
    const training = train({
      segment,
      plan,
      trial,
      base,
      fit,
      onStep: (at) => void (step = at),
      onMoment: () => void moment.openUnsafe(),
      isLost: () => lost,
    });
    const outcome = yield* Effect.raceFirst(
      asOutcome(training, name, () => step),
      Effect.raceFirst(watch, snapshots.sending(moment)),
    ).pipe(
      Effect.onInterrupt(() => Effect.ignore(Effect.timeout(snapshots.send, goodbyeWithin))),
    );
    const sent = yield* Effect.result(outlast(Effect.retry(snapshots.send, sendAgain(lease))));
    if (sent._tag === "Failure") {
      if (!isFault(sent.failure)) return yield* Effect.fail(sent.failure);
      // Whole as it is, nobody else could have it.
      if (isReached(outcome)) return yield* new CannotNow({ message: sent.failure.message });
    }
    return yield* settle(outcome);
  });

/** Whatever a training comes to, as a value: what it threw, and an interrupt of its own, too. */
const asOutcome = (training: ReturnType<Train>, machine: string, step: () => number) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(training);
    const exit = yield* Fiber.await(fiber).pipe(Effect.onInterrupt(() => Fiber.interrupt(fiber)));
    if (exit._tag === "Success") return exit.value;
    const thrown = Cause.squash(exit.cause);
    if (thrown instanceof CannotNow) return yield* thrown;
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
    // Of another round the run may be somebody's: it is not claimed for that.
    if (sweep === null || sweep.round !== segment.round) {
      return yield* answer({ outcome: "cancelled", step: 0 });
    }
    if (sweep.state === "cancelled") {
      const claim = yield* tables.claim(segment, trainer.name);
      const outcome = { outcome: "cancelled", step: claim.step } as const;
      yield* fenced(segment, tables.publish(segment, claim, claim.step, outcome));
      return yield* answer(outcome);
    }
    const fit = yield* trainer.admit(sweep, segment.trial);
    if (!fit.fits) return yield* new TryAgain({ message: fit.why });
    const claim = yield* tables.claim(segment, trainer.name);
    const release = tables.release(segment, claim);
    const outcome = yield* trainClaimed(trainer, { segment, claim, sweep, fit }).pipe(
      Effect.onInterrupt(() => Effect.ignore(release)),
      Effect.catchTag("CannotNow", ({ message }) =>
        Effect.gen(function* () {
          yield* trainer.outage.outlast(release);
          yield* trainer.leave(sweep, segment.trial, message);
          return yield* new TryAgain({ message });
        })),
    );
    yield* answer(outcome);
  }).pipe(Effect.scoped);
