// What a finished training has come to, in a sentence for people.
import { Effect } from "effect";
import { followers } from "../../inversion/model/pooling.ts";
import type { Fault } from "../../lib/fault.ts";
import { hasSettled, varianceRatio } from "./loss-history.ts";
import type { Training } from "./training.ts";
import { type EncoderPair, rowsOf, type TrainingState } from "./training-state.ts";

/** `thorough` measures rows as `state.before` was measured, on `pictures`; null where nothing is asked for. */
export const summarise = (
  state: TrainingState,
  beforeAfterLoss: (rows: EncoderPair) => Effect.Effect<readonly number[] | null, Fault>,
  { heldOut, poolings }: Pick<Training, "heldOut" | "poolings">,
): Effect.Effect<string, Fault> =>
  Effect.gen(function* () {
    const { best, before, fixedLosses } = state;
    const pictures = heldOut ? "held-out" : "training";
    const parts: string[] = [];
    if (before !== null) {
      const after = yield* beforeAfterLoss(rowsOf(state));
      const each = before.map((loss, i) =>
        `${loss.toFixed(5)} before, ${after?.[i].toFixed(5)} after${
          before.length > 1 ? ` as ${followers[poolings[i]]} pool` : ""
        }`
      );
      parts.push(`Loss on ${pictures} pictures: ${each.join("; ")}.`);
    }
    if (best !== null && fixedLosses.length > 1) {
      parts.push(
        `Fixed-input loss: ${fixedLosses[0].toFixed(5)} before, ` +
          `${fixedLosses.at(-1)!.toFixed(5)} after, ${
            best.loss.toFixed(5)
          } at best (step ${best.step}).`,
        ...(heldOut ? choice(state) : [
          "The best file holds the last rows: pictures that are trained on cannot choose, and none " +
          "are held out (fixed_loss_dataset, fixed_loss_holdout).",
        ]),
      );
      if (best.step === 0 && heldOut) {
        parts.push(
          "No step was better than the beginning: the best file holds what it began with.",
        );
      }
    }
    const ratio = varianceRatio(state);
    if (ratio !== null) {
      const settled = hasSettled(state) ? "it has settled" : "it has not settled yet";
      parts.push(`Variance ratio of its last values: ${ratio.toFixed(3)}; ${settled}.`);
    }
    return parts.join(" ") || `Trained ${state.step} steps.`;
  });

/** How sure it is that the best rows are better than the last. */
function choice({ best, events }: TrainingState): readonly string[] {
  const last = events.findLast((event) => event.event === "fixed-loss");
  if (best === null || last?.event !== "fixed-loss" || last.aboveBest === undefined) return [];
  const { difference, error } = last.aboveBest;
  const sure = difference > 2 * error
    ? "more than chance would explain"
    : "no more than chance, so the last rows may be as good";
  return [`The last is ${difference.toFixed(5)} +-${error.toFixed(5)} above the best: ${sure}.`];
}
