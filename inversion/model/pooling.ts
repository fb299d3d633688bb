// Where the pooled text of a caption is taken, in the words of people: by the clients that do it. InvokeAI
// and diffusers take it at the largest token id (a placeholder's, where there is one), ComfyUI, A1111 and
// Forge at the end token; a file meets both kinds, and `mixed` trains it for both.
// The trap: what `auto` trains with has changed once: a new run has `mixed` from its plan, a run of before
// keeps `auto` in its manifest, and that goes by the model alone.
import { poolingOf, type PoolingRule } from "../../engine/text/pooling.ts";
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
const modelPooling = ({ configs }: Model): PoolingName =>
  poolingOf(configs.textEncoder2).kind === "argmax" ? "argmax" : "end_token";

/** The configuration's `pooling`. */
export type Pooling = "auto" | PoolingName | "mixed";

/**
 * What `auto` is in a run: what it has (`kept`, of its manifest), else `mixed`, which measured best under
 * both rules together (docs/measured.md).
 */
export const settledPooling = (pooling: Pooling, kept: unknown): Pooling =>
  pooling !== "auto" ? pooling : kept === "auto" || kept === "mixed" ? kept : "mixed";

/**
 * The rules that a training's captions follow: of several, one is drawn for each item. Where all clients
 * go by the end token with this model, a mixture is that.
 */
export function trainedPooling(pooling: Pooling, model: Model): readonly PoolingName[] {
  if (pooling === "mixed") return [...new Set([modelPooling(model), "end_token" as const])];
  return [pooling === "auto" ? modelPooling(model) : pooling];
}

/** The rules that pictures are drawn by: those asked for, else the training's one, else the model's own. */
export function drawnPooling(
  drawn: "auto" | PoolingName | "both",
  trained: Pooling,
  model: Model,
): readonly PoolingName[] {
  if (drawn === "both") return poolingNames;
  if (drawn !== "auto") return [drawn];
  return [trained === "auto" || trained === "mixed" ? modelPooling(model) : trained];
}
