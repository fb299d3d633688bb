// How the learned rows stand against the vocabulary: norms, cosine to where they began, nearest words.
// For people only; nothing here reaches the training's state.

export interface Vocabulary {
  readonly words: readonly string[];
  readonly width: number;
  /** [words, width]. */
  readonly embeddings: Float32Array;
  readonly norms: Float64Array;
  /** Norms at 5 %, 50 % and 95 %. */
  readonly normRange: readonly [number, number, number];
}

export function vocabulary(
  words: readonly string[],
  embeddings: Float32Array,
  width: number,
): Vocabulary {
  const count = embeddings.length / width;
  const norms = Float64Array.from({ length: count }, (_, i) => norm(embeddings, i, width));
  const sorted = norms.toSorted();
  const at = (share: number) => sorted[Math.floor(share * (count - 1))];
  return { words, width, embeddings, norms, normRange: [at(0.05), at(0.5), at(0.95)] };
}

const norm = (values: ArrayLike<number>, row: number, width: number): number => {
  let sum = 0;
  for (let i = row * width; i < (row + 1) * width; i++) sum += values[i] * values[i];
  return Math.sqrt(sum);
};

function dot(a: ArrayLike<number>, i: number, b: ArrayLike<number>, j: number, width: number) {
  let sum = 0;
  for (let k = 0; k < width; k++) sum += a[i * width + k] * b[j * width + k];
  return sum;
}

export interface EncoderHealth {
  readonly name: string;
  readonly norms: readonly number[];
  readonly cosines: readonly number[];
  readonly vocabularyNorms: readonly [number, number, number];
  readonly nearest: readonly (readonly (readonly [string, number])[])[];
}

/** `nearestCount` 0 leaves the search through the vocabulary out. */
export function rowHealth(
  name: string,
  rows: Float64Array,
  initial: Float64Array,
  vocabulary: Vocabulary,
  nearestCount: number,
): EncoderHealth {
  const { width } = vocabulary;
  const indices = Array.from({ length: rows.length / width }, (_, i) => i);
  const norms = indices.map((i) => norm(rows, i, width));
  const cosines = indices.map((i) =>
    dot(rows, i, initial, i, width) / Math.max(norms[i] * norm(initial, i, width), 1e-12)
  );
  const nearest = indices.map((i) =>
    nearestCount === 0 ? [] : nearestWords(rows, i, norms[i], vocabulary, nearestCount)
  );
  return { name, norms, cosines, vocabularyNorms: vocabulary.normRange, nearest };
}

function nearestWords(
  rows: Float64Array,
  row: number,
  rowNorm: number,
  { words, width, embeddings, norms }: Vocabulary,
  count: number,
): readonly (readonly [string, number])[] {
  const scored = Array.from(
    norms,
    (wordNorm, j) => dot(rows, row, embeddings, j, width) / Math.max(rowNorm * wordNorm, 1e-12),
  );
  return scored
    .map((score, j) => [words[j] ?? `#${j}`, score] as const)
    .toSorted((a, b) => b[1] - a[1])
    .slice(0, count);
}
