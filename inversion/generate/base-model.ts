// Which model pictures are drawn with: the one that is named, else the one that the embeddings were
// trained with, as their metadata says, else SDXL itself.
// The trap: two embeddings may come from different models; then the user has to say which.
import { Result, Schema } from "effect";
import { heightWidth, Resolution } from "../../config/data.ts";
import { deviceFields } from "../../config/device.ts";
import { embeddingFields } from "../../config/embedding.ts";
import { modelFields } from "../../config/model.ts";
import { objectiveFields } from "../../config/objective.ts";
import { canonicalJson } from "../../lib/canonical-json.ts";
import { GenerateFault } from "./generate-fault.ts";
import type { LoadedEmbedding } from "./load-embedding.ts";

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

export interface BaseModel {
  readonly basis: Basis;
  /** Of the training's pictures; null: not known. */
  readonly size: readonly [height: number, width: number] | null;
  /** The embedding that says so; null: nobody does. */
  readonly saidBy: string | null;
}

function read({ path, metadata }: LoadedEmbedding): BaseModel | null {
  const model = metadata["gnomic.base_model"];
  if (model === undefined) return null;
  const read = decodeText(metadata["gnomic.configuration"] ?? "{}");
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
  return {
    basis: { ...basis, model },
    size: resolution === undefined ? null : heightWidth(resolution),
    saidBy: path,
  };
}

/** `model` is what the user names, or null. Throws GenerateFault. */
export function baseModel(
  embeddings: readonly LoadedEmbedding[],
  model: string | null,
): BaseModel {
  if (model !== null) return { basis: { ...decode({}), model }, size: null, saidBy: null };
  const said = embeddings.map(read).filter((each) => each !== null);
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
