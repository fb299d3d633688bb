// A training in a process of its own, to be killed: each step's state is a hash of the one before, so one
// step done twice or left out changes everything after it. Arguments: folder, steps, milliseconds a step.
import { createHash } from "node:crypto";
import { join } from "node:path";
import process from "node:process";
import { Cause, Effect, Exit, Fiber, Schema, Stream } from "effect";
import { catchSignals, onSoftStop } from "../../cli/signals.ts";
import { atomicWrite, makeFolder } from "../../lib/atomic-write.ts";
import { stopped } from "../../lib/fault.ts";
import { stream } from "../artefact.ts";
import { asFault } from "../../lib/as-fault.ts";
import { exitCodeOf, exitCodeOfOutcome } from "../execute/outcome.ts";
import { makeStopSignal } from "../execute/stop-signal.ts";
import { loadState, saveState } from "../run-folder/state.ts";
import { pipeline } from "../pipeline/compose.ts";
import { defineStage } from "../stage.ts";
import { toyStages } from "./toy-stages.ts";
import { toyEffect } from "./toy-world.ts";

const [folder, stepsText, paceText] = process.argv.slice(2);
const [steps, pace] = [Number(stepsText), Number(paceText)];

const marks = stream("marks", Schema.Struct({ step: Schema.Int, hash: Schema.String }));
const { split } = toyStages();

const train = defineStage({
  name: "train",
  version: 1,
  summary: "Hashes on",
  options: Schema.Struct({}),
  reads: { words: split.writes.words },
  writes: { marks },
  lifetime: "run",
  handlesStop: true,
  run: ({ inputs, writers, tools }) =>
    Effect.gen(function* () {
      const state = yield* loadState(tools.runDir);
      let step = Number(state?.metadata.step ?? 0);
      let hash = state?.metadata.hash ?? inputs.words.join();
      const tell = Effect.gen(function* () {
        if (step > 0) {
          yield* tools.emit({
            event: "step",
            step,
            epoch: 0,
            loss: parseInt(hash.slice(0, 6), 16),
            lr: 0,
            gradientNorm: 0,
            gradientShare: [0.5, 0.5],
            seconds: 0,
            rssBytes: 0,
          });
        }
        if (step % 5 === 0 || step === steps) yield* writers.marks({ step, hash });
      });
      yield* tell;
      while (step < steps) {
        if (tools.stopRequested()) return yield* stopped(step);
        if (pace > 0) yield* Effect.sleep(pace);
        hash = createHash("sha256").update(`${hash} ${step + 1} ${tools.seed}`).digest("hex");
        step++;
        const tensors = new Map([["hash", {
          dtype: "U8" as const,
          shape: [32],
          data: new Uint8Array(Buffer.from(hash, "hex")),
        }]]);
        yield* saveState(tools.runDir, tools.run.origin, tensors, { step: `${step}`, hash });
        yield* tell;
      }
      return {};
    }),
});

const keep = defineStage({
  name: "keep",
  version: 1,
  summary: "A file for each mark",
  options: Schema.Struct({}),
  reads: { marks },
  writes: {},
  lifetime: "run",
  continueOnError: true,
  run: ({ inputs, tools }) =>
    makeFolder(join(tools.runDir, "checkpoints")).pipe(
      Effect.andThen(Stream.runForEach(inputs.marks, ({ step, hash }) =>
        atomicWrite(
          join(tools.runDir, "checkpoints", `${step}`),
          hash,
        ))),
      Effect.as({}),
    ),
});

const stop = makeStopSignal();
onSoftStop(stop.request);
const fiber = Effect.runFork(toyEffect({
  folder,
  pipeline: pipeline("toy").stage("split", split)
    .stage("train", train, { words: "split.words" })
    .stage("keep", keep, { marks: "train.marks" }),
  values: { text: "a gnome at the beach", seed: 3 },
  stop,
  onEvent: (event) => console.log(JSON.stringify(event)),
}));
const signals = catchSignals(() => fiber.interruptUnsafe());
const exit = await Effect.runPromise(Fiber.await(fiber));
signals.release();
const code = Exit.isSuccess(exit)
  ? exitCodeOfOutcome(exit.value.ending)
  : exitCodeOf(asFault(Cause.squash(exit.cause)));
process.exit(signals.exitCode() ?? code);
