// Classifier-free guidance: away from the answer without a prompt, towards the one with it. The trap:
// without a negative prompt SDXL's unconditional input is zeros, not the encoding of an empty text.

/** uncond + scale * (cond - uncond), value by value, in float64 rounded once. */
export const guided = (
  uncond: Float32Array,
  cond: Float32Array,
  scale: number,
): Float32Array => uncond.map((value, i) => value + scale * (cond[i] - value));
