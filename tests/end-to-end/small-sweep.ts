// A sweep of two short trainings on one machine.
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { smallTraining, stepsOf } from "./project.ts";

const quick = {
  ...smallTraining,
  max_train_steps: 6,
  fixed_loss_every: 2,
  save_every_n_steps: 3,
  validation_prompts: [],
};

/** A sweep file beside its configuration; the command that runs it. */
export function sweepIn(folder: string, sweep: object, training: object = {}): readonly string[] {
  const output = join(folder, "output");
  writeFileSync(
    join(folder, "training.yaml"),
    JSON.stringify({ ...quick, base_output_dir: output, ...training }),
  );
  const file = join(folder, "sweep.yaml");
  const whole = { sweep: "rates", pipeline: "sdxl-ti", config: "training.yaml", ...sweep };
  writeFileSync(file, JSON.stringify(whole));
  return ["sweep", "run", file];
}

export const rates = {
  matrix: { "optimizer.learning_rate": [1e-2, 1e-3] },
  rank: { by: "fixed_loss" },
};

/** Waits until a training has done three steps, whichever of the sweep's it is. */
export async function untilTraining(output: string): Promise<void> {
  const runs = () =>
    existsSync(output) ? readdirSync(output).map((name) => join(output, name)) : [];
  while (runs().every((run) => stepsOf(run).length < 3)) await sleep(50);
}
