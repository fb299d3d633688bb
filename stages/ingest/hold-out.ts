// Some of the training pictures set aside (fixed_loss_holdout), for the fixed-input loss to measure on: which
// are, is drawn from the seed.
// The trap: few pictures are better all trained on, so of fewer than eight none is set aside.
import { shuffled } from "../../engine/random/draw.ts";
import { fewestToHoldOutOf as fewest } from "../../config/fixed-loss.ts";
import { fault } from "../../lib/fault.ts";

export class HoldOutFault extends fault("HoldOutFault", "user") {}

/** null where nothing is wrong. */
export const holdOutFault = (holdout: number, pictures: number): HoldOutFault | null =>
  holdout === 0 || holdout < pictures ? null : new HoldOutFault({
    key: "fixed_loss_holdout",
    wanted: "fewer pictures set aside than there are, so that some are left to train on",
    found: `${holdout} of ${pictures}`,
    fix: "Lower it: a fifth of the pictures is plenty.",
  });

/** For people; null where so many are set aside. */
export const holdOutWarning = (holdout: number, pictures: number): string | null =>
  holdout === 0 || pictures >= fewest
    ? null
    : `fixed_loss_holdout ${holdout}: no effect; there are ${pictures} pictures, and only of ` +
      `${fewest} or more some are set aside.`;

/** The ids of those that are set aside. Throws HoldOutFault. */
export function heldOutIds(
  ids: readonly string[],
  { holdout, seed }: { readonly holdout: number; readonly seed: number },
): ReadonlySet<string> {
  const wrong = holdOutFault(holdout, ids.length);
  if (wrong !== null) throw wrong;
  if (holdout === 0 || ids.length < fewest) return new Set();
  const order = shuffled({ seed, purpose: "hold out", step: 0, item: 0 }, ids.length);
  return new Set(order.slice(0, holdout).map((place) => ids[place]));
}
