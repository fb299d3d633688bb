// The nearest of some words to a mistyped one, for "did you mean".
// The trap: a far-fetched guess is worse than none, so about a third of the letters may differ.
import { editDistance } from "./edit-distance.ts";

export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const normal = (text: string) => text.toLowerCase().replaceAll("-", "_").slice(0, 80);
  const ranked = candidates
    .map((candidate) => ({ candidate, far: editDistance(normal(word), normal(candidate)) }))
    .filter(({ candidate, far }) => far <= Math.max(1, Math.floor(candidate.length / 3)))
    .sort((a, b) => a.far - b.far);
  return ranked[0]?.candidate;
}
