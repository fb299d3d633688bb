// A segment as a process of its own: the program itself, with the command line that anybody could give. A
// native crash or a leak ends with it.
// The trap: it must not outlive us. It ends when its standard input closes, also after `kill -9`.
import { spawn } from "node:child_process";
import { hostname } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Effect } from "effect";
import { saysFull } from "../lib/disk-fault.ts";
import { saysLocked } from "../lib/lock.ts";
import { exitCodes } from "../runtime/execute/outcome.ts";
import { scriptCommand } from "../runtime/platform/runtime.ts";
import { settingsOf } from "../sweep/trials.ts";
import { sweepEvent } from "./run-events.ts";
import { readPassed, readRunResult } from "./run-result.ts";
import type { SegmentOutcome } from "./segment-outcome.ts";
import { CannotNow, type SegmentWork, type Train } from "./train-fenced.ts";
import { toldThreads } from "./sweep-threads.ts";

const program = fileURLToPath(new URL("../cli/main.ts", import.meta.url));
const lastLines = 20;

/** The arguments of the program that train a segment. */
export const segmentArguments = (
  { plan, trial, segment: { until }, base, fit }: Pick<
    SegmentWork,
    "plan" | "trial" | "segment" | "base" | "fit"
  >,
  threads: number | null,
): readonly string[] => {
  const given = toldThreads(plan, threads);
  return [
    "pipeline",
    plan.pipeline,
    ...(fit.config === null ? [] : ["--config", fit.config]),
    ...settingsOf({
      ...(given === null ? {} : { threads: given }),
      ...trial.overrides,
      ...fit.overrides,
    }).flatMap((setting) => ["--set", setting]),
    "--output",
    base,
    ...(until === null ? [] : ["--to-step", String(until)]),
    "--json",
    "--while-stdin",
  ];
};

export interface Ended {
  readonly exit: number | null;
  readonly signal: string | null;
  readonly silent: boolean;
  readonly run: string | null;
  /** The last lines of its standard error. */
  readonly said: readonly string[];
  /** What its run said that failed. */
  readonly failure: string | null;
}

/** Runs the child to its end; interrupted, asks it to stop and waits for that, unless it is another's. */
const runChild = (
  args: readonly string[],
  { onStep, onMoment, isLost }: Pick<SegmentWork, "onStep" | "onMoment" | "isLost">,
  silentSeconds: number,
): Effect.Effect<Ended> =>
  Effect.callback<Ended>((resume) => {
    const [command, all] = scriptCommand(program, ...args);
    // A group of its own, since Ctrl-C is for us: we end it, once. What the database wants stays here.
    const { GNOMIC_FLEET: _, ...env } = process.env;
    const child = spawn(command, all, { stdio: "pipe", env, detached: true });
    const said: string[] = [];
    let run: string | null = null;
    let silent = false;
    let failure: string | null = null;
    let timer: ReturnType<typeof setTimeout>;
    const heard = () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        silent = true;
        child.kill("SIGKILL");
      }, silentSeconds * 1000);
    };
    heard();
    createInterface({ input: child.stdout }).on("line", (line) => {
      heard();
      const event = sweepEvent(line);
      if (event?.event === "step") onStep(event.step);
      if (event?.event === "checkpoint" || event?.event === "validation-finished") onMoment();
      if (event?.event === "run-failed") failure = event.error;
      if (event?.event === "run-started") {
        run = event.run;
        if (event.step > 0) onStep(event.step);
      }
    });
    createInterface({ input: child.stderr }).on("line", (line) => {
      said.push(line);
      if (said.length > lastLines) said.shift();
    });
    child.stdin.on("error", () => {});
    const ended = new Promise<Ended>((resolve) => {
      child.on("error", (error) => {
        said.push(error.message);
        resolve({ exit: null, signal: null, silent, run, said, failure });
      });
      child.on("close", (exit, signal) => resolve({ exit, signal, silent, run, said, failure }));
    }).finally(() => clearTimeout(timer));
    void ended.then((value) => resume(Effect.succeed(value)));
    return Effect.promise(async () => {
      child.kill(isLost() ? "SIGKILL" : "SIGTERM");
      const impatient = setTimeout(() => child.kill("SIGKILL"), 20_000);
      await ended;
      clearTimeout(impatient);
    });
  });

