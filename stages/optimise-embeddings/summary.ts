// What a finished training has come to, in a sentence for people.
import { Effect } from "effect";
import type { Fault } from "../../lib/fault.ts";
import { hasSettled, varianceRatio } from "./fixed-loss.ts";
import { type EncoderPair, rowsOf, type TrainingState } from "./training-state.ts";

/** `thorough` measures rows as `state.before` was measured, on `pictures`; null where nothing is asked for. */
export const summarise = (
  state: TrainingState,
  beforeAfterLoss: (rows: EncoderPair) => Effect.Effect<number | null, Fault>,
  pictures: "held-out" | "training",
): Effect.Effect<string, Fault> =>
  Effect.gen(function* () {
    const { best, before, fixedLosses } = state;
    const parts: string[] = [];
    if (before !== null) {
      const after = yield* beforeAfterLoss(rowsOf(state));
      parts.push(
        `Loss on ${pictures} pictures: ${before.toFixed(5)} before, ${after?.toFixed(5)} after.`,
      );
    }
    if (best !== null && fixedLosses.length > 1) {
      parts.push(
        `Fixed-input loss: ${fixedLosses[0].toFixed(5)} before, ` +
          `${fixedLosses.at(-1)!.toFixed(5)} after, ${
            best.loss.toFixed(5)
          } at best (step ${best.step}).`,
      );
      if (best.step === 0) {
        parts.push(
          "No step was better than the beginning: the best file holds what it began with.",
        );
      }
    }
    const ratio = varianceRatio(fixedLosses);
    if (ratio !== null) {
      const settled = hasSettled(fixedLosses) ? "it has settled" : "it has not settled yet";
      parts.push(`Variance ratio of its last values: ${ratio.toFixed(3)}; ${settled}.`);
    }
    return parts.join(" ") || `Trained ${state.step} steps.`;
  });
