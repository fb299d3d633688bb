// One training for each change that it makes to a file of its folder, killed right before that change and
// started again. Takes a quarter of an hour, so only `deno task test:faults` runs it.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { findNode } from "../../runtime/testing/other-runtime.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { eventsOf, findRun, program, resultsOf, root, trainingIn } from "../end-to-end/project.ts";
import { comeTo } from "./killed-training.ts";

const node = findNode();
const skip = process.env.GNOMIC_FAULTS !== "1"
  ? "only in `deno task test:faults`"
  : node === null
  ? "needs Node 22.19 or later"
  : false;
const preload = new URL("./kill-at-write.ts", import.meta.url).href;
const small = {
  max_train_steps: 3,
  fixed_loss_every: 1,
  save_every_n_steps: 1,
  validate_every_n_steps: 2,
  max_checkpoints: 1,
};

test(
  "killed before any change of a file, it ends as one that was left alone",
  { skip },
  () =>
    withTemporaryFolder((folder) => {
      const place = (name: string) => {
        const made = join(folder, name);
        mkdirSync(made);
        return { made, command: [...trainingIn(made, small), "--json"] };
      };
      const train = (command: readonly string[], env: Record<string, string> = {}) =>
        spawnSync(node!, ["--import", preload, program, ...command], {
          cwd: root,
          encoding: "utf8",
          env: { ...process.env, ...env },
        });

      const calm = place("calm");
      const list = join(folder, "changes");
      const below = (made: string) => ({ GNOMIC_KILL_BELOW: join(made, "output") });
      const first = train(calm.command, { ...below(calm.made), GNOMIC_KILL_LIST: list });
      assert.equal(first.status, 0, first.stdout + first.stderr);
      const wanted = {
        files: resultsOf(findRun(calm.made)!),
        events: comeTo(eventsOf(findRun(calm.made)!)),
      };
      const changes = readFileSync(list, "utf8").trim().split("\n")
        .filter((line) => !line.includes(".gnomic-store") && / #[12]$/.test(line));

      let killed = 0;
      for (const change of new Set(changes)) {
        const { made, command } = place("killed");
        cpSync(join(calm.made, "output", ".gnomic-store"), join(made, "output", ".gnomic-store"), {
          recursive: true,
        });
        if (
          train(command, { ...below(made), GNOMIC_KILL_AT: change }).signal === "SIGKILL"
        ) killed++;
        const { status, stdout, stderr } = train(command);
        assert.equal(status, 0, `${change}\n${stdout}${stderr}`);
        const run = findRun(made)!;
        assert.deepEqual({ files: resultsOf(run), events: comeTo(eventsOf(run)) }, wanted, change);
        assert.equal(train(command).stdout, "", `${change}: there was more to do`);
        rmSync(made, { recursive: true });
      }
      assert.ok(killed > changes.length / 2, `only ${killed} of ${changes.length} kills came`);
    }),
);
