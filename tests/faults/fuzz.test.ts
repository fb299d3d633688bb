// Every reader of what lies in a folder of runs, given damaged files: bits flipped, bytes cut, joined, repeated,
// filled; 5 000 cases with fixed seeds. Each ends with a value or a fault that is not ours, soon, and a state
// that was changed is never taken for the one that was written.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { Effect } from "effect";
import { readHeader, readSafetensors } from "../../lib/safetensors/safetensors.ts";
import type { Fault } from "../../lib/fault.ts";
import { trainingCodec } from "../../inversion/event-kinds.ts";
import { openEventLog, parseEvents, readEvents } from "../../runtime/run-folder/event-log.ts";
import { lockState } from "../../lib/lock.ts";
import { readRun } from "../../runtime/run-folder/manifest.ts";
import { loadState, savedStep, saveState, stateFile } from "../../runtime/run-folder/state.ts";
import { openStore, storeName } from "../../runtime/store/artefact-store.ts";
import { makeRun } from "../../runtime/testing/make-run.ts";
import { testOrigin } from "../../runtime/testing/origin.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { damaged, outcomeOf } from "./damage.ts";

const skip = process.env.GNOMIC_FAULTS === "1" ? false : "only in `deno task test:faults`";
const casesEach = 850;

interface Reader {
  readonly name: string;
  /** Makes what it reads and gives the file that is damaged. */
  readonly prepare: (folder: string) => Promise<string>;
  readonly read: (folder: string) => Promise<unknown>;
  /** What must hold of a value that was read from damaged bytes. */
  readonly judge?: (value: unknown) => void;
}

const rows = new Map([["rows", {
  dtype: "F64" as const,
  shape: [8],
  data: Float64Array.from({ length: 8 }, (_, i) => i / 7),
}]]);
const run = <A>(work: Effect.Effect<A, Fault>) => Effect.runPromise(work);

async function runIn(folder: string): Promise<string> {
  return await makeRun(folder, {
    name: "run",
    step: 7,
    rows: ["a", "b"],
    latents: "latents",
    events: [{ event: "note", text: "h\u00e9llo" }, { event: "warning", text: "x" }],
  });
}

const readers: readonly Reader[] = [
  {
    name: "a state",
    prepare: async (folder) => {
      await run(saveState(folder, testOrigin, rows, { step: "7", notes: '{"best":null}' }));
      return stateFile(folder);
    },
    read: (folder) => run(loadState(folder)),
    judge: () => assert.fail("a changed state was taken for the one that was written"),
  },
  {
    name: "a state's step, and any safetensors file",
    prepare: async (folder) => {
      await run(saveState(folder, testOrigin, rows, { step: "7" }));
      return stateFile(folder);
    },
    read: async (folder) => {
      const step = await run(savedStep(folder));
      assert.ok(step === null || (Number.isSafeInteger(step) && step >= 0));
      return [await readHeader(stateFile(folder)), await readSafetensors(stateFile(folder))];
    },
  },
  {
    name: "a manifest",
    prepare: async (folder) => join(await runIn(folder), "run.json"),
    read: async (folder) => {
      const found = await run(readRun(join(folder, "run")));
      assert.notEqual(found, null, "the run is there");
      return found;
    },
  },
  {
    name: "a log of events",
    prepare: async (folder) => join(await runIn(folder), "events.jsonl"),
    read: async (folder) => {
      const file = join(folder, "run", "events.jsonl");
      await run(Effect.scoped(
        Effect.flatMap(
          openEventLog(file, trainingCodec),
          (log) => Effect.orDie(log.append({ event: "note", text: "after" })),
        ),
      ));
      const { events } = await run(readEvents(file, trainingCodec));
      const last = events.at(-1);
      assert.ok(last?.event === "note" && last.text === "after", "the next event was swallowed");
      return parseEvents(readFileSync(file, "utf8"), trainingCodec);
    },
  },
  {
    name: "a lock",
    prepare: async (folder) => {
      const file = join(folder, "lock.json");
      const holder = { pid: 7, started: "1", boot: "b", host: "h", token: "t", beat: 1 };
      await Promise.resolve(writeFileSync(file, JSON.stringify(holder)));
      return file;
    },
    read: (folder) => run(lockState(folder)),
  },
  {
    name: "an entry of the store",
    prepare: async (folder) => {
      const store = await run(openStore(join(folder, storeName)));
      await run(store.keepMemo("ab".repeat(32), await run(store.put(new Uint8Array([1, 2, 3])))));
      return join(folder, storeName, "memos", "ab", `${"ab".repeat(32)}.json`);
    },
    read: async (folder) => {
      const store = await run(openStore(join(folder, storeName)));
      const found = await run(store.findMemo("ab".repeat(32)));
      // White space around it changes nothing.
      if (found.found === "sound") assert.equal(found.entry.bytes, 3);
      return found;
    },
  },
];

for (const [number, { name, prepare, read, judge }] of readers.entries()) {
  test(
    `${name}: ${casesEach} kinds of damage`,
    { skip },
    () =>
      withTemporaryFolder(async (base) => {
        const folder = join(base, "made");
        mkdirSync(folder);
        const file = await prepare(folder);
        const whole = Uint8Array.from(readFileSync(file));
        for (let seed = 0; seed < casesEach; seed++) {
          writeFileSync(file, damaged(whole, number * 10_000 + seed));
          const outcome = await outcomeOf(() => read(folder));
          if ("fault" in outcome) {
            const { kind, message, cause } = outcome.fault;
            assert.notEqual(kind, "defect", `case ${seed}: ${message} ${(cause as Error)?.stack}`);
          } else judge?.(outcome.value);
        }
        writeFileSync(file, whole);
        assert.ok("value" in await outcomeOf(() => read(folder)), "unharmed it is read");
        assert.ok(process.memoryUsage.rss() < 1 << 30, "under 1 GB");
      }),
  );
}
