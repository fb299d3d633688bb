// What the digest in a training's state costs: the state that a sample run wrote is sealed again and again,
// against the steps of that run.
//   deno task bench --digest
// The trap: a step is timed from the end of one to the end of the next, its own sealing and writing in it.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sealed, stateFile } from "../../runtime/run-folder/state.ts";
import { scriptCommand } from "../../runtime/platform/runtime.ts";
import { median, runMeasured } from "./measured-process.ts";

const program = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
const most = 0.01;

/** A sample run, shorter and without pictures; its folder. */
async function sampleRun(output: string, steps: number): Promise<string> {
  const set = [
    `base_output_dir=${output}`,
    `max_train_steps=${steps}`,
    "fixed_loss_every=10",
    "before_after_timesteps=[]",
    "validation_prompts=[]",
  ].flatMap((each) => ["--set", each]);
  await runMeasured(...scriptCommand(program, "pipeline", "sdxl-ti", ...set));
  return join(output, readdirSync(output).find((name) => name.startsWith("bruce"))!);
}

/** Seconds of the usual step: the first ones, and those after a fixed-input loss, do not count. */
function stepSeconds(runDir: string): number {
  const lines = readFileSync(join(runDir, "events.jsonl"), "utf8").trim().split("\n");
  const ends = lines.map((line) => JSON.parse(line)).filter(({ event }) => event === "step");
  return median(ends.slice(1).map(({ at }, i) => (at - ends[i].at) / 1000).slice(2));
}

/** Seconds to find the digest's place, take the digest and put it in. */
function sealSeconds(bytes: Uint8Array, times: number): number {
  const seconds = Array.from({ length: times }, () => {
    const started = performance.now();
    sealed(bytes);
    return (performance.now() - started) / 1000;
  });
  return median(seconds);
}

/** Trains, seals and prints; half a minute on two cores. */
export async function benchStateDigest(
  print: (line: string) => void,
  { steps = 24, times = 500 } = {},
): Promise<void> {
  const base = mkdtempSync(join(tmpdir(), "gnomic-digest-"));
  try {
    const run = await sampleRun(base, steps);
    const bytes = new Uint8Array(readFileSync(stateFile(run)));
    const [seal, step] = [sealSeconds(bytes, times), stepSeconds(run)];
    const ratio = seal / step;
    print(
      `the state's digest (${Math.round(bytes.length / 1024)} KiB): ` +
        `${(seal * 1000).toFixed(3)} ms, a sample step ${(step * 1000).toFixed(0)} ms`,
    );
    print(
      `  ratio ${(100 * ratio).toFixed(3)} % (at most ${100 * most} %: ` +
        `${ratio <= most ? "ok" : "ABOVE"})`,
    );
  } finally {
    rmSync(base, { recursive: true });
  }
}
