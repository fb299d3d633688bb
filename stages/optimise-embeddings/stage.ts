// optimise-embeddings: learns the placeholder's rows. Everything else is frozen.
// The trap: this stage belongs to its run and resumes from the run's state, never from the cache.
import { Effect } from "effect";
import { noiseSchedule } from "../../engine/diffusion/noise-schedule.ts";
import type { ObjectiveOptions } from "../../engine/diffusion/objective.ts";
import type { Engine } from "../../engine/engine.ts";
import type { Fault } from "../../engine/fault.ts";
import { standardDeviation } from "../../engine/optimise/std-pull.ts";
import { learningRates } from "../../engine/optimise/rates.ts";
import { asFault } from "../../runtime/as-fault.ts";
import { latents } from "../../runtime/artefacts/latents.ts";
import { snapshots } from "../../runtime/artefacts/snapshots.ts";
import { tokenIds } from "../../runtime/artefacts/token-ids.ts";
import { loadModel, modelInputs } from "../../runtime/load-model.ts";
import { openEngine, resolvePooling, schedulerOf } from "../../runtime/open-engine.ts";
import { defineStage } from "../../runtime/stage.ts";
import { planCourse } from "./course.ts";
import { hasSettled, varianceRatio } from "./fixed-loss-course.ts";
import { fixedItems, thoroughItems } from "./fixed-items.ts";
import { latentReader } from "./latent-reader.ts";
import { measure } from "./measure.ts";
import { OptimiseOptions } from "./options.ts";
import { rowWatch } from "./row-watch.ts";
import { snapshotDesk } from "./snapshot-desk.ts";
import { startState } from "./start-state.ts";
import { isFinished, judged, train, type Training } from "./train.ts";
import { type EncoderPair, load, rowsOf, save, type TrainingState } from "./training-state.ts";

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

  run: ({ options, inputs, outlets, tools }) =>
    Effect.scoped(Effect.gen(function* () {
      const model = yield* loadModel(options, { offline: false, progress: tools.progress });
      const engine: Engine = yield* openEngine(model, {
        ...options,
        pooling: resolvePooling(options.pooling, model),
      }, tools);
      const schedule = noiseSchedule(schedulerOf(model, options));
      const objective: ObjectiveOptions = {
        schedule,
        minSnrGamma: options.min_snr_gamma,
        vMinSnr: options.v_min_snr,
        maskNormalise: options.mask_normalise,
      };
      const read = latentReader(tools);
      const sizes = inputs.latents.train.map(({ views }) => views[0].size.join("x"));
      const course = planCourse(sizes, options);
      const widths = [engine.tokens[0].width, engine.tokens[1].width] as const;
      const watch = yield* Effect.tryPromise({
        try: () => rowWatch(model, engine),
        catch: asFault,
      });
      const fixed = { seed: options.seed, latents: inputs.latents, tokens: inputs.tokens, read };
      const items = yield* fixedItems(fixed, options.fixed_loss_timesteps);
      const training: Training = {
        options,
        course,
        gradient: {
          engine,
          drawing: {
            ...fixed,
            timesteps: schedule.alphasCumprod.length,
            useMasks: options.use_masks,
          },
          objective,
          accumulation: options.gradient_accumulation_steps,
          rules: {
            optimizer: options.optimizer,
            maxGradNorm: options.max_grad_norm,
            stdPull: options.std_pull,
            spreads: watch.spreads,
          },
          tools,
        },
        rate: learningRates({
          schedule: options.lr_scheduler,
          learningRate: options.optimizer.learning_rate,
          warmupSteps: options.lr_warmup_steps,
          trainingSteps: tools.run.scheduleSteps ?? course.totalSteps,
        }),
        fixedLoss: (rows) => measure(engine, tools, items, rows, objective),
        health: watch.health,
        desk: snapshotDesk(options, course, widths, tools, outlets.snapshots),
        tools,
      };
      const thorough = (rows: EncoderPair) =>
        Effect.gen(function* () {
          const { before_after_timesteps, before_after_noises } = options;
          if (before_after_timesteps.length === 0) return null;
          const all = yield* thoroughItems(fixed, before_after_timesteps, before_after_noises);
          return yield* measure(engine, tools, all, rows, objective);
        });

      let state = yield* load(tools.runDir, options.optimizer.optimizer_type);
      if (state === null) {
        const first = yield* startState(options, inputs.tokens, engine);
        const before = yield* thorough(rowsOf(first));
        const start = { ...first, before };
        state = options.fixed_loss_every === null ? start : yield* judged(training, start);
        yield* save(tools.runDir, state);
      }
      const warning = slowRate(options, training, state);
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

/** AdamW moves a value by at most about the rate in each step: is that enough to learn anything? */
function slowRate(options: OptimiseOptions, { rate, course }: Training, state: TrainingState) {
  if (options.optimizer.optimizer_type !== "AdamW") return null;
  let reach = 0;
  for (let step = 0; step < course.totalSteps; step++) reach += rate(step);
  const spread = Math.min(...rowsOf(state).map(standardDeviation));
  return reach >= 0.1 * spread
    ? null
    : `The learning rate is too small to learn anything: over all ${course.totalSteps} steps a value ` +
      `moves by at most ${reach.toExponential(1)}, and values differ by ${
        spread.toExponential(1)
      }. ` +
      "1e-3 to 1e-2 is usual.";
}

/** Before and after, for people. */
const verdict = (
  state: TrainingState,
  thorough: (rows: EncoderPair) => Effect.Effect<number | null, Fault>,
) =>
  Effect.gen(function* () {
    const { best, before, fixedLosses } = state;
    const parts: string[] = [];
    if (before !== null) {
      const after = yield* thorough(rowsOf(state));
      parts.push(
        `Loss on held-out pictures: ${before.toFixed(5)} before, ${after?.toFixed(5)} after.`,
      );
    }
    if (best !== null && fixedLosses.length > 1) {
      parts.push(
        `Fixed-input loss: ${fixedLosses[0].toFixed(5)} before, ` +
          `${fixedLosses.at(-1)!.toFixed(5)} after, ${
            best.loss.toFixed(5)
          } at best (step ${best.step}).`,
      );
    }
    const ratio = varianceRatio(fixedLosses);
    if (ratio !== null) {
      const settled = hasSettled(fixedLosses) ? "it has settled" : "it has not settled yet";
      parts.push(`Variance ratio of its last values: ${ratio.toFixed(3)}; ${settled}.`);
    }
    return parts.join(" ") || `Trained ${state.step} steps.`;
  });
