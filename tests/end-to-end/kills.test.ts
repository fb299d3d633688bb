// kill -9 in a step, in a save and in a validation: what comes out is what comes out undisturbed.
// Twenty kills: `deno task test:faults`.
import { test } from "node:test";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { moments, survivesKills } from "../faults/killed-training.ts";

test("three kills change no byte", () =>
  withTemporaryFolder((folder) => survivesKills({ folder, steps: 9, kills: moments(3, 1) })));
