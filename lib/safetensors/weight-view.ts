// A weight as the networks ask for it: a name in the diffusers layout and the bytes of a .safetensors
// file that hold it. ONNX Runtime maps those bytes in place. The trap: `shape` is the shape the network
// wants (a 1x1 convolution may be viewed as a matrix); a view with `transposed` has shape [out, in] but its
// bytes are [in, out], and no shape check can tell, because such matrices are square.
import type { StoredDType } from "./dtype.ts";

export interface WeightView {
  /** Name in the diffusers layout, e.g. `down_blocks.1.attentions.0.proj_in.weight`. */
  readonly name: string;
  readonly dtype: StoredDType;
  readonly shape: readonly number[];
  /** Real path (no symbolic link) of the file. */
  readonly file: string;
  /** Absolute byte offset in `file`, and the length in bytes. */
  readonly offset: number;
  readonly bytes: number;
  /** A matrix stored [in, out]. */
  readonly transposed?: boolean;
}

/** One network's weights by diffusers name. */
export type WeightTable = ReadonlyMap<string, WeightView>;
