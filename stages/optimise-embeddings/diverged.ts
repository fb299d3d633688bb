// A training whose numbers are no numbers any more, in a gradient or in what is measured.
// The trap: it is the user's to change something. The same command computes the same step to the same end, so it is
// neither tried again nor advised.
import { fault } from "../../lib/fault.ts";

export class Diverged extends fault("Diverged", "user") {}

/** `wanted` says what was to be finite. */
export const diverged = (wanted: string): Diverged =>
  new Diverged({
    wanted,
    found: "values that are not numbers: the training diverged",
    fix:
      "The state before this step is kept. Try a lower learning rate, `weight_dtype: float32`, " +
      "or another provider; `probe` tells whether this device computes right.",
  });
