// How the learned rows stand against the vocabulary: norms, cosine to where they began, nearest words.
// For people only; nothing here reaches the training's state.

export interface EncoderHealth {
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

function dot(a: ArrayLike<number>, i: number, b: ArrayLike<number>, j: number, width: number) {
  let sum = 0;
  for (let k = 0; k < width; k++) sum += a[i * width + k] * b[j * width + k];
  return sum;
}

/** The Euclidean norm of each row. */
export const norms = (rows: ArrayLike<number>, width: number): Float64Array =>
  Float64Array.from(
    { length: rows.length / width },
    (_, i) => Math.sqrt(dot(rows, i, rows, i, width)),
  );

export function normRange(lengths: Float64Array): readonly [number, number, number] {
  const sorted = lengths.toSorted();
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))];
  return [at(0.05), at(0.5), at(0.95)];
}

const cosine = (product: number, a: number, b: number) => product / Math.max(a * b, 1e-12);

export function rowHealth(
  name: string,
  rows: Float64Array,
  initial: Float64Array,
  width: number,
): Pick<EncoderHealth, "name" | "norms" | "cosines"> {
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
function admit(best: Candidate[], candidate: Candidate, count: number): void {
  if (best.length === count && candidate[1] <= best[count - 1][1]) return;
  const place = best.findIndex(([, other]) => other < candidate[1]);
  best.splice(place === -1 ? best.length : place, 0, candidate);
  best.length = Math.min(best.length, count);
}

/** For each row the `count` words of highest cosine. */
export async function nearestWords(
  rows: Float64Array,
  width: number,
  { blocks, lengths, wordOf }: Words,
  count: number,
): Promise<EncoderHealth["nearest"]> {
  const own = norms(rows, width);
  const best = Array.from(own, (): Candidate[] => []);
  for await (const { first, values } of blocks) {
    for (let j = 0; j < values.length / width; j++) {
      const word = first + j;
      for (const [i, length] of own.entries()) {
        const product = dot(rows, i, values, j, width);
        admit(best[i], [word, cosine(product, length, lengths[word])], count);
      }
    }
  }
  return best.map((list) => list.map(([word, value]) => [wordOf(word), value]));
}
