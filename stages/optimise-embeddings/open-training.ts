// Puts a training together from options, latents and tokens: course, objective, rates, measures, watch.
// All of it is made anew by every process; only the state is kept.
import { Effect } from "effect";
import { fixedLossItems } from "../../config/fixed-loss.ts";
import { noiseSchedule } from "../../engine/diffusion/noise-schedule.ts";
import type { ObjectiveOptions } from "../../engine/diffusion/objective.ts";
import { learningRates } from "../../engine/optimise/rates.ts";
import type { Engine } from "../../engine/session/engine.ts";
import type { Model } from "../../engine/weights/model.ts";
import { fixedLossEvery, itemsMeasured } from "../../inversion/fixed-loss-every.ts";
import type { Snapshot } from "../../inversion/artefacts/snapshots.ts";
import type { TokenIds } from "../../inversion/artefacts/token-ids.ts";
import { schedulerOf } from "../../inversion/model/open-engine.ts";
import { poolingRule, trainedPooling } from "../../inversion/model/pooling.ts";
import type { Fault } from "../../lib/fault.ts";
import { tryPromise } from "../../lib/try-promise.ts";
import type { StageTools } from "../../runtime/stage.ts";
import type { AwaitedPictures } from "./awaited-pictures.ts";
import { planBatches } from "./batch-plan.ts";
import type { Item } from "./batches.ts";
import { beforeAfterItems, fixedItems, itemsOfWord } from "./fixed-loss.ts";
import { meansOfParts, measure } from "./measure.ts";
import { latentReader } from "./latent-reader.ts";
import type { OptimiseOptions } from "./options.ts";
import { checkSamePictures } from "./same-pictures.ts";
import { snapshotPublisher } from "./snapshot-publisher.ts";
import type { Training } from "./training.ts";
import type { EncoderPair } from "./training-state.ts";
import { watchEmbeddings } from "./watch-embeddings.ts";

interface Opened {
  readonly training: Training;
  /**
   * The loss over every picture that is measured on, at many timesteps, under each rule of pooling; null
   * where none is asked for.
   */
  readonly beforeAfterLoss: (
    rows: EncoderPair,
  ) => Effect.Effect<readonly number[] | null, Fault>;
}

export const openTraining = (
  options: OptimiseOptions,
  inputs: { readonly pictures: AwaitedPictures; readonly tokens: TokenIds },
  model: Model,
  engine: Engine,
  tools: StageTools & {
    readonly publish: (snapshot: Snapshot) => Effect.Effect<void, Fault>;
  },
): Effect.Effect<Opened, Fault> =>
  Effect.gen(function* () {
    const { pictures, tokens } = inputs;
    const { outline } = pictures;
    yield* tryPromise(() => checkSamePictures(outline, tokens));
    const schedule = noiseSchedule(schedulerOf(model, options));
    const objective: ObjectiveOptions = {
      schedule,
      minSnrGamma: options.min_snr_gamma,
      vMinSnr: options.v_min_snr,
      maskNormalise: options.mask_normalise,
    };
    const read = latentReader(tools);
    const sizes = outline.train.map(({ views }) => views[0].size.join("x"));
    const batchPlan = planBatches(sizes, options);
    const widths = [engine.tokens[0].width, engine.tokens[1].width] as const;
    const watch = yield* tryPromise(() => watchEmbeddings(model, engine));
    const poolings = trainedPooling(options.pooling, model);
    const drawn = {
      seed: options.seed,
      tokens,
      poolings: poolings.map((name) => poolingRule(name, model)),
      read,
    };
    const heldOut = outline.heldOut.length > 0;
    const layout = fixedLossItems(options, heldOut);
    const fixed = Effect.map(pictures.whole, (latents) => ({ ...drawn, latents }));
    const items = yield* Effect.cached(Effect.flatMap(fixed, (all) => fixedItems(all, layout)));
    const ofWord = (items: readonly Item[]) => itemsOfWord(items, tokens);
    const measured = (items: readonly Item[], rows: EncoderPair) =>
      measure(engine, tools, { items, batchSize: batchPlan.fullest.batch, objective }, rows);
    const training: Training = {
      options,
      batchPlan,
      gradient: {
        engine,
        drawing: {
          ...drawn,
          pictures,
          timesteps: schedule.alphasCumprod.length,
          useMasks: options.use_masks,
        },
        objective,
        accumulation: options.gradient_accumulation_steps,
        rules: {
          optimizer: options.optimizer,
          rateUnits: rateUnits(options.optimizer, watch.spreads),
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
        trainingSteps: tools.run.scheduleSteps ?? batchPlan.totalSteps,
        decayFraction: options.lr_decay_fraction,
      }),
      fixedEvery: fixedLossEvery(
        options.fixed_loss_every,
        batchPlan.fullest,
        itemsMeasured(layout, outline.heldOut.length || outline.train.length, poolings.length),
      ),
      heldOut,
      poolings,
      fixedLoss: (rows) => Effect.flatMap(items, (all) => measured(all, rows)),
      wordLoss: ofWord([]) === null ? null : (rows) =>
        Effect.map(
          Effect.flatMap(items, (all) => measured(ofWord(all)!, rows)),
          ({ mean }) => mean,
        ),
      stats: watch.stats,
      publisher: snapshotPublisher(options, batchPlan, widths, tools, tools.publish),
      tools,
    };
    const beforeAfterLoss = (rows: EncoderPair) =>
      Effect.gen(function* () {
        const { before_after_timesteps, before_after_noises } = options;
        if (before_after_timesteps.length === 0) return null;
        const all = yield* beforeAfterItems(
          yield* fixed,
          before_after_timesteps,
          before_after_noises,
        );
        return meansOfParts(yield* measured(all, rows), poolings.length);
      });

    return { training, beforeAfterLoss };
  });

/** What a rate of 1 is for each encoder. */
const rateUnits = (
  optimizer: OptimiseOptions["optimizer"],
  spreads: readonly number[],
): readonly number[] =>
  "learning_rate_unit" in optimizer && optimizer.learning_rate_unit === "vocabulary"
    ? spreads
    : spreads.map(() => 1);
