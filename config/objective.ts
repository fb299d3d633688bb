// What is minimised: the prediction's kind, the weight of each timestep, and masks.
// The trap: where the reference's formula is wrong the default is the right one; its own is the
// other value.
import { Schema } from "effect";
import { option, positive } from "../runtime/options/option.ts";

export const objectiveFields = {
  prediction_type: option(Schema.NullOr(Schema.Literals(["epsilon", "v_prediction"])), {
    doc: "What the UNet predicts; null goes by the model's markers and scheduler.",
    default: null,
  }),
  rescale_betas_zero_snr: option(Schema.NullOr(Schema.Boolean), {
    doc:
      "Noise schedule with zero terminal signal; null goes by the model's markers and scheduler.",
    default: null,
  }),
  min_snr_gamma: option(Schema.NullOr(positive), {
    doc: "Bounds the weight of timesteps with little noise (Min-SNR, arXiv 2303.09556); 5 is " +
      "usual, null weighs all alike.",
    default: 5,
  }),
  v_min_snr: option(Schema.Literals(["corrected", "reference"]), {
    doc: "Min-SNR's weight for v-prediction: min(snr, g)/(snr + 1). " +
      "`reference` takes the reference's min(snr, g)/snr + 1.",
    default: "corrected",
  }),
  use_masks: option(Schema.Boolean, {
    doc: "Weigh the loss by each picture's mask: white counts, black does not.",
    default: false,
  }),
  mask_normalise: option(Schema.Boolean, {
    doc: "Divide the masked loss by the mask's mean, so that a small object counts as much as a " +
      "large one. The reference does not: false does as it.",
    default: true,
  }),
  mask_downscale: option(Schema.Literals(["nearest", "area"]), {
    doc:
      "How masks come down to the size of latents: the nearest pixel, as the reference, or the " +
      "mean of the area.",
    default: "nearest",
  }),
};
