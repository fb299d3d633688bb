// Whether a worker trains a trial, and how: asked once and remembered, as far as there is room for what its run
// writes.
// The trap: what is left to others is said once, and asked again a while later; nobody else may ever take it.
import { existsSync } from "node:fs";
import { Clock, Duration, Effect, Semaphore } from "effect";
import { type LeftItems, leftItems } from "./left-items.ts";
import type { PlannedTrial } from "./planned-sweep.ts";
import { needsText, type Offers, queueOf, serves } from "./queues.ts";
import { noRoom, type Writing } from "./room.ts";
import type { StoredSweep } from "./tables.ts";
import type { Fit, Trainer } from "./train-fenced.ts";

export interface FitOptions extends Pick<Trainer, "base" | "lease" | "say"> {
  /** What each slot has; null: everything that may be asked for. */
  readonly offers?: Offers | null;
  /** Where it notes what it leaves to others. */
  readonly left?: LeftItems;
  /** Whether and how this machine trains it; what it cannot it leaves to others. */
  readonly accepts?: (sweep: StoredSweep["plan"], trial: PlannedTrial) => Effect.Effect<Fit>;
}

/** What is left to others is looked at again after a lease, and after this at the latest. */
const lookAgain = Duration.seconds(30);

/** The copy of a configuration lies in a folder that may be removed. */
const isThere = (fit: Fit) => !fit.fits || fit.config === null || existsSync(fit.config);

/** Asks once for each trial; one that is left to others is looked at again a while later. */
const remembered = ({ accepts, lease }: FitOptions): Pick<Trainer, "fitOf" | "leave"> => {
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
  { base, offers = null, say, left = leftItems() }: FitOptions,
  asked: Trainer["fitOf"],
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

export const trialFits = (options: FitOptions): Pick<Trainer, "admit" | "fitOf" | "leave"> => {
  const { fitOf, leave } = remembered(options);
  return { ...withRoom(options, fitOf), leave };
};
