// The nearest of some words to a mistyped one, for "did you mean".
// The trap: a far-fetched guess is worse than none, so about a third of the letters may differ.

/** At most three, the nearest first; of those as near in the order of the candidates. */
export function nearestFew(word: string, candidates: Iterable<string>): readonly string[] {
  const normal = (text: string) => text.toLowerCase().replaceAll("-", "_").slice(0, 80);
  return [...candidates]
    .map((candidate) => ({ candidate, far: editDistance(normal(word), normal(candidate)) }))
    .filter(({ candidate, far }) => far <= Math.max(1, Math.floor(candidate.length / 3)))
    .sort((a, b) => a.far - b.far)
    .slice(0, 3)
    .map(({ candidate }) => candidate);
}

export const nearest = (word: string, candidates: Iterable<string>): string | undefined =>
  nearestFew(word, candidates)[0];

/**
 * How far apart two words are: the number of letters to insert, delete, replace or swap with their neighbour
 * (Damerau & Levenshtein, optimal string alignment).
 */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      row[j] = Math.min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        row[j] = Math.min(row[j], before[j - 2] + 1);
      }
    }
    [before, above] = [above, row];
  }
  return above[b.length];
}
