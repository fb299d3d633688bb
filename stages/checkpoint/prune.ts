// Which checkpoints go when there are more than `max_checkpoints`: the oldest, but never the best one
// and never one whose validation has not been dealt with.
export interface Kept {
  readonly path: string;
  readonly step: number;
  /** Its pictures are due and neither made nor failed yet. */
  readonly awaitsValidation: boolean;
}

export function toPrune(
  kept: readonly Kept[],
  maximum: number | null,
  bestStep: number | null,
): readonly Kept[] {
  if (maximum === null) return [];
  const surplus = kept.length - maximum;
  const oldestFirst = kept.toSorted((a, b) => a.step - b.step);
  return oldestFirst
    .slice(0, Math.max(0, surplus))
    .filter(({ step, awaitsValidation }) => step !== bestStep && !awaitsValidation);
}
