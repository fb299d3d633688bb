// `initializer_token: auto`: the word of the vocabulary under which the training's own pictures have the
// lowest fixed-input loss, found before the first step; what `suggest` does with a folder of pictures.
// The trap: it is found once, when the training begins; a resumed run has its rows in its state.
import { Effect } from "effect";
import type { ObjectiveOptions } from "../../engine/diffusion/objective.ts";
import { normals } from "../../engine/random/draw.ts";
import type { Engine } from "../../engine/session/engine.ts";
import { loadTokenizer } from "../../engine/text/tokenizer.ts";
import { type TokenIds, tokensOf } from "../../inversion/artefacts/token-ids.ts";
import type { PictureLoss } from "../../inversion/words/picture-loss.ts";
import { suggestWords } from "../../inversion/words/suggest-words.ts";
import type { Fault } from "../../lib/fault.ts";
import { tryPromise } from "../../lib/try-promise.ts";
import type { StageTools } from "../../runtime/stage.ts";
import { batchOf, type Drawing, type Item } from "./batches.ts";
import { onceFor } from "./fixed-loss.ts";

/** More pictures would make each word slow, and tell little more. */
const mostPictures = 8;

/** The same tokens, whose vectors begin as the word that was found; and the word. */
export const withAutoWord = (
  engine: Engine,
  { pictures, tokens, read }: Pick<Drawing, "pictures" | "tokens" | "read">,
  objective: ObjectiveOptions,
  tools: Pick<StageTools, "progress" | "withResource">,
): Effect.Effect<{ readonly tokens: TokenIds; readonly word: string }, Fault> =>
  Effect.gen(function* () {
    const latents = yield* pictures.whole;
    const endToken = { kind: "first", id: tokens.frames[1].endId } as const;
    const sizeOf = (i: number) => latents.train[i].views[0].size.join("x");
    const ofOneSize = latents.train.flatMap((_, i) => sizeOf(i) === sizeOf(0) ? [i] : [])
      .slice(0, mostPictures);
    const once = onceFor(tokens, [tokens.placeholderIds[0][0], tokens.placeholderIds[1][0]]);
    const shown = yield* Effect.forEach(
      ofOneSize,
      (i) =>
        Effect.map(read(latents.train[i].views[0]), ({ mean }) => ({
          view: latents.train[i].views[0],
          latents: mean,
          tokens: once(tokensOf(tokens, tokens.train[i].captions[0])),
        })),
    );
    const plain = { ...objective, minSnrGamma: null, maskNormalise: false };
    const batchAt = (timestep: number, draw: number) =>
      batchOf(
        shown.map((picture, item): Item => ({
          ...picture,
          noise: normals(
            { seed: draw, purpose: "auto word", step: timestep, item },
            picture.latents.length,
          ),
          timestep,
          mask: null,
          pooling: endToken,
        })),
        engine.model.configs.vae,
        plain,
      );
    const onDevice = <A>(work: () => Promise<A>) => tools.withResource("device", tryPromise(work));
    const measure: Pick<PictureLoss, "model" | "engine" | "loss" | "gradient"> = {
      model: engine.model,
      engine,
      loss: ([rows1, rows2], _, timesteps) =>
        Effect.map(
          Effect.forEach(timesteps, (timestep) =>
            onDevice(() => engine.loss({ ...batchAt(timestep, 0), rows1, rows2 }))),
          (each) =>
            each.reduce((sum, value) => sum + value, 0) / each.length,
        ),
      gradient: ([rows1, rows2], _, timestep, draw) =>
        onDevice(() => engine.trainStep({ ...batchAt(timestep, draw), rows1, rows2 })),
    };
    const [best] = yield* suggestWords(measure, null, {
      say: () => {},
      progress: tools.progress,
    });
    const vectors = tokens.placeholderTokens.length;
    const [first, second] = engine.model.tokenizers.map((files) =>
      Array<number>(vectors).fill(loadTokenizer(files).tokenId(best.word)!)
    );
    return { tokens: { ...tokens, initialIds: [first, second] }, word: best.word };
  });
