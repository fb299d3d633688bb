// What no single option can see: options that exclude, need or contradict one another.
// The trap: a rule is asked only when the keys it names are well formed, so that one slip is not
// reported twice.
import { learningRates, RateFault } from "../engine/optimise/rates.ts";
import { alternatives } from "./alternatives.ts";
import type { Finding } from "../runtime/options/config-fault.ts";
import { dotted } from "../lib/mapping.ts";
import { datasetKinds } from "./dataset.ts";
import { triggerOf } from "./trigger.ts";
import type { TrainingConfig } from "./training.ts";

export interface Contradiction extends Pick<Finding, "wanted" | "found" | "fix"> {
  /** The keys that contradict; the first one present gives the line. */
  readonly keys: readonly string[];
}

interface Rule {
  readonly keys: readonly string[];
  readonly check: (config: TrainingConfig) => Omit<Contradiction, "keys"> | undefined;
}

const exactlyOne: readonly Rule[] = alternatives.map(({ within, keys, what }) => ({
  keys: keys.map((key) => dotted(within, key)),
  check: (config) => {
    const holder = (within === "" ? config : config.data_loader) as Record<string, unknown>;
    const set = keys.filter((key) => holder[key] !== null);
    if (set.length === 1) return undefined;
    return {
      wanted: `exactly one of ${keys.join(", ")}`,
      found: set.length === 0 ? "none of them" : set.join(" and "),
      fix: set.length === 0
        ? `Set one: it says ${what}.${
          keys.includes("validate_every_n_steps")
            ? " validation_prompts: [] is the way to want no pictures."
            : ""
        }`
        : "Remove all but one, or set it to null.",
    };
  },
}));

/** Bucket sides that do not fit together, as the reference asserts. */
const buckets: Rule = {
  keys: ["data_loader.aspect_ratio_buckets"],
  check: ({ data_loader: { aspect_ratio_buckets: it } }) => {
    if (it === null) return undefined;
    const uneven = (["target_resolution", "start_dim", "end_dim"] as const)
      .filter((key) => it[key] % it.divisible_by !== 0)
      .map((key) => `${key} ${it[key]}`);
    if (uneven.length > 0) {
      return {
        wanted: `multiples of divisible_by (${it.divisible_by})`,
        found: uneven.join(", "),
        fix: "Change them, or divisible_by.",
      };
    }
    if (it.start_dim > it.end_dim) {
      return {
        wanted: "start_dim not above end_dim",
        found: `${it.start_dim} and ${it.end_dim}`,
        fix: "Swap them.",
      };
    }
    if (it.target_resolution ** 2 / it.end_dim < it.divisible_by) {
      return {
        wanted: `an end_dim that leaves the other side at least ${it.divisible_by}`,
        found: `${it.end_dim} for target_resolution ${it.target_resolution}`,
        fix: "Choose a smaller end_dim.",
      };
    }
  },
};

/** With what is put behind it, a file name of 255 bytes. */
const mostLetters = 160;

const placeholder: Rule = {
  keys: ["placeholder_token"],
  check: ({ placeholder_token: word }) => {
    // deno-lint-ignore no-control-regex
    const odd = /[\s\u0000-\u001f\u007f]/u.test(word);
    if (word.length > mostLetters) {
      return {
        wanted: `a placeholder of at most ${mostLetters} letters, as files are named by it`,
        found: `${word.length}`,
        fix: "Shorten it.",
      };
    }
    if (!odd && triggerOf(word) !== "") return undefined;
    return {
      wanted: "a placeholder that can be typed: one word with letters, digits or underscores",
      found: JSON.stringify(word),
      fix: odd
        ? `Join it with underscores, for example ${triggerOf(word) || "my_thing"}.`
        : "Add some ASCII letters or digits; clients name the embedding by them.",
    };
  },
};

/** Rates that have no course; of a length in epochs the training finds out. */
const rates = ["lr_warmup_steps", "optimizer.learning_rate"].map((key): Rule => ({
  keys: [key, "lr_scheduler", "lr_decay_fraction", "max_train_steps"],
  check: (config) => {
    const { lr_scheduler, lr_warmup_steps, optimizer, max_train_steps } = config;
    try {
      learningRates({
        schedule: lr_scheduler,
        learningRate: optimizer.learning_rate,
        warmupSteps: lr_warmup_steps,
        trainingSteps: max_train_steps ?? Infinity,
        decayFraction: config.lr_decay_fraction,
      });
    } catch (error) {
      if (error instanceof RateFault && error.key === key) return error;
    }
  },
}));

const others: readonly Rule[] = [
  buckets,
  placeholder,
  ...rates,
  {
    keys: ["negative_validation_prompts", "validation_prompts"],
    check: ({ negative_validation_prompts: negative, validation_prompts: prompts }) =>
      negative === null || negative.length === prompts.length ? undefined : {
        wanted: `as many negative prompts as validation_prompts (${prompts.length})`,
        found: `${negative.length}`,
        fix: 'Give one for each prompt ("" for none), or null.',
      },
  },
  {
    keys: ["use_masks", "data_loader.dataset"],
    check: ({ use_masks, data_loader: { dataset } }) =>
      !use_masks || datasetKinds[dataset.type].masks ? undefined : {
        wanted: "a dataset with masks, as use_masks is true",
        found: dataset.type,
        fix: "Use IMAGE_CAPTION_JSONL_DATASET with a mask in each line, or use_masks: false.",
      },
  },
  {
    keys: ["data_loader.keep_original_captions", "data_loader.dataset"],
    check: ({ data_loader: { keep_original_captions, dataset } }) =>
      !keep_original_captions || datasetKinds[dataset.type].captions ? undefined : {
        wanted: "a dataset with captions, as keep_original_captions is true",
        found: `${dataset.type}, which has none`,
        fix: "Use IMAGE_CAPTION_DIR_DATASET (.txt files), or keep_original_captions: false.",
      },
  },
  {
    keys: ["fixed_loss_holdout", "fixed_loss_dataset"],
    check: ({ fixed_loss_holdout, fixed_loss_dataset }) =>
      fixed_loss_holdout === 0 || fixed_loss_dataset === null ? undefined : {
        wanted: "held-out pictures of one kind",
        found: `a fixed_loss_dataset and fixed_loss_holdout ${fixed_loss_holdout}`,
        fix: "Leave fixed_loss_dataset out to measure on some of the training pictures, or set " +
          "fixed_loss_holdout to 0.",
      },
  },
  {
    keys: ["early_stop", "fixed_loss_every"],
    check: ({ early_stop, fixed_loss_every }) =>
      !early_stop || fixed_loss_every !== null ? undefined : {
        wanted: "a fixed-input loss, which early_stop goes by",
        found: "fixed_loss_every: null",
        fix: "Set fixed_loss_every (auto is the default), or early_stop: false.",
      },
  },
];

/** Contradictions among options that are well formed by themselves. */
export const contradictions = (
  config: TrainingConfig,
  faulty: (key: string) => boolean,
): readonly Contradiction[] =>
  [...exactlyOne, ...others].flatMap(({ keys, check }) => {
    const found = keys.some(faulty) ? undefined : check(config);
    if (found === undefined) return [];
    const { wanted, found: instead, fix } = found;
    return [{ wanted, found: instead, fix, keys }];
  });
