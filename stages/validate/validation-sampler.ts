// What a validation draws with: the engine, both tokenizers that know the placeholder, and the schedule.
// Opened once, at the first picture that is due.
import { Effect, type Scope } from "effect";
import { heightWidth } from "../../config/data.ts";
import type { Tensor } from "../../engine/device/messages.ts";
import {
  drawLatents,
  drawPicture,
  type PromptTokenizers,
  promptTokenizers,
} from "../../engine/sample/draw-picture.ts";
import { type Rows, unpackRows } from "../../inversion/artefacts/snapshots.ts";
import { schedulerOf } from "../../inversion/model/open-engine.ts";
import { drawnPooling, type PoolingName, poolingRule } from "../../inversion/model/pooling.ts";
import { trainingEngine } from "../../inversion/model/training-engine.ts";
import type { Fault } from "../../lib/fault.ts";
import { tryPromise } from "../../lib/try-promise.ts";
import type { StageTools } from "../../runtime/stage.ts";
import type { ValidateOptions } from "./options.ts";

export interface Drawing {
  readonly rows: Uint8Array;
  readonly of: Rows;
  readonly text: string;
  readonly negative: string | null;
  /** Index of the picture among those of its prompt: the address of its noise. */
  readonly image: number;
  readonly pooling: PoolingName;
}

export interface ValidationSampler {
  /** Each picture is drawn by each of these rules. */
  readonly poolings: readonly PoolingName[];
  /** What draws one validation: afterwards nothing of it stays in memory. */
  readonly session: <A>(drawings: Effect.Effect<A, Fault>) => Effect.Effect<A, Fault>;
  /** Pixels [1, 3, H, W] around -1..1. */
  readonly draw: (drawing: Drawing) => Effect.Effect<Tensor, Fault>;
  /** The same before they are decoded. */
  readonly drawLatents: (drawing: Drawing) => Effect.Effect<Tensor, Fault>;
}

export const openValidationSampler = (
  options: ValidateOptions,
  tools: StageTools,
): Effect.Effect<ValidationSampler, Fault, Scope.Scope> =>
  Effect.gen(function* () {
    const { model, engine } = yield* trainingEngine(options, tools);
    const scheduler = schedulerOf(model, options);
    const [height, width] = heightWidth(options.data_loader.resolution);

    // Where memory is short, training makes room and waits for the whole validation; else they take turns.
    let alone = false;
    const turn = <A>(work: Effect.Effect<A, Fault>) =>
      alone ? work : tools.withResource("device", work);
    const session = <A>(drawings: Effect.Effect<A, Fault>) =>
      Effect.suspend(() => {
        const tidy = Effect.promise(async () => {
          alone = false;
          await engine.release("text", "predict", "decode");
        });
        const work = Effect.ensuring(drawings, tidy);
        if (!engine.tight) return work;
        const room = Effect.promise(async () => {
          alone = true;
          await engine.release("train");
        });
        return tools.withResource("device", Effect.andThen(room, work));
      });

    // The number of vectors is known with the first rows, and stays.
    let tokenizers: PromptTokenizers | undefined;
    const looked = new Set<string>();
    const warnOf = (what: string, text: string | null) => {
      const over = text === null || looked.has(text) ? 0 : tokenizers?.[0].overflowOf(text) ?? 0;
      if (text === null || over === 0) return Effect.void;
      looked.add(text);
      return tools.emit({
        event: "warning",
        text: `Only 75 tokens fit, so the last ${over} of the ${what} ` +
          `${JSON.stringify(text.slice(0, 60))} are cut off.`,
      });
    };
    const drawn = (draw: typeof drawPicture) => (drawing: Drawing) =>
      Effect.tap(drawnOnce(draw)(drawing), () =>
        Effect.andThen(
          warnOf("prompt", drawing.text),
          warnOf("negative prompt", drawing.negative),
        ));
    const drawnOnce = (draw: typeof drawPicture) => (drawing: Drawing) => {
      const { rows, of, text, negative, image, pooling } = drawing;
      const { clip_l, clip_g } = unpackRows(of, rows);
      const embedding = {
        name: options.placeholder_token,
        vectors: of.vectors,
        rows: [clip_l, clip_g],
      } as const;
      return turn(
        tryPromise((signal) => {
          tokenizers ??= promptTokenizers(model, [embedding]);
          return draw(engine, {
            prompt: text,
            negative,
            embeddings: [embedding],
            tokenizers,
            pooling: poolingRule(pooling, model),
            seed: options.seed,
            picture: image,
            sampler: options.validation_sampler,
            steps: options.validation_steps,
            guidance: options.validation_guidance,
            height,
            width,
            scheduler,
            onStep: () => signal.throwIfAborted(),
          });
        }),
      );
    };
    const poolings = drawnPooling(options.validation_pooling, options.pooling, model);
    return { poolings, session, draw: drawn(drawPicture), drawLatents: drawn(drawLatents) };
  });
