// Pictures of a prompt with any embeddings, one after another, each in a file of its own. The same request
// makes the same files with the same bytes; another request never writes over them.
// The trap: as validation draws them: with a checkpoint, a run's seed and its settings, the very pictures
// of the run come out.
import { join } from "node:path";
import { Effect } from "effect";
import { samplers } from "../../engine/diffusion/samplers/samplers.ts";
import { drawPicture, promptTokenizers } from "../../engine/sample/draw-picture.ts";
import { latentSize } from "../../engine/sample/latent-size.ts";
import { chooseDevice } from "../../engine/setup/choose-device.ts";
import { atomicWrite, makeFolder } from "../../lib/atomic-write.ts";
import { digestJson } from "../../lib/canonical-json.ts";
import type { Fault } from "../../lib/fault.ts";
import { tryPromise } from "../../lib/try-promise.ts";
import type { StageTools } from "../../runtime/stage.ts";
import { loadModel } from "../model/load-model.ts";
import { modelNote } from "../model/model-note.ts";
import { computeOf, openEngine, schedulerOf, toolsSaying } from "../model/open-engine.ts";
import { jpeg, png } from "../model/picture-file.ts";
import { drawnPooling, poolingRule } from "../model/pooling.ts";
import { baseModel } from "./base-model.ts";
import { loadEmbedding } from "./load-embedding.ts";
import { pictureSize } from "./picture-size.ts";
import { placeWords } from "./place-words.ts";
import { drawers, type Generated, type GenerateRequest, type Listener } from "./request.ts";

const advise = (
  request: GenerateRequest,
  overflowOf: (text: string) => number,
  { say }: Listener,
) => {
  const { prompt, negative } = request;
  for (const [what, text] of [["prompt", prompt], ["negative prompt", negative]] as const) {
    const over = text === null ? 0 : overflowOf(text);
    if (over > 0) {
      say(`The ${what} is ${over} tokens too long for this model; its end is not seen.`);
    }
  }
  if (request.negative !== null && request.guidance <= 1) {
    say("Without guidance (1 or less) a negative prompt does nothing.");
  }
};

/** Fails with GenerateFault, and as loading the model, the embeddings and the device fails. */
export const generate = (
  request: GenerateRequest,
  listener: Listener,
): Effect.Effect<readonly Generated[], Fault> =>
  Effect.scoped(Effect.gen(function* () {
    const { prompt, sampler, steps, guidance, seed, count, out } = request;
    const drawer = request.as === null ? null : drawers[request.as];
    const negative = request.negative ?? (drawer?.emptyIsZeros === false ? "" : null);
    const loaded = yield* tryPromise(() => Promise.all(request.embeddings.map(loadEmbedding)));
    const base = yield* tryPromise(() => baseModel(loaded, request));
    const { saidBy } = base;
    const basis = {
      ...base.basis,
      ...(request.modelConfig === null ? {} : { model_config: request.modelConfig }),
      ...(request.vae === null ? {} : { vae_model: request.vae }),
    };
    if (saidBy !== null) {
      listener.say(`Model ${basis.model}, as ${saidBy} says; --model takes another.`);
    }
    const progress: StageTools["progress"] = (...at) => Effect.sync(() => listener.progress(...at));
    const model = yield* loadModel(basis, { offline: false, progress });
    listener.say(modelNote(model, basis));
    const scheduler = schedulerOf(model, basis);
    // What the sampler cannot do with this schedule is told before the weights are read.
    yield* tryPromise(() => void samplers[sampler](scheduler, steps));
    const texts = negative === null ? [prompt] : [prompt, negative];
    const embeddings = yield* tryPromise(() => placeWords(model, loaded, texts));
    const size = yield* tryPromise(() => pictureSize(request.size, base.size, model));
    const [height, width] = size;
    const tokenizers = promptTokenizers(model, embeddings);
    advise(request, tokenizers[0].overflowOf, listener);

    const device = yield* tryPromise(() =>
      chooseDevice({
        provider: request.provider,
        device: request.device ?? null,
        threads: request.threads,
        compute: computeOf(basis.weight_dtype),
      })
    );
    if (request.provider === "auto") listener.say(device.note);
    const engine = yield* openEngine(model, {
      provider: device.provider,
      device: request.device ?? null,
      threads: request.threads,
      weight_dtype: basis.weight_dtype,
      work: { plans: [], sizes: [latentSize(model.configs.vae, height, width)], batch: 1 },
    }, toolsSaying(listener.say, progress));
    const [rule] = drawnPooling(drawer?.pooling ?? "auto", basis.pooling, model);
    const pooling = poolingRule(rule, model);
    yield* makeFolder(out);
    const named = embeddings.map(({ name }, i) => ({ name, digest: loaded[i].digest }));
    const asked = { prompt, negative, sampler, steps, guidance, seed, size, basis };
    const as = request.as === null ? {} : { as: request.as };
    const digest = digestJson({ ...asked, ...as, embeddings: named, provider: device.provider });
    const word = embeddings[0]?.name.replace(/[^A-Za-z0-9_]+/g, "_") ?? "picture";
    const stem = `${word}-${digest.slice(0, 8)}`;
    return yield* Effect.forEach(
      Array.from({ length: count }, (_, picture) => picture),
      (picture) =>
        Effect.gen(function* () {
          const pixels = yield* tryPromise((signal) =>
            drawPicture(engine, {
              prompt,
              negative,
              embeddings,
              tokenizers,
              pooling,
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
          const bytes = yield* tryPromise(() =>
            request.format === "jpg" ? jpeg(pixels) : png(pixels)
          );
          const path = join(out, `${stem}-${String(picture).padStart(4, "0")}.${request.format}`);
          yield* atomicWrite(path, bytes, { what: "a picture" });
          const made: Generated = { path, height, width, seed, picture };
          listener.made(made);
          return made;
        }),
    );
  }));
