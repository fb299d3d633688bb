// What each client's loader does with the tensors of a file when the model is SDXL: how many rows reach
// the first and the second text encoder, or why none do. Their rules as measured with the clients
// themselves (fixtures/clients.json, fixtures/client-names.json, with the clients' versions). The trap:
// ComfyUI and Forge load some broken files without a word, so "loads" alone says little; count the rows.
import type { PoolingName } from "../model/pooling.ts";
import type { EmbeddingTensor } from "./embedding-file.ts";

/** Widths of SDXL's text encoders. */
export const sdxlWidths = { clip_l: 768, clip_g: 1280 } as const;
/** Tokens of a prompt, or of one chunk of it, beside its start and end. */
export const promptTokens = 75;

export type Encoder = keyof typeof sdxlWidths;

export type TensorFacts = Pick<EmbeddingTensor, "name" | "shape">;

/** Rows that reach each encoder, or the reason why the client refuses the file. */
export type Reach = Readonly<Record<Encoder, number>> | { readonly refused: string };

type Loader = (tensors: readonly TensorFacts[]) => Reach;

const refused = (reason: string): Reach => ({ refused: reason });
const width = ({ shape }: TensorFacts): number => shape[shape.length - 1];
const rows = ({ shape }: TensorFacts): number => shape.length === 1 ? 1 : shape[0];
const describe = ({ name, shape }: TensorFacts): string => `${name} [${shape.join(", ")}]`;
const named = (tensors: readonly TensorFacts[], name: string): TensorFacts | undefined =>
  tensors.find((tensor) => tensor.name === name);

/** A tensor's name for which a loader takes the file for another kind than SDXL's pair. */
const takenFor = (tensors: readonly TensorFacts[], ...names: string[]): Reach | undefined => {
  const found = names.find((name) => named(tensors, name) !== undefined);
  return found === undefined
    ? undefined
    : refused(`a tensor called ${found} makes it take the file for another kind of embedding`);
};

/** Both tensors by name, both [n, width] of SDXL; else why not. */
function pairOf(tensors: readonly TensorFacts[]): Reach {
  const [l, g] = [named(tensors, "clip_l"), named(tensors, "clip_g")];
  if (l === undefined || g === undefined) {
    const found = tensors.map(({ name }) => name).join(", ");
    return refused(`it wants both clip_l and clip_g, and finds ${found}`);
  }
  for (const [tensor, wanted] of [[l, sdxlWidths.clip_l], [g, sdxlWidths.clip_g]] as const) {
    if (tensor.shape.length !== 2 || width(tensor) !== wanted) {
      return refused(`it wants ${tensor.name} [vectors, ${wanted}], and finds ${describe(tensor)}`);
    }
  }
  return { clip_l: rows(l), clip_g: rows(g) };
}

const invoke: Loader = (tensors) =>
  takenFor(tensors, "string_to_param", "emb_params") ?? pairOf(tensors);

/** More rows than a prompt's chunk has tokens end in an exception once the embedding is used. */
const web: Loader = (tensors) => {
  const reach = takenFor(tensors, "string_to_param") ?? pairOf(tensors);
  const most = "refused" in reach ? 0 : Math.max(reach.clip_l, reach.clip_g);
  return most > promptTokens
    ? refused(
      `${most} vectors are more than the ${promptTokens} tokens of a prompt: it fails at use`,
    )
    : reach;
};

/**
 * Takes the tensor of the encoder's name, else those of a bundle (a LoRA's form: `bundle_emb.NAME.clip_l`),
 * else the file's first; drops rows of another width.
 */
const comfy: Loader = (tensors) => {
  const odd = takenFor(tensors, "string_to_param");
  if (odd !== undefined) return odd;
  const bundled = (ending: string) =>
    tensors.filter(({ name }) => name.startsWith("bundle_emb.") && name.endsWith(ending));
  const taken = (encoder: Encoder): readonly TensorFacts[] => {
    const own = named(tensors, encoder);
    if (own !== undefined) return [own];
    const bundle = [".string_to_param.*", `.${encoder}`].map(bundled)
      .find(({ length }) => length > 0);
    return bundle ?? [tensors[0]];
  };
  const reach = (encoder: Encoder): number => {
    const all = taken(encoder);
    return width(all[0]) === sdxlWidths[encoder]
      ? all.reduce((sum, tensor) => sum + rows(tensor), 0)
      : 0;
  };
  const counts = { clip_l: reach("clip_l"), clip_g: reach("clip_g") };
  return counts.clip_l + counts.clip_g > 0 ? counts : refused(
    `it ignores rows of other widths than 768 and 1280: ${tensors.map(describe).join(", ")}`,
  );
};

/** One tensor a file, a call for each text encoder. */
const diffusers: Loader = (tensors) => {
  if (tensors.length !== 1) {
    return refused(`it wants one tensor a file, and finds ${tensors.length}`);
  }
  const [tensor] = tensors;
  const reach = (encoder: Encoder) => width(tensor) === sdxlWidths[encoder] ? rows(tensor) : 0;
  const counts = { clip_l: reach("clip_l"), clip_g: reach("clip_g") };
  return counts.clip_l + counts.clip_g > 0
    ? counts
    : refused(`neither text encoder has the width of ${describe(tensor)}`);
};

export const clients = {
  InvokeAI: invoke,
  ComfyUI: comfy,
  "A1111/Forge": web,
  diffusers,
} as const satisfies Record<string, Loader>;
export type Client = keyof typeof clients;

/** Where each takes the pooled text with SDXL: at the placeholder, or at the end token. */
export const clientPooling: Readonly<Record<Client, PoolingName>> = {
  InvokeAI: "argmax",
  ComfyUI: "end_token",
  "A1111/Forge": "end_token",
  diffusers: "argmax",
};
