// What will happen to an embedding file in each client: loads or not and why, the word to type, and the
// share of a prompt it takes. The trap: a file can load everywhere and still do nothing (rows of zeros)
// or harm (NaN), so the values are looked at too.
import { type Client, clients, type Encoder, type Reach } from "./clients.ts";
import {
  type EmbeddingFile,
  type EmbeddingTensor,
  isCanonical,
  readEmbedding,
} from "./embedding-file.ts";
import { type Trigger, triggers } from "./trigger.ts";
import { remarksOnValues } from "./value-remarks.ts";
import { loadVocabulary } from "./vocabulary.ts";

/** Tokens of a prompt, or of one chunk of it, beside its start and end. */
const promptTokens = 75;

export interface ClientResult {
  readonly client: Client;
  /** "partly": something reaches the model, but not what was trained. */
  readonly loads: "yes" | "partly" | "no";
  /** Why not, or what to know. */
  readonly remarks: readonly string[];
  readonly trigger: string | undefined;
}

export interface EmbeddingReport {
  readonly file: string;
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
  const misnamed = !/\.safetensors$/i.test(path);
  const clientResults = (Object.keys(clients) as Client[]).map((client) =>
    clientResultOf(
      client,
      misnamed && client !== "diffusers" ? takenForPickle : clients[client](tensors),
      triggers[client](facts(client === "diffusers" ? token : stem)),
      file,
    )
  );
  return {
    file: path,
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

const takenForPickle: Reach = {
  refused: "it takes a file for a pickle unless its name ends in .safetensors",
};

const vectorsOf = ({ tensors }: EmbeddingFile): number => Math.max(...tensors.map(rowsOf));

/** The token for diffusers of a file with both encoders' rows, which holds none itself. */
export const tokenOf = ({ metadata, stem }: EmbeddingFile): string =>
  metadata["gnomic.trigger"] ?? stem;

function clientResultOf(
  client: Client,
  reach: Reach,
  trigger: Trigger,
  file: EmbeddingFile,
): ClientResult {
  if ("refused" in reach) {
    const convertible = client === "diffusers" && isCanonical(file);
    const remarks = [reach.refused, ...convertible ? [convertFirst] : []];
    return { client, loads: "no", remarks, trigger: undefined };
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
    remarks: [...remarks, ...trigger.remarks],
    trigger: trigger.text,
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

function remarksOnLength(client: Client, vectors: number): string[] {
  if (vectors <= promptTokens) return [];
  return [
    client === "ComfyUI"
      ? `${vectors} vectors are split over several chunks of ${promptTokens}`
      : `${vectors} vectors are more than the ${promptTokens} of a prompt, the rest is lost`,
  ];
}
