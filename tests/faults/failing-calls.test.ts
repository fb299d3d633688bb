// One command for each operation on a file that it does in its folder, refused by the disk there (once, or from
// then on) and given again: it ends with the same bytes. Of the operations of a training, of a toy one and of what
// moves, clears up and averages so many as there is time for, drawn with a fixed seed.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { Effect } from "effect";
import { randomInt } from "../../engine/random/draw.ts";
import { writeSafetensors } from "../../lib/safetensors/safetensors.ts";
import { exportRun } from "../../runtime/runs/export-run.ts";
import { surveyRuns } from "../../runtime/runs/survey.ts";
import { makeRun } from "../../runtime/testing/make-run.ts";
import { findNode } from "../../runtime/testing/other-runtime.ts";
import { treeOf } from "../../runtime/testing/tree.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { eventsOf, findRun, program, resultsOf, root, trainingIn } from "../end-to-end/project.ts";
import { comeTo } from "./killed-training.ts";

const node = findNode();
const skip = process.env.GNOMIC_FAULTS !== "1"
  ? "only in `deno task test:faults`"
  : node === null
  ? "needs Node"
  : false;
const preload = new URL("./fail-at-call.ts", import.meta.url).href;
const toy = fileURLToPath(new URL("../../runtime/testing/toy-training.ts", import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly text: string;
}

const start = (args: readonly string[], env: Record<string, string>): Promise<Ended> =>
  new Promise((resolve) => {
    const child = spawn(node!, ["--import", preload, ...args], {
      cwd: root,
      env: { ...process.env, NO_COLOR: "1", ...env },
      timeout: 120_000,
      killSignal: "SIGKILL",
    });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (more: string) => text += more);
    }
    child.on("close", (code) => resolve({ code, text }));
  });

interface Subject {
  readonly name: string;
  /** What has to be there. A command that wants some is done once: it refuses what it has made. */
  readonly prepare?: (folder: string) => Promise<void>;
  /** The command that works in a folder. */
  readonly command: (folder: string) => readonly string[];
  /** What it came to: its results, and what its log says of it. */
  readonly made: (folder: string) => { readonly results: unknown; readonly said: unknown };
  /** At most so many of its operations, drawn with a fixed seed. */
  readonly most: number;
  /** Failed after its last step: what it says then, as it refuses what it has made. */
  readonly isMade?: { readonly call: string; readonly said: RegExp };
}

const toyResults = (folder: string) => {
  const output = join(folder, "output");
  const run = readdirSync(output).find((name) => name.startsWith("toy-"))!;
  const read = (path: string) => readFileSync(join(output, run, path), "hex");
  const checkpoints = readdirSync(join(output, run, "checkpoints")).toSorted();
  const steps = readFileSync(join(output, run, "events.jsonl"), "utf8").trimEnd().split("\n")
    .map((line) => JSON.parse(line)).flatMap(({ event, step }) => event === "step" ? [step] : []);
  return {
    said: steps,
    results: {
      run,
      files: ["state.safetensors", "streams/train.marks.jsonl"].map(read),
      checkpoints: checkpoints.map((name) => [name, read(`checkpoints/${name}`)]),
    },
  };
};

