// `runs save` and `runs validate` on a training at work: they make what they were asked for, and change no
// byte of anything else.
// The trap: nothing is saved of itself, or the step at which it is asked for might be saved anyway.
import assert from "node:assert/strict";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { frozenTraining, gnomic, resultsOf, runIn, trainingIn } from "./project.ts";

async function succeed(args: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await gnomic(args);
  assert.equal(code, 0, `${args.join(" ")}\n${stdout}\n${stderr}`);
}

test("saving and validating by hand add a checkpoint and pictures and change nothing else", () =>
  withTemporaryFolder(async (folder) => {
    const [pipeline, name, flag, file] = trainingIn(folder, { save_every_n_steps: 100 });
    const train = (place: string) => {
      const output = join(folder, place, "output");
      return { output, command: [pipeline, name, flag, file, "--output", output] };
    };
    const alone = train("alone");
    await succeed(alone.command);

    const steered = train("steered");
    const child = await frozenTraining(steered.command, join(folder, "steered"));
    const run = ["latest", "--output", steered.output];
    await succeed(["runs", "save", ...run]);
    await succeed(["runs", "validate", ...run, "--prompt", "a photo of a bruce_the_gnome cat"]);
    process.kill(child.process.pid!, "SIGCONT");
    const { code, stderr } = await child.ended;
    assert.equal(code, 0, stderr);

    const plain = resultsOf(runIn(join(folder, "alone")));
    const found = resultsOf(runIn(join(folder, "steered")));
    const added = Object.keys(found).filter((path) => !(path in plain));
    const [checkpoint, picture, ...more] = added;
    assert.match(
      checkpoint,
      /^checkpoints\/checkpoint-epoch_\d{8}-step_0000000[1-6]\.safetensors$/,
    );
    assert.match(
      picture,
      /^validation\/epoch_\d{8}-step_\d{8}-[0-9a-f]{8}\/prompt_0000\/0000\.jpg$/,
    );
    assert.deepEqual(more, []);
    const rest = Object.entries(found).filter(([path]) => !added.includes(path));
    assert.deepEqual(Object.fromEntries(rest), plain);
  }));
