// Which trial is better: the lower loss, at equal loss the lower number, and what is not finite last.
// The trap: values compare only within a group (`rank.per`), so there is one winner a group.
import type { Overrides, Trial } from "./trials.ts";

export interface Scored {
  readonly trial: number;
  /** The group that its values compare in. */
  readonly group: string;
  /** Null: it has none, and is ranked last. */
  readonly loss: number | null;
}

const order = ({ loss }: Scored) => loss === null || !Number.isFinite(loss) ? Infinity : loss;

/** Best first. */
export const ranked = <A extends Scored>(scored: readonly A[]): readonly A[] =>
  scored.toSorted((a, b) =>
    order(a) === order(b) ? a.trial - b.trial : order(a) < order(b) ? -1 : 1
  );

/** The group of a trial, as text: the values of the keys in `per`. */
export const groupOf = (
  { overrides }: { readonly overrides: Overrides } | Trial,
  per: readonly string[],
): string => per.map((key) => JSON.stringify(overrides[key] ?? null)).join(" ");

/** The groups in the order of their first trial, each ranked. */
export function groups<A extends Scored>(
  scored: readonly A[],
): ReadonlyMap<string, readonly A[]> {
  const made = new Map<string, A[]>();
  for (const each of scored.toSorted((a, b) => a.trial - b.trial)) {
    made.set(each.group, [...made.get(each.group) ?? [], each]);
  }
  return new Map([...made].map(([group, all]) => [group, ranked(all)]));
}
