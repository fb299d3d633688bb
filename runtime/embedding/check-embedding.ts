// What will happen to an embedding file in each client: loads or not and why, the word to type, and the
// share of a prompt it takes. The trap: a file can load everywhere and still do nothing (rows of zeros)
// or harm (NaN), so the values are looked at too.
import { loadVocabulary } from "./vocabulary.ts";
import { type Client, clients, type Encoder, type Reach, sdxlWidths } from "./clients.ts";
import { type EmbeddingFile, type EmbeddingTensor, readEmbedding } from "./embedding-file.ts";
import { type Trigger, triggers } from "./trigger.ts";

/** Tokens of a prompt, or of one chunk of it, beside its start and end. */
const promptTokens = 75;

export interface Verdict {
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
  readonly verdicts: readonly Verdict[];
}

/** Throws as `readEmbedding` does. */
export async function checkEmbedding(path: string): Promise<EmbeddingReport> {
  const file = await readEmbedding(path);
  const { stem, tensors, metadata } = file;
  const vectors = Math.max(...tensors.map(rowsOf));
  const vocabulary = await loadVocabulary();
  const token = tokenOf(file);
  const facts = (text: string) => ({
    stem,
    token,
    vocabulary: { isWord: vocabulary.isWord(text), isPiece: vocabulary.isPiece(text) },
  });
  const verdicts = (Object.keys(clients) as Client[]).map((client) =>
    verdictOf(
      client,
      clients[client](tensors),
      triggers[client](facts(client === "diffusers" ? token : stem)),
      vectors,
    )
  );
  return {
    file: path,
    tensors: tensors.map(({ name, dtype, shape }) => ({ name, dtype, shape })),
    vectors,
    promptTokens,
    values: tensors.flatMap(remarksOnValues),
    metadata,
    verdicts,
  };
}

const rowsOf = ({ shape }: Pick<EmbeddingTensor, "shape">): number =>
  shape.length === 1 ? 1 : shape[0];

/** The token that stands for the embedding where the file's name does not: in diffusers. */
export const tokenOf = ({ tensors, metadata, stem }: EmbeddingFile): string =>
  tensors.length === 1 && !(tensors[0].name in sdxlWidths)
    ? tensors[0].name
    : metadata["gnomic.trigger"] ?? stem;

function verdictOf(client: Client, reach: Reach, trigger: Trigger, vectors: number): Verdict {
  if ("refused" in reach) {
    const remarks = [reach.refused, ...client === "diffusers" ? [convertFirst] : []];
    return { client, loads: "no", remarks, trigger: undefined };
  }
  const remarks = [...remarksOnReach(client, reach), ...remarksOnLength(client, vectors)];
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

function remarksOnValues({ name, shape, values }: EmbeddingTensor): string[] {
  const width = shape[shape.length - 1];
  const remarks: string[] = [];
  for (let row = 0; row * width < values.length; row++) {
    const vector = values.subarray(row * width, (row + 1) * width);
    const bad = vector.findIndex((value) => !Number.isFinite(value));
    if (bad !== -1) {
      remarks.push(`${name} row ${row} holds ${vector[bad]}: pictures with it come out black`);
    } else if (vector.every((value) => value === 0)) {
      remarks.push(`${name} row ${row} is all zeros: it was never trained, and says nothing`);
    }
  }
  return remarks;
}
