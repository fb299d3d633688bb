// What was recognised of a model, in one line for the plan: its layout, what it predicts, and where that
// is written. The trap: an option wins over what a file says of itself, silently in the numbers; not here.
import type { Model } from "../../engine/weights/model.ts";

export function modelNote(
  { notes }: Pick<Model, "notes">,
  options: {
    readonly prediction_type: string | null;
    readonly rescale_betas_zero_snr: boolean | null;
  },
): string {
  const over = (["prediction_type", "rescale_betas_zero_snr"] as const).flatMap((key) =>
    options[key] === null ? [] : [`${key} is ${options[key]} by the options`]
  );
  return `model: ${[...notes, ...over].join("; ")}`;
}