const failureText = (ended: Ended, silentSeconds: number): string => {
  const { exit, signal, silent, said, failure } = ended;
  const how = silent
    ? `nothing was heard of it for ${silentSeconds} s`
    : signal !== null
    ? `it was ended by ${signal}`
    : exit === null
    ? "it could not be started"
    : `it ended with exit code ${exit}`;
  return failure ?? [how, ...said].join("\n");
};

/**
 * Why it could not have the run: another process is in it. That may be a training whose worker lost it and that
 * has not ended yet, so it is no fault of the user's here.
 */
export const heldByAnother = ({ exit, said }: Pick<Ended, "exit" | "said">): string | null =>
  exit === exitCodes.user ? said.find(saysLocked) ?? null : null;

/** The last line that tells of a full disk; null: none does. Where it is full its run may not have said so. */
export const fullDisk = ({ said, failure }: Pick<Ended, "said" | "failure">): string | null =>
  [failure ?? "", ...said].findLast(saysFull) ?? null;

export interface ChildOptions {
  /** Threads of each child on a CPU where the sweep says nothing; null: what the configuration says. */
  readonly threads: number | null;
  /** Without a word for so long it hangs. */
  readonly silentSeconds: number;
}

/** Trains segments in processes of their own. */
export const trainInChild = ({ threads, silentSeconds }: ChildOptions): Train => (work) =>
  Effect.gen(function* () {
    const { segment, trial, base } = work;
    const dir = join(base, trial.run);
    const machine = hostname();
    const started = performance.now();
    const { until } = segment;
    const passed = until === null ? null : yield* readPassed(dir, until);
    if (passed !== null) {
      const { files: _, ...reached } = passed;
      work.onStep(reached.step);
      return reached.loss === null
        ? {
          outcome: "failed",
          step: reached.step,
          exit: exitCodes.user,
          machine,
          message: `its run is at step ${reached.step} already, trained for something else, and ` +
            `its loss was not measured at step ${until}, as it is at steps of fixed_loss_every`,
        }
        : { outcome: "paused", ...reached, seconds: 0, machine };
    }
    let step = 0;
    const onStep = (at: number) => {
      step = at;
      work.onStep(at);
    };
    const ended = yield* runChild(
      segmentArguments(work, threads),
      { ...work, onStep },
      silentSeconds,
    );
    const failed = (message: string, exit = ended.exit): SegmentOutcome => ({
      outcome: "failed",
      step,
      exit,
      message,
      machine,
    });
    if (ended.exit === 130) return { outcome: "cancelled", step }; // `runs stop`
    const held = heldByAnother(ended);
    if (held !== null) return yield* new CannotNow({ message: held });
    const full = ended.exit === exitCodes.world ? fullDisk(ended) : null;
    if (full !== null) return yield* new CannotNow({ message: full });
    if (ended.exit !== 0) return failed(failureText(ended, silentSeconds));
    if (ended.run !== null && ended.run !== trial.run) {
      return failed(
        `its configuration now means ${ended.run}, no longer ${trial.run}: a file changed since ` +
          "the sweep began; give the sweep another name",
        2,
      );
    }
    const result = yield* Effect.result(readRunResult(dir, until));
    if (result._tag === "Failure") return failed(result.failure.message, 3);
    const seconds = (performance.now() - started) / 1000;
    const { files, ...reached } = result.success;
    onStep(reached.step);
    return until === null
      ? { outcome: "done", ...reached, files, seconds, machine }
      : { outcome: "paused", ...reached, seconds, machine };
  });
