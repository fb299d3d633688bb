// The fixed-input loss: always the same pictures, captions, noise and timesteps, so that its course
// says how the training goes, which the training loss does not. It chooses the best checkpoint.
// The trap: what is measured counts towards the run's identity, since values measured on other
// pictures do not compare; how often does not. So what is `auto` is settled when the configuration is read.
import { Schema } from "effect";
import { intBetween, intFrom, option } from "../runtime/options/option.ts";
import { Dataset } from "./dataset.ts";

const timestep = intBetween(0, 999);

/** Of fewer pictures none are set aside (`fixed_loss_holdout`). */
export const fewestToHoldOutOf = 8;

/** `fixed_loss_every: auto` is a multiple of so many steps. */
export const autoUnit = 25;

export const fixedLossFields = {
  fixed_loss_every: option(Schema.NullOr(Schema.Union([Schema.Literal("auto"), intFrom(1)])), {
    doc:
      "How often the fixed-input loss is measured; auto takes the smallest multiple of 25 at which " +
      "one measure costs at most a tenth of the steps between two; null never measures.",
    unit: "steps",
    default: "auto",
    keepsRun: true,
  }),
  fixed_loss_dataset: option(Schema.NullOr(Dataset), {
    doc: "Pictures to measure on that are not trained on; null measures on the training pictures.",
    default: null,
  }),
  fixed_loss_word: option(Schema.NullOr(Schema.NonEmptyString), {
    doc:
      "In captions of fixed_loss_dataset without the placeholder, this word is replaced by it; " +
      "null means the initializer_token.",
    default: null,
  }),
  fixed_loss_holdout: option(intFrom(0), {
    doc:
      "So many of the training pictures are set aside and measured on in place of trained on, where " +
      "there are eight or more; 0 sets none aside. The seed chooses them.",
    unit: "pictures",
    default: 0,
    late: true,
  }),
  fixed_loss_layout: option(Schema.Literals(["auto", "in_turn", "all"]), {
    doc:
      "Which items are measured: every picture at every timestep (all), or one item a timestep, the " +
      "pictures in turn. auto: all where pictures are held out and fixed_loss_timesteps is auto.",
    default: "auto",
    late: true,
  }),
  fixed_loss_timesteps: option(
    Schema.Union([
      Schema.Literal("auto"),
      Schema.Array(timestep).check(Schema.isMinLength(1)),
    ]),
    {
      doc:
        "The timesteps that are measured. auto: 200, 500, 800 of every picture where pictures are " +
        "held out; 125, 375, 625, 875 of the training pictures in turn where none are.",
      unit: "timesteps",
      default: "auto",
    },
  ),
  before_after_timesteps: option(Schema.Array(timestep), {
    doc: "A thorough measure once before and once after the training: every picture at each of " +
      "these timesteps. Empty: the small batch has to do.",
    unit: "timesteps",
    default: [],
    keepsRun: true,
  }),
  before_after_noises: option(intFrom(1), {
    doc: "With before_after_timesteps: how many noises for each picture and timestep.",
    default: 2,
    keepsRun: true,
  }),
};

const fields = Schema.Struct({
  fixed_loss_layout: fixedLossFields.fixed_loss_layout,
  fixed_loss_timesteps: fixedLossFields.fixed_loss_timesteps,
});
type Layout = typeof fields.Type;

/** What is measured, nothing of it left open. */
export function fixedLossItems(
  { fixed_loss_layout: layout, fixed_loss_timesteps: timesteps }: Layout,
  heldOut: boolean,
): { readonly layout: "in_turn" | "all"; readonly timesteps: readonly number[] } {
  const all = layout === "all" || (layout === "auto" && timesteps === "auto" && heldOut);
  const usual = all ? [200, 500, 800] : [125, 375, 625, 875];
  return { layout: all ? "all" : "in_turn", timesteps: timesteps === "auto" ? usual : timesteps };
}

/** Whether pictures are measured on that are not trained on. */
export const holdsOut = (
  { fixed_loss_dataset, fixed_loss_holdout }: {
    readonly fixed_loss_dataset: unknown;
    readonly fixed_loss_holdout: number;
  },
): boolean => fixed_loss_dataset !== null || fixed_loss_holdout > 0;

/** The same configuration with its timesteps written out. In turn is what `auto` means beside them. */
export function settledFixedLoss<
  Config extends Layout & Parameters<typeof holdsOut>[0],
>(config: Config): Config {
  const { layout, timesteps } = fixedLossItems(config, holdsOut(config));
  return {
    ...config,
    fixed_loss_layout: layout === "all" ? "all" : "auto",
    fixed_loss_timesteps: timesteps,
  };
}
