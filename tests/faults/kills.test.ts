// Twenty kills in one training. Takes minutes, so only `deno task test:faults` runs it.
import process from "node:process";
import { test } from "node:test";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { deleteStore, moments, survivesKills } from "./killed-training.ts";

const skip = process.env.GNOMIC_FAULTS === "1" ? false : "only in `deno task test:faults`";

test("twenty kills change no byte", { skip }, () =>
  withTemporaryFolder((folder) =>
    survivesKills({
      folder,
      steps: 50,
      over: { validate_every_n_steps: 8 },
      kills: moments(20, 2),
    })
  ));

test(
  "twelve kills, and the store deleted after each, change no byte",
  { skip },
  () =>
    withTemporaryFolder((folder) =>
      survivesKills({
        folder,
        steps: 30,
        over: { validate_every_n_steps: 8, max_checkpoints: 2 },
        kills: moments(12, 5),
        afterKill: deleteStore,
      })
    ),
);
