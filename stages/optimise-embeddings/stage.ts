// optimise-embeddings: learns the placeholder's rows. Everything else is frozen.
// The trap: this stage belongs to its run and resumes from the run's state, never from the cache.
import { Effect } from "effect";
import { noiseSchedule } from "../../engine/diffusion/noise-schedule.ts";
import { asFault } from "../../runtime/as-fault.ts";
import { latents } from "../../runtime/artefacts/latents.ts";
import { snapshots } from "../../runtime/artefacts/snapshots.ts";
import { tokenIds } from "../../runtime/artefacts/token-ids.ts";
import { modelInputs } from "../../runtime/model/load-model.ts";
import { trainingWork } from "../../runtime/model/engine-work.ts";
import { modelPreflight } from "../../runtime/model/model-preflight.ts";
import { schedulerOf } from "../../runtime/model/open-engine.ts";
import { trainingEngine } from "../../runtime/model/training-engine.ts";
import { defineStage } from "../../runtime/stage.ts";
import { rowsOfFile } from "./initial-rows.ts";
import { openTraining } from "./open-training.ts";
import { OptimiseOptions } from "./options.ts";
import { slowRate } from "./slow-rate.ts";
import { startState } from "./start-state.ts";
import { isFinished, train } from "./train.ts";
import { load, rowsOf, save } from "./training-state.ts";
import { verdict } from "./verdict.ts";

export const optimiseEmbeddings = defineStage({
  name: "optimise-embeddings",
  version: 1,
  summary: "Learns the rows of the placeholder, everything else frozen",
  options: OptimiseOptions,
  reads: { tokens: tokenIds, latents },
  writes: { snapshots },
  lifetime: "run",
  graceful: true,

  inputs: (options, tools) =>
    Effect.gen(function* () {
      const model = yield* modelInputs(options, tools, [
        "textEncoder",
        "textEncoder2",
        "unet",
        "vae",
      ]);
      const file = options.initial_embedding_file;
      return { model, start: file === null ? null : yield* tools.digestFile(file) };
    }),

  preflight: (options) =>
    modelPreflight(options, async (model) => {
      noiseSchedule(schedulerOf(model, options));
      const { textEncoder, textEncoder2 } = model.configs;
      const widths = [textEncoder.hidden_size, textEncoder2.hidden_size] as const;
      const file = options.initial_embedding_file;
      if (file !== null) await rowsOfFile(file, widths, options.num_vectors);
    }),

  owed: (options, { runDir }) =>
    Effect.gen(function* () {
      const state = yield* load(runDir, options.optimizer.optimizer_type);
      if (state === null) return { why: "not trained yet", step: 0 };
      // Epochs count in steps only once the pictures are known; then the stage itself looks.
      const total = options.max_train_steps;
      if (state.early || (total !== null && state.step >= total)) return null;
      return {
        why: `trained to step ${state.step}${total === null ? "" : ` of ${total}`}`,
        step: state.step,
      };
    }),

  warmUp: (options, tools) =>
    Effect.gen(function* () {
      const { model, engine } = yield* trainingEngine(options, tools);
      const { sizes: [size, ...others], batch } = trainingWork(model.configs.vae, options);
      // Which of several sizes comes first is known with the pictures; and on a card the graph would hold
      // its weights beside the VAE's.
      if (others.length > 0 || engine.device.provider !== "cpu") return;
      yield* Effect.tryPromise({
        try: () => engine.prepareTraining({ ...size, batch }),
        catch: asFault,
      });
    }),

  run: ({ options, inputs, outlets, tools }) =>
    Effect.scoped(Effect.gen(function* () {
      const { model, engine } = yield* trainingEngine(options, tools);
      const { training, thorough } = yield* openTraining(options, inputs, model, engine, {
        ...tools,
        publish: outlets.snapshots,
      });
      const { course } = training;
      let state = yield* load(tools.runDir, options.optimizer.optimizer_type);
      if (state === null) {
        const first = yield* startState(options, inputs.tokens, engine);
        state = { ...first, before: yield* thorough(rowsOf(first)) };
        yield* save(tools.runDir, state);
      }
      const warning = slowRate(training, state);
      if (warning !== null && state.step === 0) {
        yield* tools.emit({ event: "warning", text: warning });
      }
      const wasFinished = isFinished(state, course);
      const last = yield* train(training, state);
      if (!wasFinished) {
        yield* tools.emit({ event: "note", text: yield* verdict(last, thorough) });
      }
      return {};
    })),
});

export default optimiseEmbeddings;
