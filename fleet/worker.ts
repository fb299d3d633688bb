// A worker: takes segments from the queues, one a slot, and answers each with a value.
// The trap: when three different ones in a row failed it is likely the worker that is ill, so it stops.
import { existsSync } from "node:fs";
import { Cause, Clock, Data, Deferred, Duration, Effect, Fiber, Semaphore } from "effect";
import { isUserFault, type SegmentOutcome } from "./segment-outcome.ts";
import { type LeftItems, leftItems } from "./left-items.ts";
import { type PlannedTrial, type Segment, segmentKey } from "./planned-sweep.ts";
import { watchOutages } from "./outage.ts";
import { needsText, type Offers, queueOf, serves } from "./queues.ts";
import { noRoom, type Writing } from "./room.ts";
import { segmentQueue } from "./sweep-workflow.ts";
import { isCalledOff, type StoredSweep, Tables } from "./tables.ts";
import { type Fit, handleItem, type Trainer } from "./train-fenced.ts";
import { nextQueue } from "./waiting.ts";

export interface WorkerOptions
  extends Omit<Trainer, "admit" | "ended" | "fitOf" | "leave" | "outage"> {
  readonly slots: number;
  /** What each has; null: everything that may be asked for. */
  readonly offers?: Offers | null;
  /** How often it looks for work while it has none. */
  readonly lookEvery?: Duration.Duration;
  /** Where it notes what it leaves to others. */
  readonly left?: LeftItems;
  /** Whether and how this machine trains it; what it cannot it leaves to others. */
  readonly accepts?: (sweep: StoredSweep["plan"], trial: PlannedTrial) => Effect.Effect<Fit>;
}

class NotBegun extends Data.TaggedError("NotBegun") {}

/** After so many different segments in a row that failed, it is the worker. */
const suspicious = 3;
/** A queue that had something a moment ago gives it at once, or others took it. */
const takeWithin = "1 second";
/** What is left to others is looked at again after a lease, and after this at the latest. */
const lookAgain = Duration.seconds(30);

/** The copy of a configuration lies in a folder that may be removed. */
const isThere = (fit: Fit) => !fit.fits || fit.config === null || existsSync(fit.config);

/** Asks once for each trial; one that is left to others is looked at again a while later. */
const remembered = ({ accepts, lease }: WorkerOptions): Pick<Trainer, "fitOf" | "leave"> => {
  const known = new Map<string, { readonly fit: Fit; readonly until: number }>();
  const keyOf = ({ plan, startedAt }: StoredSweep, trial: number) =>
    `${plan.name} ${startedAt} ${trial}`;
  const leftMs = Duration.toMillis(Duration.min(lease, lookAgain));
  return {
    fitOf: (sweep, number, anew = false) =>
      Effect.gen(function* () {
        const { plan } = sweep;
        const trial = plan.trials.find((each) => each.number === number);
        if (trial === undefined) return { fits: false, why: "no such trial" };
        const now = yield* Clock.currentTimeMillis;
        const before = known.get(keyOf(sweep, number));
        if (!anew && before !== undefined && now < before.until && isThere(before.fit)) {
          return before.fit;
        }
        const fit: Fit = accepts === undefined
          ? { fits: true, config: plan.config, overrides: {} }
          : yield* accepts(plan, trial);
        known.set(keyOf(sweep, number), { fit, until: fit.fits ? Infinity : now + leftMs });
        return fit;
      }),
    leave: (sweep, number, why) =>
      Effect.map(Clock.currentTimeMillis, (now) =>
        void known.set(keyOf(sweep, number), {
          fit: { fits: false, why },
          until: now + leftMs,
        })),
  };
};

/** The same for what a slot can train, as far as there is room for it; says once what is left to others. */
const withRoom = (
  { base, offers = null, say }: WorkerOptions,
  asked: Trainer["fitOf"],
  left: LeftItems,
): Pick<Trainer, "admit" | "fitOf"> => {
  const writing = new Set<Writing>();
  const turn = Semaphore.makeUnsafe(1);
  const trialOf = ({ plan }: StoredSweep, number: number) =>
    plan.trials.find((each) => each.number === number);
  const writingOf = ({ plan }: StoredSweep, trial: PlannedTrial | undefined): Writing | null =>
    trial?.writes === undefined
      ? null
      : { base: base ?? plan.base, name: trial.run, writes: trial.writes };
  const fitOf: Trainer["fitOf"] = (sweep, number, anew) =>
    Effect.gen(function* () {
      const { plan } = sweep;
      const trial = trialOf(sweep, number);
      const queue = trial === undefined ? null : queueOf(plan, trial);
      // Whoever looks at the queues sees that of any worker: nothing is said of it.
      if (queue !== null && !serves(queue, offers)) {
        return { fits: false, why: `it needs ${needsText(queue)}` };
      }
      const fit = yield* asked(sweep, number, anew);
      const run = writingOf(sweep, trial);
      const others = [...writing].filter(({ name }) => name !== run?.name);
      const why = fit.fits && run !== null ? yield* noRoom(run, others) : null;
      const found: Fit = why === null ? fit : { fits: false, why };
      const reason = found.fits ? null : found.why;
      if (left.note({ sweep: plan.name, trial: number }, reason)) {
        say(`Trial ${trial?.name} of ${plan.name} is not trained here for now: ${reason}`);
      }
      return found;
    });
  return {
    fitOf,
    admit: (sweep, number) =>
      Effect.gen(function* () {
        const fit = yield* fitOf(sweep, number);
        const run = writingOf(sweep, trialOf(sweep, number));
        if (!fit.fits || run === null) return fit;
        yield* Effect.acquireRelease(
          Effect.sync(() => void writing.add(run)),
          () => Effect.sync(() => void writing.delete(run)),
        );
        return fit;
      }).pipe(Semaphore.withPermit(turn)),
  };
};

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
    const { leave, ...asked } = remembered(options);
    const { admit, fitOf } = withRoom(options, asked.fitOf, options.left ?? leftItems());
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
      while (failures.size < suspicious) yield* one;
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
