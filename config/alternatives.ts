// Options of which exactly one is set. The reference checks these when training begins; here they are
// checked when the configuration is read.
// The trap: a layer that sets one of them unsets the others of the layers below it, or else
// `--set max_train_epochs=3` could not go over a file's max_train_steps.

import type { OverlayRules } from "../runtime/options/overlay.ts";
import { schemaNode } from "../runtime/options/schema-node.ts";
import { lengthKeys } from "./length.ts";
import { TrainingConfig } from "./training.ts";

/** Mappings whose `type` (or `optimizer_type`) decides what else is in them. */
const kinds: readonly string[] = ["optimizer", "data_loader.dataset", "fixed_loss_dataset"];

export interface Alternatives {
  /** The mapping that holds them; empty for the top. */
  readonly within: string;
  readonly keys: readonly string[];
  /** What they say, for messages. */
  readonly what: string;
}

export const alternatives: readonly Alternatives[] = [
  {
    within: "",
    keys: ["initializer_token", "initial_embedding_file", "initial_phrase"],
    what: "what the vectors begin as",
  },
  { within: "", keys: lengthKeys, what: "how long to train" },
  { within: "", keys: ["save_every_n_steps", "save_every_n_epochs"], what: "how often to save" },
  {
    within: "",
    keys: ["validate_every_n_steps", "validate_every_n_epochs"],
    what: "how often to validate",
  },
  {
    within: "data_loader",
    keys: ["caption_preset", "caption_templates"],
    what: "which caption templates to use",
  },
];

/** How layers of a training's configuration go over each other. */
export const overlayRules: OverlayRules = {
  kinds,
  root: () => schemaNode(TrainingConfig),
  alternatives,
};
