// Where the pooled text of a caption is taken, in the words of people: by the clients that do it. InvokeAI
// and diffusers take it at the largest token id (a placeholder's, where there is one), ComfyUI, A1111 and
// Forge at the end token; a file meets both kinds, and `mixed` trains it for both.
// The trap: what `auto` trains with has changed once. Runs of before go on with theirs (`trainedPooling`),
// so what a training does is in its state, not in its options alone.
import { type PoolingRule, poolingOf } from "../../engine/text/pooling.ts";
import { loadTokenizer } from "../../engine/text/tokenizer.ts";
import type { Model } from "../../engine/weights/model.ts";

/** A rule by its name, as configurations have it. */
export type PoolingName = "argmax" | "end_token";

/** Both, in the order in which two numbers of one measure stand. */
export const poolingNames: readonly PoolingName[] = ["argmax", "end_token"];

/** Which programs follow a rule; for people. */
export const followers: Readonly<Record<PoolingName, string>> = {
  argmax: "InvokeAI, diffusers",
  end_token: "ComfyUI, A1111, Forge",
};

export const poolingRule = (name: PoolingName, model: Model): PoolingRule =>
  name === "argmax"
    ? { kind: "argmax" }
    : { kind: "first", id: loadTokenizer(model.tokenizers[1]).endId };

/** What InvokeAI and diffusers do with this model: they go by its text encoder 2's `eos_token_id`. */
export const modelPooling = ({ configs }: Model): PoolingName =>
  poolingOf(configs.textEncoder2).kind === "argmax" ? "argmax" : "end_token";

/**
 * The rules that a training's captions follow, drawn among for each item. `begun` is what the state of a
 * run says that is there already; null where it was begun before it was said.
 */
export function trainedPooling(
  pooling: "auto" | PoolingName | "mixed",
  model: Model,
  begun: readonly PoolingName[] | null | undefined,
): readonly PoolingName[] {
  if (pooling === "mixed") return poolingNames;
  if (pooling !== "auto") return [pooling];
  const own = modelPooling(model);
  if (begun === null || own === "end_token") return [own];
  return begun ?? autoPooling;
}

/** Of a new training where the two kinds of clients differ; CHANGES.md has the measures that decided. */
const autoPooling: readonly PoolingName[] = poolingNames;

/** The rules that validation pictures are drawn by. */
export const drawnPooling = (
  pooling: "auto" | PoolingName | "both",
  model: Model,
): readonly PoolingName[] =>
  pooling === "both" ? poolingNames : [pooling === "auto" ? modelPooling(model) : pooling];
