// A training whose model is on a hub, which the test makes itself on 127.0.0.1: the download is cut and
// goes on, is not repeated, and what the hub refuses is told with what to do.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fakeHub } from "../../hub/testing/fake-hub.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { filesBelow, gnomic, resultsOf, root, runIn, trainingIn } from "./project.ts";

const model = join(root, "tests", "golden", "b", "model");
const files = Object.fromEntries(
  filesBelow(model).map((path) => [path, readFileSync(join(model, path))]),
);
const unet = "unet/diffusion_pytorch_model.fp16.safetensors";

test("a model of the hub: a cut download goes on, a second run needs no hub, refusals are told", () =>
  withTemporaryFolder(async (folder) => {
    const server = await fakeHub({
      "org/tiny": { files },
      "org/gated": { files, access: "gated" },
    });
    const train = (place: string, over: object, environment: Record<string, string> = {}) => {
      mkdirSync(join(folder, place));
      const cache = join(folder, "cache");
      const env = { HF_HOME: cache, HF_HUB_CACHE: cache, HF_ENDPOINT: server.endpoint };
      const short = { max_train_steps: 2, fixed_loss_every: null, validation_prompts: [] };
      return gnomic(trainingIn(join(folder, place), { ...short, ...over }), {
        env: { ...env, HF_TOKEN: "", HF_HUB_OFFLINE: "", ...environment },
      });
    };
    try {
      const gated = await train("gated", { model: "org/gated" });
      assert.equal(gated.code, 2);
      assert.match(gated.stderr, /gated, found no token\. Accept its conditions at .*HF_TOKEN/);

      server.injectedFailures.set(unet, [{ cutAfter: 20_000 }]);
      const first = await train("first", { model: "org/tiny" });
      assert.equal(first.code, 0, first.stdout + first.stderr);
      const asked = server.seen.filter(({ server, range }) => server === "cdn" && range);
      assert.ok(asked.some(({ range }) => /^bytes=[1-9]\d*-/.test(range!)), "went on from a byte");
    } finally {
      await server.close();
    }
    const second = await train("second", { model: "org/tiny" }, { HF_HUB_OFFLINE: "1" });
    assert.equal(second.code, 0, second.stdout + second.stderr);
    const results = ["first", "second"].map((place) => resultsOf(runIn(join(folder, place))));
    assert.deepEqual(results[0], results[1]);

    // The UNet alone, as model sites have it; the rest comes from the model that it is made for.
    const alone = await train("alone", { model: join(model, unet), model_config: "org/tiny" }, {
      HF_HUB_OFFLINE: "1",
    });
    assert.equal(alone.code, 0, alone.stdout + alone.stderr);
    const rows = ["first", "alone"].map((place) => {
      const bytes = readFileSync(join(runIn(join(folder, place)), "bruce_the_gnome.safetensors"));
      return bytes.subarray(8 + Number(bytes.readBigUInt64LE(0)));
    });
    assert.deepEqual(rows[0], rows[1]);
  }));
