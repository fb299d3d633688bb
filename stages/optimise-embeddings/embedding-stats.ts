// How the learned rows stand against the vocabulary: norms, cosine to where they began, nearest words.
// For people only; nothing here reaches the training's state.

export interface EncoderStats {
  readonly name: string;
  readonly norms: readonly number[];
  readonly cosines: readonly number[];
  /** Norms of the vocabulary at 5 %, 50 % and 95 %. */
  readonly vocabularyNorms: readonly [number, number, number];
  /** For each row the nearest words with their cosines; empty where they were not looked for. */
  readonly nearest: readonly (readonly (readonly [string, number])[])[];
}

export interface Words {
  /** [words, width], in blocks of some rows. */
  readonly blocks: AsyncIterable<{ readonly first: number; readonly values: Float32Array }>;
  /** Norms of the embeddings. */
  readonly lengths: Float64Array;
  /** The text of a token. */
  readonly wordOf: (id: number) => string;
}

type Values = Float32Array | Float64Array;

function dot(a: Values, i: number, b: Values, j: number, width: number): number {
  const [from, other] = [i * width, j * width];
  let sum = 0;
  for (let k = 0; k < width; k++) sum += a[from + k] * b[other + k];
  return sum;
}

/** The Euclidean norm of each row. */
export function norms(rows: Values, width: number): Float64Array {
  const lengths = new Float64Array(rows.length / width);
  for (let i = 0; i < lengths.length; i++) lengths[i] = Math.sqrt(dot(rows, i, rows, i, width));
  return lengths;
}

export function normRange(lengths: Float64Array): readonly [number, number, number] {
  const sorted = lengths.toSorted();
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))];
  return [at(0.05), at(0.5), at(0.95)];
}

const cosine = (product: number, a: number, b: number) => product / Math.max(a * b, 1e-12);

export function embeddingStats(
  name: string,
  rows: Float64Array,
  initial: Float64Array,
  width: number,
): Pick<EncoderStats, "name" | "norms" | "cosines"> {
  const lengths = norms(rows, width);
  const began = norms(initial, width);
  const cosines = Array.from(
    lengths,
    (length, i) => cosine(dot(rows, i, initial, i, width), length, began[i]),
  );
  return { name, norms: [...lengths], cosines };
}

type Candidate = readonly [word: number, cosine: number];

/** Keeps `best` sorted, highest first, and no longer than `count`. */
function admit(best: Candidate[], word: number, value: number, count: number): void {
  if (best.length === count && value <= best[count - 1][1]) return;
  const place = best.findIndex(([, other]) => other < value);
  best.splice(place === -1 ? best.length : place, 0, [word, value]);
  best.length = Math.min(best.length, count);
}

/** The products of one row with each word of a block; apart from `dot`, which meets arrays of other types. */
function products(row: Float64Array, values: Float32Array): Float64Array {
  const width = row.length;
  const found = new Float64Array(values.length / width);
  for (let j = 0; j < found.length; j++) {
    let sum = 0;
    for (let k = 0; k < width; k++) sum += row[k] * values[j * width + k];
    found[j] = sum;
  }
  return found;
}

/** For each row the `count` words of highest cosine. */
export async function nearestWords(
  rows: Float64Array,
  width: number,
  { blocks, lengths, wordOf }: Words,
  count: number,
): Promise<EncoderStats["nearest"]> {
  const own = norms(rows, width);
  const best = Array.from(own, (): Candidate[] => []);
  for await (const { first, values } of blocks) {
    best.forEach((list, i) => {
      products(rows.subarray(i * width, (i + 1) * width), values).forEach((product, j) =>
        admit(list, first + j, cosine(product, own[i], lengths[first + j]), count)
      );
    });
  }
  return best.map((list) => list.map(([word, value]) => [wordOf(word), value]));
}
