// Which steps to show where not all can be: the first, the last and named ones always, the others evenly
// between them.

/** At most `most` (2 or more) of the rising `steps`, with those of `always` that are among them. */
export function spreadSteps(
  steps: readonly number[],
  most: number,
  always: readonly (number | undefined)[],
): readonly number[] {
  if (steps.length <= most) return steps;
  const kept = new Set([steps[0], steps[steps.length - 1]]);
  for (const step of always) {
    if (step !== undefined && kept.size < most && steps.includes(step)) kept.add(step);
  }
  for (let share = most - kept.size; share > 0; share--) {
    const even = Array.from(
      { length: share },
      (_, i) => steps[Math.round((i + 1) * (steps.length - 1) / (share + 1))],
    );
    if (new Set([...kept, ...even]).size <= most) {
      for (const step of even) kept.add(step);
      break;
    }
  }
  return [...kept].sort((a, b) => a - b);
}

/** The member of `steps` that is nearest to `wanted`. */
export const nearestStep = (steps: readonly number[], wanted: number): number | undefined =>
  steps.reduce<number | undefined>(
    (best, step) =>
      best === undefined || Math.abs(step - wanted) < Math.abs(best - wanted) ? step : best,
    undefined,
  );
