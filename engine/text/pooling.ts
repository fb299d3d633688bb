// Where a caption is pooled. SDXL's configs say `eos_token_id: 2`, for which transformers takes the
// arg-max of the ids: with a placeholder, whose id lies above the vocabulary, that is the placeholder's
// first position. diffusers and InvokeAI do the same at inference; ComfyUI, A1111 and Forge pool at the
// end token. So one file meets both rules, and a caption says which it follows.

/** Where the pooled text is taken: at the highest id, or at the first one that is `id`. */
export type PoolingRule =
  | { readonly kind: "argmax" }
  | { readonly kind: "first"; readonly id: number };

/** The rule that a text encoder's config asks for. */
export const poolingOf = (config: { readonly eos_token_id: number }): PoolingRule =>
  config.eos_token_id === 2 ? { kind: "argmax" } : { kind: "first", id: config.eos_token_id };

/** The position in one caption's ids; 0 where the rule finds none, as in transformers. */
export function poolingPosition(ids: readonly number[], rule: PoolingRule): number {
  const wanted = rule.kind === "argmax" ? Math.max(...ids) : rule.id;
  return Math.max(0, ids.indexOf(wanted));
}

/**
 * [B, 1, length] with 1 at each caption's position: a product with it pools, and is differentiable.
 * One rule a caption.
 */
export function poolingMatrix(
  captions: readonly (readonly number[])[],
  rules: readonly PoolingRule[],
) {
  const length = captions[0].length;
  const data = new Float32Array(captions.length * length);
  captions.forEach((ids, b) => data[b * length + poolingPosition(ids, rules[b])] = 1);
  return { type: "float32" as const, dims: [captions.length, 1, length], data };
}
