// Each option that cannot apply is accepted and said once; a plain configuration says nothing.
import assert from "node:assert/strict";
import { test } from "node:test";
import { least, own, read } from "./testing/read.ts";

const jsonl = "data_loader.dataset={type: IMAGE_CAPTION_JSONL_DATASET, jsonl_path: j}";

const said: readonly [set: readonly string[], words: RegExp][] = [
  [["xformers=true"], /^xformers/],
  [["optimizer.use_8bit=true"], /^optimizer\.use_8bit/],
  [["mixed_precision=fp16"], /^mixed_precision fp16/],
  [["report_to=wandb"], /^report_to wandb: nothing is sent/],
  [["report_to=comet_ml"], /^report_to comet_ml/],
  [["report_to=all"], /^report_to all/],
  [["cache_vae_outputs=true", "data_loader.random_flip=true"], /random_flip/],
  [["cache_vae_outputs=true", "data_loader.center_crop=false"], /8 of each picture/],
  [["enable_cpu_offload_during_validation=true"], /no effect/],
  [["data_loader.dataloader_num_workers=4"], /no effect/],
  [["gradient_checkpointing=true", "memory_plan=C"], /memory_plan C/],
  [["placeholder_token=<my-cat>"], /named my_cat/],
  [["lr_scheduler=cosine", "lr_warmup_steps=100"], /full rate is never reached/],
  [["lr_warmup_steps=10"], /^lr_warmup_steps: no effect/],
  [["validation_prompts=[a beach]"], /none holds bruce/],
  [["initial_phrase=a gnome", "num_vectors=3"], /^num_vectors: no effect/],
  [["mask_downscale=area"], /^mask_downscale: no effect; use_masks is false/],
  [["data_loader.crops_per_image=2"], /center_crop/],
  [["before_after_noises=3"], /^before_after_noises: no effect/],
  [["early_stop=true", "max_train_steps=200"], /^early_stop: no effect; .* 200 steps/],
  [["early_stop=true", "max_train_steps=800", "fixed_loss_every=100"], /^early_stop: no effect/],
  [["lr_decay_fraction=0.5"], /^lr_decay_fraction: no effect/],
  [["lr_scheduler=cosine", "ema_decay=0.95"], /^ema_decay 0\.95: little effect .* cosine/],
  [["device=1", "provider=cpu"], /^device: no effect; provider cpu/],
  [
    ["prompt_following=true", "validation_prompts=[]"],
    /^prompt_following: no effect; .* last pictures/,
  ],
  [
    ["prompt_following=true", "validation_prompts=[bruce]", "initializer_token=auto"],
    /^prompt_following: no effect; .* set fixed_loss_word/,
  ],
  [["initializer_rest=mean"], /^initializer_rest: no effect/],
  [["optimizer={optimizer_type: Prodigy, learning_rate: 0.01}"], /0\.01: Prodigy finds/],
  [[
    "validation_prompts=[bruce]",
    "negative_validation_prompts=[x]",
    "validation_guidance=1",
  ], /^negative_validation_prompts: no effect/],
  [
    ["fixed_loss_dataset={dataset_dir: d}", "fixed_loss_every=null"],
    /^fixed_loss_dataset: no effect/,
  ],
];

for (const [set, words] of said) {
  test(`${set.join(" ")} is said once`, async () => {
    const { notes } = await read({ ...own(least), set });
    assert.equal(notes.filter((note) => words.test(note)).length, 1, notes.join("\n"));
    assert.equal(notes.length, 1);
  });
}

test("a plain configuration says nothing", async () => {
  assert.deepEqual((await read(own(least))).notes, []);
  for (
    const set of [
      [jsonl, "use_masks=true"],
      ["early_stop=true", "max_train_steps=201"],
      ["ema_decay=0.95"],
      ["initializer_rest=mean", "num_vectors=2"],
      ["prompt_following=true", "validation_prompts=[bruce]", "fixed_loss_word=cat"],
      ["lr_scheduler=warmup_stable_decay", "lr_decay_fraction=0.5", "lr_warmup_steps=5"],
    ]
  ) {
    assert.deepEqual((await read({ ...own(least), set })).notes, []);
  }
});
