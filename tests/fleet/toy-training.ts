// A training that is a function, for tests that kill what runs it: it writes a run's folder as a real one does,
// a step at a time, and its result holds a chain over all steps, so one that was left out or done twice shows.
// The trap: the log is written before the state, as in a real one; what it holds of later steps is cut first.
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Duration, Effect } from "effect";
import type { PlannedSweep } from "../../fleet/planned-sweep.ts";
import type { SegmentOutcome } from "../../fleet/segment-outcome.ts";
import { lossOf, planOf } from "../../fleet/testing/toy-sweeps.ts";
import type { Train } from "../../fleet/train-fenced.ts";
import { readHeader, writeSafetensors } from "../../lib/safetensors/safetensors.ts";
import { sha256 } from "../../lib/sha256.ts";

export const toySteps = 12;
const worthSendingEvery = 3;

/** A sweep of them, in the folder of runs `base`. */
export const toySweep = (
  name: string,
  count: number,
  base: string,
  { steps = toySteps, ...more }: Partial<PlannedSweep> & { readonly steps?: number } = {},
): PlannedSweep => {
  const plan = planOf(count, { name, base, ...more });
  return {
    ...plan,
    trials: plan.trials.map((trial) => ({
      ...trial,
      run: `${name}-${trial.number}`,
      steps,
      needs: { provider: name, memory: 8 },
    })),
  };
};

const linesOf = (log: string) =>
  existsSync(log) ? readFileSync(log, "utf8").split("\n").slice(0, -1) : [];

/** The steps in a run's log. */
export const toyLog = (run: string): readonly number[] =>
  linesOf(join(run, "events.jsonl")).map((line) => JSON.parse(line).step);

/** What its result says: the chain over all its steps. */
export const toyChain = async (run: string): Promise<string | undefined> =>
  (await readHeader(join(run, "t-best.safetensors"))).metadata.chain;

/** The chain of a trial that took each step once. */
export const chainOf = (trial: number, steps = toySteps): string => {
  let chain = "";
  for (let step = 1; step <= steps; step++) chain = sha256(`${chain} ${trial} ${step}`);
  return chain;
};

export interface ToyTraining {
  readonly machine: string;
  readonly stepMs: number;
  readonly onStep?: (step: number) => void;
}

export const toyTraining = ({ machine, stepMs, onStep }: ToyTraining): Train => (work) =>
  Effect.gen(function* () {
    const { segment: { trial, until }, base } = work;
    const dir = join(base, work.trial.run);
    const [state, log] = [join(dir, "state.safetensors"), join(dir, "events.jsonl")];
    mkdirSync(dir, { recursive: true });
    const saved = existsSync(state)
      ? (yield* Effect.promise(() => readHeader(state))).metadata
      : { step: "0", chain: "" };
    let [step, chain] = [Number(saved.step), String(saved.chain)];
    writeFileSync(
      log,
      linesOf(log).filter((line) => JSON.parse(line).step <= step).map((line) => `${line}\n`)
        .join(""),
    );
    writeFileSync(join(dir, "run.json"), "{}");
    const save = (file: string) =>
      Effect.promise(() => writeSafetensors(file, new Map(), { step: String(step), chain }));
    const end = until ?? work.trial.steps!;
    while (step < end) {
      yield* Effect.sleep(Duration.millis(stepMs));
      step++;
      chain = sha256(`${chain} ${trial} ${step}`);
      appendFileSync(log, `${JSON.stringify({ event: "step", step })}\n`);
      yield* save(state);
      work.onStep(step);
      onStep?.(step);
      if (step % worthSendingEvery === 0) work.onMoment();
    }
    const loss = lossOf(trial);
    const reached = { step, loss, best: { step, loss }, seconds: 0, machine };
    if (until !== null) return { outcome: "paused", ...reached } satisfies SegmentOutcome;
    yield* save(join(dir, "t-best.safetensors"));
    return { outcome: "done", ...reached, files: ["t-best.safetensors"] };
  });
