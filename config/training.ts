// The one resolved configuration of a training: every option of the reference's
// SDXL_TEXTUAL_INVERSION by its name, type and default, and gnomic's own, composed from one file a
// concern. The trap: decoding is idempotent, so a stage may decode its slice of the resolved value
// again; keep it so (defaults, no transformations).
import { Schema } from "effect";
import { intFrom, option, required, tag } from "../runtime/options/option.ts";
import { DataLoader } from "./data.ts";
import { deviceFields } from "./device.ts";
import { embeddingFields } from "./embedding.ts";
import { fixedLossFields } from "./fixed-loss.ts";
import { lengthFields } from "./length.ts";
import { modelFields } from "./model.ts";
import { objectiveFields } from "./objective.ts";
import { optimizerFields } from "./optimizer.ts";
import { outputFields } from "./outputs.ts";
import { validationFields } from "./validation.ts";

export const TrainingConfig = Schema.Struct({
  type: tag(
    "SDXL_TEXTUAL_INVERSION",
    "The kind of training; there is only one: no LoRA, no finetuning, no other models.",
  ),
  seed: option(Schema.NullOr(intFrom(0)), {
    doc:
      "All randomness comes from it: the same seed, the same bytes. null draws one and notes it.",
    default: null,
  }),
  ...embeddingFields,
  data_loader: required(DataLoader, { doc: "Pictures and captions, and how they are prepared." }),
  ...modelFields,
  ...lengthFields,
  ...optimizerFields,
  ...objectiveFields,
  ...fixedLossFields,
  ...outputFields,
  ...validationFields,
  ...deviceFields,
});
export type TrainingConfig = typeof TrainingConfig.Type;
