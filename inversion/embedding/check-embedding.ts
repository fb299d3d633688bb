// What will happen to an embedding file in each client: loads or not and why, the word to type, and the
// share of a prompt it takes. The trap: a file can load everywhere and still do nothing (rows of zeros)
// or harm (NaN), so the values are looked at too.
import type { PoolingName } from "../model/pooling.ts";
import {
  type Client,
  clientPooling,
  clients,
  type Encoder,
  promptTokens,
  type Reach,
  sdxlWidths,
} from "./clients.ts";
import {
  type EmbeddingFile,
  type EmbeddingTensor,
  isCanonical,
  readEmbedding,
} from "./embedding-file.ts";
import { type Trigger, triggers } from "./trigger.ts";
import { remarksOnValues } from "./value-remarks.ts";
import { loadVocabulary } from "./vocabulary.ts";
import { metadataKeys } from "../metadata-keys.ts";

export interface ClientResult {
  readonly client: Client;
  /** "partly": something reaches the model, but not what was trained. */
  readonly loads: "yes" | "partly" | "no";
  /** Why not, or what to know. */
  readonly remarks: readonly string[];
  readonly trigger: string | undefined;
  /** Where it takes the pooled text: at the placeholder, or at the end token. */
  readonly pooling: PoolingName;
}

export interface EmbeddingReport {
  readonly file: string;
  /** Widths of both encoders' rows where those are not SDXL's: it is for another model, such as a toy. */
  readonly foreignWidths: readonly [number, number] | null;
  /** For which place of the pooled text it was trained, by its metadata; null: nobody says. */
  readonly trainedPooling: "argmax" | "end_token" | "mixed" | null;
  readonly tensors: readonly Pick<EmbeddingTensor, "name" | "dtype" | "shape">[];
  /** Rows of the longest tensor: as many tokens of each prompt. */
  readonly vectors: number;
  readonly promptTokens: number;
  /** What is wrong with the values, whatever the client. */
  readonly values: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly clientResults: readonly ClientResult[];
}

/** Throws as `readEmbedding` does. */
export async function checkEmbedding(path: string): Promise<EmbeddingReport> {
  const file = await readEmbedding(path);
  const { stem, tensors, metadata } = file;
  const vocabulary = await loadVocabulary();
  // diffusers loads one-tensor files only, and calls the embedding as the tensor.
  const token = tensors[0].name;
  const facts = (text: string) => ({
    stem,
    token,
    vocabulary: { isWord: vocabulary.isWord(text), isPiece: vocabulary.isPiece(text) },
  });
  const trained = trainedPoolingOf(metadata);
  const clientResults = (Object.keys(clients) as Client[]).map((client) =>
    clientResultOf(
      client,
      endings[client]?.test(path) === false ? otherEnding : clients[client](tensors),
      triggers[client](facts(client === "diffusers" ? token : stem)),
      file,
      trained,
    )
  );
  return {
    file: path,
    foreignWidths: foreignWidthsOf(file),
    trainedPooling: trained,
    tensors: tensors.map(({ name, dtype, shape }) => ({ name, dtype, shape })),
    vectors: vectorsOf(file),
    promptTokens,
    values: remarksOnValues(file),
    metadata,
    clientResults,
  };
}

const rowsOf = ({ shape }: Pick<EmbeddingTensor, "shape">): number =>
  shape.length === 1 ? 1 : shape[0];

/** By which names clients know the format; a file that is called otherwise they overlook or unpickle. */
const endings: Readonly<Partial<Record<Client, RegExp>>> = {
  InvokeAI: /\.safetensors$/,
  ComfyUI: /\.safetensors$/,
  "A1111/Forge": /\.safetensors$/i,
};

const otherEnding: Reach = {
  refused: "it wants a name that ends in .safetensors, else it overlooks the file or unpickles it",
};

function foreignWidthsOf(file: EmbeddingFile): EmbeddingReport["foreignWidths"] {
  if (!isCanonical(file)) return null;
  const width = (wanted: Encoder) =>
    file.tensors.find(({ name }) => name === wanted)!.shape.at(-1)!;
  const widths = [width("clip_l"), width("clip_g")] as const;
  const known = Object.values<number>(sdxlWidths);
  return widths.some((each) => known.includes(each)) ? null : widths;
}

/** `auto` in files of before there was a mixture: as the model's config asks for, which is SDXL's. */
function trainedPoolingOf(
  metadata: EmbeddingFile["metadata"],
): EmbeddingReport["trainedPooling"] {
  let pooling: unknown;
  try {
    pooling = JSON.parse(metadata[metadataKeys.configuration] ?? "{}")?.pooling;
  } catch {
    return null;
  }
  if (pooling === "auto") return "argmax";
  return pooling === "argmax" || pooling === "end_token" || pooling === "mixed" ? pooling : null;
}

const vectorsOf = ({ tensors }: EmbeddingFile): number => Math.max(...tensors.map(rowsOf));

/** The token for diffusers of a file with both encoders' rows, which holds none itself. */
export const tokenOf = ({ metadata, stem }: EmbeddingFile): string =>
  metadata[metadataKeys.trigger] ?? stem;

function clientResultOf(
  client: Client,
  reach: Reach,
  trigger: Trigger,
  file: EmbeddingFile,
  trained: EmbeddingReport["trainedPooling"],
): ClientResult {
  const pooling = clientPooling[client];
  if ("refused" in reach) {
    const convertible = client === "diffusers" && isCanonical(file);
    const remarks = [reach.refused, ...convertible ? [convertFirst] : []];
    return { client, loads: "no", remarks, trigger: undefined, pooling };
  }
  const remarks = [...remarksOnReach(client, reach), ...remarksOnLength(client, vectorsOf(file))];
  const loads = remarks.length > 0 ? "partly" : "yes";
  if (client === "diffusers" && reach.clip_l !== reach.clip_g) {
    const [encoder, other] = reach.clip_l > 0
      ? ["text_encoder", "text_encoder_2"]
      : ["text_encoder_2", "text_encoder"];
    remarks.unshift(`it is the half for ${encoder}; the other half goes into ${other}`);
  }
  return {
    client,
    loads: trigger.text === undefined ? "no" : loads,
    remarks: [...remarks, ...trigger.remarks, ...remarksOnPooling(pooling, trained)],
    trigger: trigger.text,
    pooling,
  };
}

const convertFirst = "`embedding convert` makes its pair of files";

function remarksOnReach(
  client: Client,
  { clip_l, clip_g }: Readonly<Record<Encoder, number>>,
): string[] {
  if (clip_l === clip_g || client === "diffusers") return [];
  if (clip_l === 0) return ["only the second text encoder gets rows, silently"];
  if (clip_g === 0) return ["only the first text encoder gets rows, silently"];
  return [`the text encoders get ${clip_l} and ${clip_g} rows, so the rest of the prompt shifts`];
}

/** Measured on the sample: the other way round a file is as good as one trained for it. */
const remarksOnPooling = (
  pooling: PoolingName,
  trained: EmbeddingReport["trainedPooling"],
): string[] =>
  trained === "end_token" && pooling === "argmax"
    ? [
      "trained with the pooled text at the end token, which this program takes at the placeholder: " +
      "its pictures may be worse than the word's; `pooling: mixed` trains for both",
    ]
    : [];

function remarksOnLength(client: Client, vectors: number): string[] {
  if (vectors <= promptTokens) return [];
  return [
    client === "ComfyUI"
      ? `${vectors} vectors are split over several chunks of ${promptTokens}`
      : `${vectors} vectors are more than the ${promptTokens} of a prompt, the rest is lost`,
  ];
}
