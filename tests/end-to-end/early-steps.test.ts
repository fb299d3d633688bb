// A training begins while its pictures are still encoded. A stage between the two shows what is encoded and
// holds the whole back until the first step is on disk. What comes out is what comes out where the whole is
// there at once, also after a death in between.
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { eventsOf, findRun, gnomic, resultsOf, runIn, smallTraining, start } from "./project.ts";

/** `await`: what the whole waits for; `drafts`: whether what is there is shown meanwhile. */
const stageFile = (wait: string, drafts: boolean) => `
import { existsSync, readFileSync } from "node:fs";
export default ({ Effect, Schema, Stream, artefacts, defineStage, drafted }) => defineStage({
  name: "between",
  version: 1,
  summary: "Hands latents on",
  options: Schema.Struct({}),
  reads: { latents: drafted(artefacts.latents) },
  writes: { latents: drafted(artefacts.latents) },
  lifetime: "run",
  run: ({ inputs, writers, tools }) => Effect.scoped(Effect.gen(function* () {
    if (${drafts}) {
      yield* Effect.forkScoped(Stream.runForEach(inputs.latents.drafts, writers.latents));
    }
    const said = () => readFileSync(tools.runDir + "/events.jsonl", "utf8");
    // In the end all the same, so that a training that waits for the whole ends, and is seen.
    for (let i = 0; i < 6000 && !(${wait}); i++) yield* Effect.sleep(20);
    return { latents: yield* inputs.latents.whole };
  })),
});
`;

const pipelineFile = `pipeline: early
config: {}
stages:
  ingest: { use: ingest }
  caption: { use: caption }
  tokenise: { use: tokenise }
  encode-latents: { use: encode-latents }
  between: { use: ./between.mjs, reads: { latents: encode-latents.latents } }
  optimise-embeddings: { use: optimise-embeddings, reads: { latents: between.latents } }
  checkpoint: { use: checkpoint }
`;

function trainingWith(folder: string, stage: string): readonly string[] {
  writeFileSync(join(folder, "between.mjs"), stage);
  writeFileSync(join(folder, "early.yaml"), pipelineFile);
  const { validation_prompts: _, ...training } = smallTraining;
  writeFileSync(
    join(folder, "training.json"),
    JSON.stringify({ ...training, validation_prompts: [] }),
  );
  const files = [join(folder, "early.yaml"), "--config", join(folder, "training.json")];
  return ["pipeline", ...files, "--output", join(folder, "output")];
}

const firstStep = 'said().includes(\'"event":"step"\')';

test("the first step waits for its own pictures alone, and no byte hangs on it, nor on a death", () =>
  withTemporaryFolder(async (folder) => {
    const undisturbed = await gnomic(trainingWith(folder, stageFile("true", false)));
    assert.equal(undisturbed.code, 0, undisturbed.stderr);
    const wanted = resultsOf(runIn(folder));
    assert.ok(Object.keys(wanted).length > 2);

    await withTemporaryFolder(async (early) => {
      const { code, stderr } = await gnomic(trainingWith(early, stageFile(firstStep, true)));
      assert.equal(code, 0, stderr);
      assert.deepEqual(resultsOf(runIn(early)), wanted);
      const said = eventsOf(runIn(early));
      const step = said.findIndex(({ event }) => event === "step");
      const whole = said.findIndex((each) =>
        each.event === "stage-finished" && each.stage === "between"
      );
      assert.ok(step >= 0 && step < whole, `step ${step}, the whole ${whole}`);
    });

    await withTemporaryFolder(async (killed) => {
      const child = start(trainingWith(killed, stageFile("false", true)));
      const stepped = () => {
        const run = findRun(killed);
        return run !== null && existsSync(join(run, "events.jsonl")) &&
          readFileSync(join(run, "events.jsonl"), "utf8").includes('"event":"step"');
      };
      while (!stepped()) await new Promise((resolve) => setTimeout(resolve, 20));
      child.process.kill("SIGKILL");
      await child.ended;
      const { code, stderr } = await gnomic(trainingWith(killed, stageFile("true", false)));
      assert.equal(code, 0, stderr);
      assert.deepEqual(resultsOf(runIn(killed)), wanted);
    });
  }));
