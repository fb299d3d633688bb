// Pictures of a prompt with any embeddings, one after another, each in a file of its own. The same request
// makes the same files with the same bytes; another request never writes over them.
// The trap: as validation draws them: with a checkpoint, a run's seed and its settings, the very pictures
// of the run come out.
import { join } from "node:path";
import { Effect } from "effect";
import type { SamplerName } from "../../engine/diffusion/samplers/samplers.ts";
import { drawPicture, promptTokenizers } from "../../engine/draw-picture.ts";
import type { Fault } from "../../engine/fault.ts";
import { latentSize, LatentSizeFault } from "../../engine/latent-size.ts";
import type { Model } from "../../engine/weights/model.ts";
import { asFault } from "../as-fault.ts";
import { atomicWrite, makeFolder } from "../atomic-write.ts";
import { digestJson } from "../canonical-json.ts";
import { loadModel } from "../load-model.ts";
import { type EngineChoice, openEngine, resolvePooling, schedulerOf } from "../open-engine.ts";
import { jpeg, png } from "../picture-file.ts";
import { type BaseModel, baseModel } from "./base-model.ts";
import { GenerateFault } from "./generate-fault.ts";
import { type LoadedEmbedding, loadEmbedding } from "./load-embedding.ts";
import { placeWords } from "./place-words.ts";

export interface GenerateRequest {
  readonly prompt: string;
  readonly negative: string | null;
  /** FILE or word=FILE each. */
  readonly embeddings: readonly string[];
  /** Null: as the embeddings say. */
  readonly model: string | null;
  readonly sampler: SamplerName;
  readonly steps: number;
  readonly guidance: number;
  readonly seed: number;
  /** In pixels; null: the size that the embedding was trained at, else the model's own. */
  readonly size: readonly [height: number, width: number] | null;
  readonly count: number;
  readonly format: "png" | "jpg";
  readonly out: string;
  readonly provider: EngineChoice["provider"];
  readonly threads: number | null;
}

export interface Generated {
  readonly path: string;
  readonly height: number;
  readonly width: number;
  readonly seed: number;
  /** Of those of one seed, from 0. */
  readonly picture: number;
}

export interface Listener {
  /** What to know, in a sentence. */
  readonly say: (text: string) => void;
  /** Sampler steps of all pictures, or bytes of a download. */
  readonly progress: (done: number, total: number, unit: string) => void;
  readonly made: (picture: Generated) => void;
}

/** Names the files: what decides the picture, and nothing else. */
const digestOf = (
  request: GenerateRequest,
  { basis }: BaseModel,
  loaded: readonly LoadedEmbedding[],
  size: readonly number[],
) => {
  const { prompt, negative, sampler, steps, guidance, seed, provider } = request;
  const embeddings = loaded.map(({ digest, names }) => ({ digest, names }));
  const asked = { prompt, negative, sampler, steps, guidance, seed, size, provider };
  return digestJson({ ...asked, embeddings, basis }).slice(0, 8);
};

const advise = (
  request: GenerateRequest,
  { basis, saidBy }: BaseModel,
  overflow: number,
  { say }: Listener,
) => {
  if (saidBy !== null) say(`Model ${basis.model}, as ${saidBy} says; --model takes another.`);
  if (overflow > 0) {
    say(`The prompt is ${overflow} tokens too long for this model; its end is not seen.`);
  }
  if (request.negative !== null && request.guidance <= 1) {
    say("Without guidance (1 or less) a negative prompt does nothing.");
  }
};

/** The size of pictures that the model was trained on. */
const ownSize = ({ configs: { unet, vae } }: Model) => {
  const side = unet.sample_size * 2 ** (vae.block_out_channels.length - 1);
  return [side, side] as const;
};

function checkSize(model: Model, height: number, width: number): void {
  try {
    latentSize(model.configs.vae, height, width);
  } catch (cause) {
    if (!(cause instanceof LatentSizeFault)) throw cause;
    const { wanted, found, fix } = cause;
    throw new GenerateFault({ key: "--size", wanted, found, fix, cause });
  }
}

/** Fails with GenerateFault, and as loading the model, the embeddings and the device fails. */
export const generate = (
  request: GenerateRequest,
  listener: Listener,
): Effect.Effect<readonly Generated[], Fault> =>
  Effect.scoped(Effect.gen(function* () {
    const attempt = <A>(run: (signal: AbortSignal) => A | Promise<A>) =>
      Effect.tryPromise({ try: async (signal) => await run(signal), catch: asFault });
    const { prompt, negative, sampler, steps, guidance, seed, count, out } = request;
    const loaded = yield* attempt(() => Promise.all(request.embeddings.map(loadEmbedding)));
    const base = yield* attempt(() => baseModel(loaded, request.model));
    const { basis } = base;
    const model = yield* loadModel(basis, {
      offline: false,
      progress: (...at) => Effect.sync(() => listener.progress(...at)),
    });
    const texts = negative === null ? [prompt] : [prompt, negative];
    const embeddings = yield* attempt(() => placeWords(model, loaded, texts));
    const size = request.size ?? base.size ?? ownSize(model);
    const [height, width] = size;
    yield* attempt(() => checkSize(model, height, width));
    const [tokenizer] = promptTokenizers(model, embeddings);
    advise(request, base, tokenizer.overflowOf(prompt), listener);

    const engine = yield* openEngine(model, {
      provider: request.provider,
      threads: request.threads,
      weight_dtype: basis.weight_dtype,
      memory_plan: "auto",
      gradient_checkpointing: false,
      pooling: resolvePooling(basis.pooling, model),
    }, {
      emit: (event) =>
        Effect.sync(() =>
          event.event === "note" || event.event === "warning" ? listener.say(event.text) : undefined
        ),
    });
    yield* makeFolder(out);
    const stem = [embeddings[0]?.name.replace(/[^A-Za-z0-9_]+/g, "_") ?? "picture"]
      .concat(digestOf(request, base, loaded, size)).join("-");
    const scheduler = schedulerOf(model, basis);
    return yield* Effect.forEach(
      Array.from({ length: count }, (_, picture) => picture),
      (picture) =>
        Effect.gen(function* () {
          const pixels = yield* attempt((signal) =>
            drawPicture(engine, {
              prompt,
              negative,
              embeddings,
              seed,
              picture,
              sampler,
              steps,
              guidance,
              height,
              width,
              scheduler,
              onStep: (done) => {
                signal.throwIfAborted();
                listener.progress(picture * steps + done, count * steps, "steps");
              },
            })
          );
          const bytes = yield* attempt(() => request.format === "jpg" ? jpeg(pixels) : png(pixels));
          const path = join(out, `${stem}-${String(picture).padStart(4, "0")}.${request.format}`);
          yield* atomicWrite(path, bytes, { what: "a picture" });
          const made: Generated = { path, height, width, seed, picture };
          listener.made(made);
          return made;
        }),
    );
  }));
