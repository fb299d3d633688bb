// optimise-embeddings: learns the placeholder's rows. Everything else is frozen.
// The trap: this stage belongs to its run and resumes from the run's state, never from the cache.
import { Effect } from "effect";
import { noiseSchedule } from "../../engine/diffusion/noise-schedule.ts";
import { latents } from "../../inversion/artefacts/latents.ts";
import { snapshots } from "../../inversion/artefacts/snapshots.ts";
import { tokenIds } from "../../inversion/artefacts/token-ids.ts";
import { trainingWork } from "../../inversion/model/engine-work.ts";
import { modelInputs } from "../../inversion/model/load-model.ts";
import { modelPreflight } from "../../inversion/model/model-preflight.ts";
import { schedulerOf } from "../../inversion/model/open-engine.ts";
import { trainingEngine } from "../../inversion/model/training-engine.ts";
import { tryPromise } from "../../lib/try-promise.ts";
import { drafted } from "../../runtime/artefact.ts";
import { defineStage } from "../../runtime/stage.ts";
import { awaitPictures } from "./awaited-pictures.ts";
import { bucketsNote } from "./buckets-note.ts";
import { rowsOfFile } from "./initial-rows.ts";
import { withAutoWord } from "./auto-word.ts";
import { openTraining } from "./open-training.ts";
import { OptimiseOptions } from "./options.ts";
import { preflightWarnings } from "./preflight-warnings.ts";
import { remainingWork, stateOf } from "./remaining-work.ts";
import { checkRows, startState } from "./start-state.ts";
import { summarise } from "./summary.ts";
import { isFinished, train } from "./train.ts";
import { rowsOf, save } from "./training-state.ts";

export const optimiseEmbeddings = defineStage({
  name: "optimise-embeddings",
  version: 1,
  summary: "Learns the rows of the placeholder, everything else frozen",
  options: OptimiseOptions,
  reads: { tokens: tokenIds, latents: drafted(latents) },
  writes: { snapshots },
  lifetime: "run",
  handlesStop: true,

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

  remainingWork,

  warmUp: (options, tools) =>
    Effect.gen(function* () {
      const { model, engine } = yield* trainingEngine(options, tools);
      const { sizes: [size, ...others], batch } = trainingWork(model.configs.vae, options);
      // Which of several sizes comes first is known with the pictures; and on a card the graph would hold
      // its weights beside the VAE's.
      if (others.length > 0 || engine.device.provider !== "cpu") return;
      yield* tryPromise(() => engine.prepareTraining({ ...size, batch }));
    }),

  run: ({ options, inputs, writers, tools }) =>
    Effect.scoped(Effect.gen(function* () {
      const { model, engine } = yield* trainingEngine(options, tools);
      const pictures = yield* awaitPictures(inputs.latents, engine.encodeBeside);
      if (options.data_loader.aspect_ratio_buckets !== null) {
        const text = bucketsNote(pictures.outline.train, model.configs.vae);
        yield* tools.emit({ event: "note", text });
      }
      const given = { pictures, tokens: inputs.tokens };
      const { training, beforeAfterLoss } = yield* openTraining(options, given, model, engine, {
        ...tools,
        publish: writers.snapshots,
      });
      const { batchPlan } = training;
      let state = yield* stateOf(tools.runDir, options);
      if (state === null) {
        const { drawing, objective } = training.gradient;
        const found = options.initializer_token === "auto"
          ? yield* withAutoWord(engine, drawing, objective, tools)
          : null;
        if (found !== null) {
          const text =
            `initializer_token auto: the vectors begin as "${found.word}", which says the ` +
            "pictures best.";
          yield* tools.emit({ event: "note", text });
        }
        const first = yield* startState(options, found?.tokens ?? inputs.tokens, engine);
        state = { ...first, before: yield* beforeAfterLoss(rowsOf(first)) };
        yield* save(tools, state);
      }
      const widths = [engine.tokens[0].width, engine.tokens[1].width] as const;
      const begun = state;
      yield* tryPromise(() => checkRows(begun, inputs.tokens, widths));
      yield* Effect.forEach(
        preflightWarnings(training, state, tools.run.scheduleSteps),
        (text) => tools.emit({ event: "warning", text }),
      );
      const wasFinished = isFinished(state, batchPlan);
      const last = yield* train(training, state);
      if (!wasFinished) {
        const text = yield* summarise(last, beforeAfterLoss, training);
        yield* tools.emit({ event: "note", text });
      }
      return {};
    })),
});

export default optimiseEmbeddings;
