// From the configuration's `model` to an open model: found on this machine or downloaded, another VAE put
// in its place, everything the networks need checked from headers alone. Shared by every stage that uses
// the model, so that all of them see the same one.
// The trap: a dry run must not touch the network or write; what is not here fails with NotDownloaded, and
// weights that have to be converted have no bytes yet.
import { Effect } from "effect";
import { type Model, openModel } from "../../engine/weights/model.ts";
import { pauseUnit } from "../../hub/hub-client.ts";
import { type AbsentModel, locateModel, resolveModel } from "../../hub/resolve-model.ts";
import { type Fault, NotDownloaded, reworded } from "../../lib/fault.ts";
import { tryPromise, tryWithProgress } from "../../lib/try-promise.ts";
import type { InputTools } from "../../runtime/stage.ts";
import { inspectWeights } from "./inspect-weights.ts";
import { isModelOpen, sharedModel } from "./shared.ts";

export interface ModelOptions {
  readonly model: string;
  readonly hf_variant: string | null;
  readonly hf_revision: string | null;
  readonly vae_model: string | null;
  readonly model_config: string | null;
}

interface LoadTools {
  readonly offline: boolean;
  readonly progress: (done: number, total: number, unit: string) => Effect.Effect<void>;
}

export const loadModel = (options: ModelOptions, tools: LoadTools): Effect.Effect<Model, Fault> =>
  Effect.gen(function* () {
    const { path, note } = yield* located("model", options.model, options, tools);
    const other = { ...options, hf_revision: null };
    const vae = options.vae_model === null
      ? undefined
      : (yield* located("vae_model", options.vae_model, other, tools)).path;
    const config = options.model_config === null
      ? undefined
      : (yield* located("model_config", options.model_config, other, tools)).path;
    const choice = {
      ...(vae === undefined ? {} : { vaeModel: vae }),
      ...(config === undefined ? {} : { modelConfig: config }),
      ...(options.hf_variant === null ? {} : { variant: options.hf_variant }),
    };
    const keyOf = (convert: boolean) => [path, choice, convert];
    // Whoever asks without the network is served as well by a model that was opened with it.
    const convert = !tools.offline || (yield* isModelOpen(keyOf(true)));
    const open = tryWithProgress(
      (done, total) => tools.progress(done, total, "bytes converted"),
      async (onConvert) => {
        const found = await openModel(path, { ...choice, convert, onConvert });
        return { ...found, notes: note === undefined ? found.notes : [...found.notes, note] };
      },
    );
    return yield* sharedModel(keyOf(convert), open);
  });

/** What the fingerprint of a stage that uses the model depends on: the bytes of the files. */
export const modelInputs = (
  options: ModelOptions,
  tools: Omit<InputTools, "warn">,
  networks: readonly (keyof Model["weights"])[],
): Effect.Effect<unknown, Fault> =>
  Effect.gen(function* () {
    const model = yield* loadModel(options, tools);
    const looked = yield* inspectWeights(
      networks.flatMap((network) => model.files[network]),
      tools.progress,
    );
    const digests = [...looked.values()].map(({ digest }) => digest);
    return { weights: digests.toSorted(), configs: model.configs };
  });

/** What is wrong is said of the option: of three names the message is the same. */
const located = (
  key: "model" | "vae_model" | "model_config",
  name: string,
  { hf_variant, hf_revision }: ModelOptions,
  { offline, progress }: LoadTools,
): Effect.Effect<{ readonly path: string; readonly note?: string }, Fault> =>
  Effect.gen(function* () {
    const choice = {
      ...(hf_variant === null ? {} : { variant: hf_variant }),
      ...(hf_revision === null ? {} : { revision: hf_revision }),
      vae: key === "vae_model",
    };
    if (offline) {
      const found = yield* tryPromise(() => locateModel(name, choice));
      if (found.notDownloaded === undefined) return found;
      return yield* Effect.fail(absent(name, found));
    }
    return yield* tryWithProgress(
      (done, total, unit = "bytes") => progress(done, total, unit),
      (report, signal) =>
        resolveModel(name, {
          ...choice,
          signal,
          onProgress: ({ done, total }) => report(done, total),
          onWait: (waited, seconds, why) => report(waited, seconds, pauseUnit(why)),
        }),
    );
  }).pipe(Effect.mapError((cause) => reworded(cause, { key })));

const absent = (name: string, { notDownloaded, mistyped }: AbsentModel) =>
  new NotDownloaded({
    wanted: `${name}${mistyped === undefined ? "" : `, ${mistyped},`} on this machine`,
    found: notDownloaded.length === 0 ? "nothing of it" : `${notDownloaded.join(", ")} missing`,
    fix: "A real run downloads it.",
  });
