// What accepted options do here that their names do not say: those of the reference that cannot
// apply, and those that mean nothing beside others. Each is said once, when a run is planned.
// The trap: these are remarks, never errors; a reference file must run unchanged.
import { schedules } from "../engine/optimise/rates.ts";
import { valueAt } from "../runtime/options/decode-source.ts";
import { optionRows } from "./option-rows.ts";
import { captionTemplates } from "./caption-templates.ts";
import { triggerOf } from "./trigger.ts";
import { ineffectiveOptions } from "./ineffective-options.ts";
import { insideWord } from "./inside-word.ts";
import type { TrainingConfig } from "./training.ts";

interface Remark {
  readonly when: (config: TrainingConfig) => boolean;
  readonly say: (config: TrainingConfig) => string;
}

const remarks: readonly Remark[] = [
  {
    when: (config) => config.xformers,
    say: () => "xformers: no effect; gnomic has its own attention.",
  },
  {
    when: (config) => config.optimizer.optimizer_type === "AdamW" && config.optimizer.use_8bit,
    say: () => "optimizer.use_8bit: no effect; the moments are a few kilobytes and stay float64.",
  },
  {
    when: (config) => config.mixed_precision !== "no",
    say: (config) =>
      `mixed_precision ${config.mixed_precision}: no effect; rows are float32 and the frozen ` +
      `weights ${config.weight_dtype} in any case.`,
  },
  {
    when: (config) => config.report_to === "wandb" || config.report_to === "comet_ml",
    say: (config) =>
      `report_to ${config.report_to}: nothing is sent anywhere; TensorBoard files, a page and a ` +
      "report are written.",
  },
  {
    when: (config) => config.report_to === "all",
    say: () => "report_to all: TensorBoard files only; nothing is sent to wandb or comet_ml.",
  },
  {
    when: (config) =>
      config.cache_vae_outputs &&
      (config.data_loader.random_flip || !config.data_loader.center_crop),
    say: (config) =>
      "cache_vae_outputs: latents are always cached, also with " +
      (config.data_loader.center_crop
        ? "random_flip: both ways round."
        : `random crops: ${config.data_loader.crops_per_image} of each picture.`),
  },
  {
    when: (config) => config.enable_cpu_offload_during_validation,
    say: () =>
      "enable_cpu_offload_during_validation: no effect; encoders, UNet and VAE take turns in " +
      "memory in any case.",
  },
  {
    when: ({ data_loader: { dataset, dataloader_num_workers } }) =>
      dataloader_num_workers > 0 || ("keep_in_memory" in dataset && dataset.keep_in_memory),
    say: () =>
      "dataloader_num_workers and keep_in_memory: no effect; every picture is read and encoded " +
      "once.",
  },
  {
    when: (config) => config.gradient_checkpointing && config.memory_plan !== "auto",
    say: (config) => `gradient_checkpointing: memory_plan ${config.memory_plan} goes over it.`,
  },
  {
    when: (config) => triggerOf(config.placeholder_token) !== config.placeholder_token,
    say: (config) =>
      `placeholder_token ${config.placeholder_token}: files are named ` +
      `${triggerOf(config.placeholder_token)}, since some clients cannot type the rest.`,
  },
  {
    when: (config) => textsInsideWord(config).length > 0,
    say: (config) =>
      `placeholder_token ${config.placeholder_token}: it is also found inside other words, as in ` +
      `${textsInsideWord(config).slice(0, 3).map((text) => JSON.stringify(text)).join(", ")}. ` +
      "Take a word that is in no other.",
  },
  {
    when: (config) =>
      config.max_train_steps !== null && config.lr_warmup_steps >= config.max_train_steps &&
      schedules[config.lr_scheduler].warmsUp,
    say: (config) =>
      `lr_warmup_steps ${config.lr_warmup_steps}: the warm-up is as long as the training ` +
      `(${config.max_train_steps} steps), so the full rate is never reached.`,
  },
  {
    when: (config) => config.ema_decay !== null && schedules[config.lr_scheduler].knowsItsEnd,
    say: (config) =>
      `ema_decay ${config.ema_decay}: little effect is to be expected; lr_scheduler ` +
      `${config.lr_scheduler} ends near 0, where the rows come to rest by themselves. A mean goes ` +
      "with a constant rate.",
  },
  {
    when: ({ optimizer }) =>
      optimizer.optimizer_type === "Prodigy" &&
      (optimizer.learning_rate < 0.1 || optimizer.learning_rate > 10),
    say: ({ optimizer }) =>
      `optimizer.learning_rate ${optimizer.learning_rate}: Prodigy finds its rate by itself, and ` +
      "this is a factor on it; 1 is meant.",
  },
  {
    when: (config) =>
      config.fixed_loss_dataset !== null && config.fixed_loss_every === null &&
      config.before_after_timesteps.length === 0,
    say: () =>
      "fixed_loss_dataset: no effect; fixed_loss_every is null and before_after_timesteps is " +
      "empty, so nothing is measured.",
  },
  {
    when: (config) =>
      config.validation_prompts.length > 0 &&
      !config.validation_prompts.some((prompt) => prompt.includes(config.placeholder_token)),
    say: (config) =>
      `validation_prompts: none holds ${config.placeholder_token}, so no picture shows what is ` +
      "learned.",
  },
];

/** Templates, filled, and prompts in which the placeholder is a part of a longer word. */
const textsInsideWord = (config: TrainingConfig): readonly string[] => {
  const { data_loader: { caption_preset, caption_templates }, placeholder_token: word } = config;
  const templates = caption_templates ??
    (caption_preset === null ? [] : captionTemplates[caption_preset]);
  const filled = templates.map((template) => template.replaceAll("{}", () => word));
  return [...new Set([...filled, ...config.validation_prompts])]
    .filter((text) => insideWord(text, word));
};

/** One line for each option that was set and does not do what its name says. */
export function configNotes(config: TrainingConfig): readonly string[] {
  const defaults = new Map(
    optionRows().map((row) => [row.key, row.default]),
  );
  const changed = (key: string) =>
    JSON.stringify(valueAt(config, key.split("."))) !== JSON.stringify(defaults.get(key));
  return [
    ...remarks.filter(({ when }) => when(config)).map(({ say }) => say(config)),
    ...ineffectiveOptions
      .filter(({ key, when, except }) => when(config) && !except?.(config) && changed(key))
      .map(({ key, why }) => `${key}: no effect; ${why}.`),
  ];
}