const output = (folder: string) => join(folder, "output");
const runs = (folder: string, ...args: readonly string[]) => [
  ...[program, "runs", ...args],
  ...["--output", output(folder)],
];
const twoRuns = async (folder: string) => {
  for (const name of ["a", "b"]) {
    await makeRun(output(folder), { name, step: 3, rows: [name, "shared"], latents: name });
  }
};
/** Below the folder of runs, without what every look leaves. */
const tree = (folder: string, below: string) => {
  const at = join(output(folder), below);
  const files = existsSync(at) ? Object.entries(treeOf(at)) : [];
  return {
    results: files.filter(([path]) => !/lock\.json|digests\.json|^tmp\//.test(path)),
    said: null,
  };
};

const subjects: readonly Subject[] = [
  {
    name: "runs export",
    prepare: twoRuns,
    command: (folder) => runs(folder, "export", "a", join(output(folder), "a.tar")),
    made: (folder) => {
      const archive = join(output(folder), "a.tar");
      const bytes = existsSync(archive) ? readFileSync(archive, "hex") : null;
      return { results: bytes, said: null };
    },
    most: 14,
    // Of the folder that it lies in, once the archive has its name.
    isMade: { call: "sync  #1", said: /a\.tar: .*It is whole/ },
  },
  {
    name: "runs import",
    prepare: async (folder) => {
      const elsewhere = join(folder, "elsewhere");
      await twoRuns(elsewhere);
      mkdirSync(output(folder));
      const [run] = (await Effect.runPromise(surveyRuns(output(elsewhere))))
        .filter(({ name }) => name === "a");
      await Effect.runPromise(exportRun(run, join(output(folder), "a.tar")));
    },
    command: (folder) => runs(folder, "import", join(output(folder), "a.tar")),
    made: (folder) => tree(folder, "a"),
    most: 14,
  },
  {
    name: "runs prune",
    prepare: async (folder) => {
      await twoRuns(folder);
      rmSync(join(output(folder), "b"), { recursive: true });
    },
    command: (folder) => runs(folder, "prune", "--yes"),
    made: (folder) => tree(folder, ""),
    most: 14,
  },
  {
    name: "embedding average",
    prepare: async (folder) => {
      mkdirSync(output(folder));
      for (const [i, value] of [1, 2].entries()) {
        const rows = (width: number) => ({
          ...{ dtype: "F32" as const, shape: [1, width] },
          data: new Float32Array(width).fill(value),
        });
        const tensors = new Map([["clip_l", rows(768)], ["clip_g", rows(1280)]]);
        await writeSafetensors(join(output(folder), `${i}.safetensors`), tensors);
      }
    },
    command: (folder) => [
      ...[program, "embedding", "average"],
      ...[0, 1].map((i) => join(output(folder), `${i}.safetensors`)),
      ...["--out", join(output(folder), "mean.safetensors")],
    ],
    made: (folder) => tree(folder, ""),
    most: 8,
  },
  {
    name: "a toy training",
    command: (folder) => [toy, folder, "6", "0"],
    made: toyResults,
    most: 60,
  },
  {
    name: "a training",
    command: (folder) => [
      program,
      ...trainingIn(folder, {
        max_train_steps: 2,
        save_every_n_steps: 1,
        validate_every_n_steps: 2,
      }),
      "--json",
    ],
    made: (folder) => ({
      results: resultsOf(findRun(folder)!),
      said: comeTo(eventsOf(findRun(folder)!)),
    }),
    most: 12,
  },
];

/** What may be said by what the world did; 70 would be a defect, null a hang. */
const honest = new Set<number | null>([0, 2, 3]);

for (const { name, prepare, command, made, most, isMade } of subjects) {
  test(`${name}: whatever operation the disk refuses, the same command ends with the same bytes`, {
    skip,
  }, () =>
    withTemporaryFolder(async (folder) => {
      const place = async (label: string) => {
        const at = join(folder, label);
        mkdirSync(at);
        await prepare?.(at);
        return at;
      };
      const below = (at: string) => ({ GNOMIC_FAIL_BELOW: join(at, "output") });
      const calm = await place("calm");
      const list = join(folder, "calls");
      const first = await start(command(calm), { ...below(calm), GNOMIC_FAIL_LIST: list });
      assert.equal(first.code, 0, first.text);
      const wanted = made(calm);
      const calls = [...new Set(readFileSync(list, "utf8").trim().split("\n"))]
        .filter((label) => Number(label.split(" #")[1]) <= 3);
      const drawn = calls.length <= most ? calls : calls
        .map((call, item) => ({
          call,
          at: randomInt({ seed: 3, purpose: "calls", step: 0, item }, 1e6),
        }))
        .toSorted((a, b) => a.at - b.at).slice(0, most).map(({ call }) => call);
      if (isMade !== undefined) {
        assert.ok(calls.includes(isMade.call), `no ${isMade.call} in\n${calls.join("\n")}`);
        if (!drawn.includes(isMade.call)) drawn.push(isMade.call);
      }

      let refused = 0;
      const one = async (call: string, i: number) => {
        const at = await place(`${i}`);
        const how = {
          GNOMIC_FAIL_AT: call,
          GNOMIC_FAIL_CODE: i % 3 === 0 ? "ENOSPC" : "EIO",
          ...(i % 2 === 0 ? {} : { GNOMIC_FAIL_STICKY: "1" }),
        };
        const failed = await start(command(at), { ...below(at), ...how });
        assert.ok(honest.has(failed.code), `${call}: ${failed.code}\n${failed.text}`);
        if (failed.code !== 0) refused++;
        const isDone = prepare !== undefined && isDeepStrictEqual(made(at), wanted);
        const again = isDone ? failed : await start(command(at), {});
        if (isDone && isMade?.call === call) assert.match(failed.text, isMade.said);
        if (!isDone) assert.equal(again.code, 0, `${call}\n${failed.text}\n${again.text}`);
        const { results, said } = made(at);
        const why = `${call} (${JSON.stringify(how)})\n${failed.text}`;
        assert.deepEqual(results, wanted.results, why);
        // What a log could not take until the end is lost, and that was said.
        if (!/wanted to write the events/.test(failed.text)) {
          assert.deepEqual(said, wanted.said, why);
        }
        rmSync(at, { recursive: true });
      };
      // Two at once, for two cores.
      const queue = [...drawn.entries()];
      const worker = async () => {
        for (let next; (next = queue.shift()) !== undefined;) await one(next[1], next[0]);
      };
      await Promise.all([worker(), worker()]);
      assert.ok(refused > drawn.length / 4, `only ${refused} of ${drawn.length} were felt`);
    }));
}
