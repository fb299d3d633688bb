// Which model pictures are drawn with: the one that is named, else the one that the embeddings were
// trained with, as their metadata says, else SDXL itself.
// The trap: two embeddings may come from different models; then the user has to say which. And a file names no
// folder: where a local model is says the run that the file lies in, or the user.
import { dirname, resolve } from "node:path";
import { Result, Schema } from "effect";
import { heightWidth, Resolution } from "../../config/data.ts";
import { deviceFields } from "../../config/device.ts";
import { embeddingFields } from "../../config/embedding.ts";
import { modelFields } from "../../config/model.ts";
import { objectiveFields } from "../../config/objective.ts";
import { canonicalJson } from "../../lib/canonical-json.ts";
import { readUtf8 } from "../../lib/plain-files.ts";
import type { LoadedEmbedding } from "./load-embedding.ts";
import { GenerateFault, type GenerateRequest } from "./request.ts";
import { metadataKeys } from "../metadata-keys.ts";
import { manifestFile } from "../../runtime/run-folder/run-files.ts";

/** The part of a training's configuration that decides how its embedding is drawn. */
const Basis = Schema.Struct({
  ...modelFields,
  weight_dtype: deviceFields.weight_dtype,
  pooling: embeddingFields.pooling,
  prediction_type: objectiveFields.prediction_type,
  rescale_betas_zero_snr: objectiveFields.rescale_betas_zero_snr,
});
export type Basis = typeof Basis.Type;

const Configuration = Schema.Struct({
  ...Basis.fields,
  data_loader: Schema.optionalKey(Schema.Struct({ resolution: Schema.optionalKey(Resolution) })),
});
const decodeText = Schema.decodeUnknownResult(Schema.fromJsonString(Configuration));
const decode = Schema.decodeUnknownSync(Configuration);
const decodePlaces = Schema.decodeUnknownResult(
  Schema.fromJsonString(Schema.Record(Schema.String, Schema.String)),
);
const placeFields = {
  model: Schema.optionalKey(Schema.String),
  vae_model: Schema.optionalKey(Schema.NullOr(Schema.String)),
  model_config: Schema.optionalKey(Schema.NullOr(Schema.String)),
};
const decodeRun = Schema.decodeUnknownResult(
  Schema.fromJsonString(Schema.Struct({ configuration: Schema.Struct(placeFields) })),
);

export interface BaseModel {
  readonly basis: Basis;
  /** Of the training's pictures; null: not known. */
  readonly size: readonly [height: number, width: number] | null;
  /** The embedding that says so; null: nobody does. */
  readonly saidBy: string | null;
}

/** The options that say it instead. */
const flags = { model: "--model", vae_model: "--vae", model_config: "--model-config" } as const;
type ModelKey = keyof typeof flags;
const modelKeys = Object.keys(flags) as readonly ModelKey[];

/** Where the run that a result file lies in found its model; nothing where it lies elsewhere. */
async function placesBeside(path: string): Promise<Partial<Basis>> {
  const folder = dirname(resolve(path));
  for (const at of [folder, dirname(folder)]) {
    const text = await readUtf8(manifestFile(at)).catch(() => undefined);
    const run = text === undefined ? undefined : decodeRun(text);
    if (run !== undefined && Result.isSuccess(run)) return run.success.configuration;
  }
  return {};
}

const needsPlace = (path: string, key: ModelKey, last: string) =>
  new GenerateFault({
    file: path,
    key,
    wanted: `to know where the ${key} of its training is, there called ${last}`,
    found: "no place: it lies in no run folder of this machine",
    fix: `Say it with ${flags[key]}.`,
  });

async function read(
  { path, metadata }: LoadedEmbedding,
  given: readonly ModelKey[],
): Promise<BaseModel | null> {
  const model = metadata[metadataKeys.baseModel];
  if (model === undefined) return null;
  const read = decodeText(metadata[metadataKeys.configuration] ?? "{}");
  if (Result.isFailure(read)) {
    throw new GenerateFault({
      file: path,
      wanted: "the configuration of its training in its metadata",
      found: "one that this version does not read",
      fix: `Say with --model which model to draw with; it was trained with ${model}.`,
    });
  }
  const { data_loader, ...basis } = read.success;
  const resolution = data_loader?.resolution;
  const places = decodePlaces(metadata[metadataKeys.places] ?? "{}");
  const named: Readonly<Record<string, string>> = Result.isSuccess(places) ? places.success : {};
  const asked = modelKeys.filter((key) => Object.hasOwn(named, key) && !given.includes(key));
  const beside = asked.length === 0 ? {} : await placesBeside(path);
  const found = asked.map((key) => {
    const place = beside[key];
    if (typeof place !== "string") throw needsPlace(path, key, named[key]);
    return [key, place] as const;
  });
  return {
    basis: { ...basis, model, ...Object.fromEntries(found) },
    size: resolution === undefined ? null : heightWidth(resolution),
    saidBy: path,
  };
}

/** What the user names goes first. Throws GenerateFault. */
export async function baseModel(
  embeddings: readonly LoadedEmbedding[],
  { model, vae, modelConfig }: Pick<GenerateRequest, "model" | "vae" | "modelConfig">,
): Promise<BaseModel> {
  if (model !== null) return { basis: { ...decode({}), model }, size: null, saidBy: null };
  const given: readonly ModelKey[] = [
    ...(vae === null ? [] : ["vae_model" as const]),
    ...(modelConfig === null ? [] : ["model_config" as const]),
  ];
  const said = (await Promise.all(embeddings.map((each) => read(each, given)))).filter((each) =>
    each !== null
  );
  const models = new Map(said.map((each) => [canonicalJson(each.basis), each]));
  if (models.size > 1) {
    throw new GenerateFault({
      key: "--model",
      wanted: "embeddings that were trained with one model, in one way",
      found: [...models.values()].map(({ saidBy, basis }) => `${saidBy}: ${basis.model}`)
        .join("; "),
      fix: "Say with --model which model to draw with.",
    });
  }
  return said[0] ?? { basis: decode({}), size: null, saidBy: null };
}
