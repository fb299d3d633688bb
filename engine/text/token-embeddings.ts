// The look-up of token embeddings, outside the graph: frozen rows are read from the file as captions ask
// for them, ids at or above the vocabulary's size are the placeholder's rows, in order. Its adjoint
// gathers the gradient of those rows.
import { fault } from "../../lib/fault.ts";
import { decodeArray, toFloat32 } from "../../lib/safetensors/convert.ts";
import { storedBytes } from "../../lib/safetensors/dtype.ts";
import { readChunks, readTensor } from "../../lib/safetensors/safetensors.ts";
import type { WeightView } from "../../lib/safetensors/weight-view.ts";

export class TokenIdFault extends fault("TokenIdFault", "user") {}

const blockRows = 2048;

export class TokenEmbeddings {
  readonly vocabularySize: number;
  readonly width: number;
  readonly #view: WeightView;
  readonly #rows = new Map<number, Promise<Float32Array>>();

  constructor(view: WeightView) {
    this.#view = view;
    [this.vocabularySize, this.width] = view.shape;
  }

  get #rowBytes(): number {
    return this.width * storedBytes[this.#view.dtype];
  }

  /** Embeddings [B, length, width] of `captions`; `rows` holds n * width placeholder values. */
  async lookUp(captions: readonly (readonly number[])[], rows: ArrayLike<number>) {
    const { vocabularySize, width } = this;
    const ids = captions.flat();
    const data = new Float32Array(ids.length * width);
    await Promise.all(ids.map(async (id, position) => {
      const row = id - vocabularySize;
      if (id < 0 || !Number.isInteger(id) || (row + 1) * width > rows.length) {
        throw this.#outOfRange(id, rows.length / width);
      }
      if (row < 0) data.set(await this.row(id), position * width);
      else for (let i = 0; i < width; i++) data[position * width + i] = rows[row * width + i];
    }));
    return { type: "float32" as const, dims: [captions.length, captions[0].length, width], data };
  }

  /** Sums `gradient` [B, length, width] over the positions of each of `count` placeholder rows. */
  gather(
    captions: readonly (readonly number[])[],
    gradient: Float32Array,
    count: number,
  ): Float64Array {
    const { vocabularySize, width } = this;
    const sum = new Float64Array(count * width);
    captions.flat().forEach((id, position) => {
      const row = id - vocabularySize;
      if (row < 0) return;
      for (let i = 0; i < width; i++) sum[row * width + i] += gradient[position * width + i];
    });
    return sum;
  }

  /** One frozen row, [width]. */
  row(id: number): Promise<Float32Array> {
    const held = this.#rows.get(id);
    if (held !== undefined) return held;
    const row = this.#read(id);
    this.#rows.set(id, row);
    return row;
  }

  #read(id: number): Promise<Float32Array> {
    const bytes = this.#rowBytes;
    const place = { offset: this.#view.offset + id * bytes, bytes };
    return readTensor({ ...this.#view, shape: [this.width], ...place });
  }

  /**
   * The whole vocabulary in order, some thousand rows at a time: as float32 SDXL's takes 400 MB. The next
   * block may take the place of `values`.
   */
  async *blocks(): AsyncGenerator<{ readonly first: number; readonly values: Float32Array }> {
    const each = this.#rowBytes;
    const buffer = new Uint8Array(Math.min(blockRows, this.vocabularySize) * each);
    for await (const [from, length] of readChunks(this.#view, buffer)) {
      const whole = length === buffer.length ? buffer.buffer : buffer.buffer.slice(0, length);
      yield { first: from / each, values: toFloat32(decodeArray(whole, this.#view.dtype)) };
    }
  }

  #outOfRange(id: number, rows: number): TokenIdFault {
    return new TokenIdFault({
      tensor: "ids",
      wanted: `token ids from 0 to ${this.vocabularySize + rows - 1} ` +
        `(${this.vocabularySize} tokens and ${rows} placeholder rows)`,
      found: `${id}`,
      fix: "Tokenise with the tokenizer of this model.",
    });
  }
}
