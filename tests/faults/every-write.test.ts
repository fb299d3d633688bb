// One training for each kind of change that it makes to a file of its folder, killed right before that
// change and started again. Takes minutes, so only `deno task test:faults` runs it.
// The trap: what is skipped must leave a folder that a kept moment leaves too. Of changes that are alike
// but for a step, an epoch, a picture or a digest, the first and the last are kept, as those between find
// the same files there, only of other steps. Of files written beside and renamed, the later writes are
// skipped: before the rename there is the same and a temporary file besides. `unlink` is inside `rm`.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { Effect } from "effect";
import { storeName } from "../../runtime/store/artefact-store.ts";
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

/** How many trainings at once; each has one thread. */
const atOnce = 2;

/** What kind of change a line of the list is: of which file, and not of which step or picture. */
const kindOf = (change: string) =>
  change.replace(/ #\d+$/, "").replace(/blobs\/[0-9a-f]{2}/, "blobs/*").replace(
    /\d{4}(\d{4})?/g,
    "*",
  );

/** The first and the last of each kind, without those that another moment stands for. */
function momentsIn(changes: readonly string[]): readonly string[] {
  const kept = [...Map.groupBy(changes, kindOf)].flatMap(([kind, all]) =>
    kind.startsWith("unlink ")
      ? []
      : /^write .*\.tmp/.test(kind)
      ? [all[0]]
      : [all[0], all[all.length - 1]]
  );
  return [...new Set(kept)];
}

test("every kind of change is a moment, and the last of it; steps and pictures are none", () => {
  const of = (what: string, ...steps: string[]) => steps.map((step) => `${what}${step}`);
  assert.deepEqual(
    momentsIn([
      ...of("write /r/state.tmp  #", "1", "2", "3"),
      ...of("rename /r/state.tmp  #", "1", "2", "3"),
      ...of("rename /r/epoch_00000000-step_0000000", "1.tmp  #1", "2.tmp  #1", "3.tmp  #1"),
      "write /r/events.jsonl step #1",
      "write /r/events.jsonl rows #1",
      "rm /r/old  #1",
      "unlink /r/old  #1",
    ]),
    [
      "write /r/state.tmp  #1",
      ...of("rename /r/state.tmp  #", "1", "3"),
      ...of("rename /r/epoch_00000000-step_0000000", "1.tmp  #1", "3.tmp  #1"),
      "write /r/events.jsonl step #1",
      "write /r/events.jsonl rows #1",
      "rm /r/old  #1",
    ],
  );
});

test(
  "killed before any change of a file, it ends as one that was left alone",
  { skip },
  () =>
    withTemporaryFolder(async (folder) => {
      const place = (name: string) => {
        const made = join(folder, name);
        mkdirSync(made);
        return { made, command: [...trainingIn(made, small), "--json"] };
      };
      const train = async (command: readonly string[], env: Record<string, string> = {}) => {
        const child = spawn(node!, ["--import", preload, program, ...command], {
          cwd: root,
          env: { ...process.env, ...env },
          stdio: ["ignore", "pipe", "pipe"],
        });
        const said = Promise.all([text(child.stdout), text(child.stderr)]);
        const [status, signal] = await once(child, "close");
        const [stdout, stderr] = await said;
        return { status, signal, stdout, stderr };
      };
      const below = (made: string) => ({ GNOMIC_KILL_BELOW: join(made, "output") });
      const cameTo = (made: string) => {
        const run = findRun(made)!;
        return { files: resultsOf(run), events: comeTo(eventsOf(run)) };
      };

      const calm = place("calm");
      const first = await train(calm.command);
      assert.equal(first.status, 0, first.stdout + first.stderr);
      const wanted = cameTo(calm.made);
      /** With the store, in which the pictures' latents are. */
      const prepared = (name: string) => {
        const { made, command } = place(name);
        const [from, to] = [calm.made, made].map((at) => join(at, "output", storeName));
        cpSync(from, to, { recursive: true });
        return { made, command };
      };

      const listed = prepared("listed");
      const list = join(folder, "changes");
      await train(listed.command, { ...below(listed.made), GNOMIC_KILL_LIST: list });
      assert.deepEqual(cameTo(listed.made), wanted);
      const changes = readFileSync(list, "utf8").trim().split("\n");
      const moments = momentsIn(changes.filter((line) => !line.includes(storeName)));

      let killed = 0;
      const killAt = async (change: string, i: number) => {
        const { made, command } = prepared(`killed-${i}`);
        const { signal } = await train(command, { ...below(made), GNOMIC_KILL_AT: change });
        if (signal === "SIGKILL") killed++;
        const { status, stdout, stderr } = await train(command);
        assert.equal(status, 0, `${change}\n${stdout}${stderr}`);
        assert.deepEqual(cameTo(made), wanted, change);
        assert.equal((await train(command)).stdout, "", `${change}: there was more to do`);
        rmSync(made, { recursive: true });
      };
      await Effect.runPromise(
        Effect.forEach(moments, (change, i) => Effect.promise(() => killAt(change, i)), {
          concurrency: atOnce,
        }),
      );
      assert.ok(killed > 0.8 * moments.length, `only ${killed} of ${moments.length} kills came`);
    }),
);
