// When the first step is done, of a training by itself and of the first of a sweep of six: what the sweep's own
// start takes. Both take turns.
// The trap: wall time, so it says something on an idle machine alone.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Child } from "../../runtime/testing/child.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { eventsOf, findRun, start, trainingIn } from "../end-to-end/project.ts";
import { median } from "./measured-process.ts";

const training = { max_train_steps: 60, validation_prompts: [] };
const rates = [1e-2, 1e-3, 1e-4];

/** The arguments of `pipeline`, or of `sweep run` on the same configuration. */
function commandIn(folder: string, isSweep: boolean): readonly string[] {
  const own = trainingIn(folder, { ...training, base_output_dir: join(folder, "output") });
  if (!isSweep) return own;
  const file = join(folder, "sweep.yaml");
  const matrix = { "optimizer.learning_rate": rates, seed: [1, 2] };
  const sweep = { sweep: "rates", pipeline: "sdxl-ti", config: "training.yaml", matrix };
  writeFileSync(file, JSON.stringify({ ...sweep, rank: { by: "fixed_loss" } }));
  return ["sweep", "run", file];
}

const secondsOf = (isSweep: boolean) =>
  withTemporaryFolder(async (folder) => {
    const began = performance.now();
    const child: Child = start(commandIn(folder, isSweep));
    const hasStep = (run: string | null) =>
      run !== null && eventsOf(run).some(({ event }) => event === "step");
    while (!hasStep(findRun(folder))) {
      if (child.process.exitCode !== null) throw new Error((await child.ended).stderr);
      await sleep(20);
    }
    const seconds = (performance.now() - began) / 1000;
    child.process.kill("SIGKILL"); // a sweep's training ends with it
    await child.ended;
    await sleep(1000);
    return seconds;
  });

/** Seconds, in the median. */
export async function firstSteps(rounds = 3) {
  const [alone, sweep]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    alone.push(await secondsOf(false));
    sweep.push(await secondsOf(true));
  }
  return { alone: median(alone), sweep: median(sweep) };
}
