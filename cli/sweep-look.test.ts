// `sweep show` of a sweep that ended elsewhere: it copies the winner where it may write, also over that of an
// earlier round, and where it may only read it still shows the table.
import assert from "node:assert/strict";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { Effect } from "effect";
import { sweepsOf } from "../fleet/boards.ts";
import { fleetAt } from "../fleet/connection.ts";
import { withTables } from "../fleet/open-tables.ts";
import type { SegmentOutcome } from "../fleet/segment-outcome.ts";
import type { StoredSweep } from "../fleet/tables.ts";
import { planOf } from "../fleet/testing/toy-sweeps.ts";
import { readHeader, writeSafetensors } from "../lib/safetensors/safetensors.ts";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
import { runsFolder, sweepLooks } from "./sweep-look.ts";

const steps = 900;

/** A done trial with its loss, in the tables and as a folder. */
const train = async (base: string, trial: number, loss: number) => {
  const outcome: SegmentOutcome = {
    outcome: "done",
    ...{ step: steps, loss, best: { step: steps, loss }, seconds: 1, machine: "m" },
    files: ["t.safetensors"],
  };
  const fleet = await Effect.runPromise(fleetAt(base));
  await Effect.runPromise(withTables(fleet, (tables) =>
    Effect.gen(function* () {
      yield* tables.submit(planOf(2, { base }));
      yield* tables.record({ sweep: "s", round: 0, trial, until: null }, outcome);
      yield* tables.end("s", "done");
    })));
  const run = join(base, `run-${trial}`);
  mkdirSync(run, { recursive: true });
  for (const name of ["t.safetensors", "state.safetensors"]) {
    await writeSafetensors(join(run, name), new Map(), { step: String(steps) });
  }
};

const shown = async (base: string) => {
  const lines: string[] = [];
  const print = (line: string) => void lines.push(line);
  await Effect.runPromise(sweepLooks.show("s", { output: base }, { print }));
  return lines;
};

const winnerIn = async (file: string) =>
  JSON.parse((await readHeader(file)).metadata["gnomic.trial"]).number;

test("the winner is copied once, and again when another wins", () =>
  withTemporaryFolder(async (base) => {
    const best = join(base, "s", "best.safetensors");
    await train(base, 1, 0.5);
    assert.equal((await shown(base)).at(-1), `  ${best}`);
    assert.equal(await winnerIn(best), 1);
    assert.notEqual((await shown(base)).at(-1), `  ${best}`);
    await train(base, 2, 0.25);
    assert.equal((await shown(base)).at(-1), `  ${best}`);
    assert.equal(await winnerIn(best), 2);
    await train(base, 1, 0.125);
    rmSync(join(base, "run-1"), { recursive: true });
    assert.match(
      (await shown(base)).at(-1)!,
      /The winner is not in .*: sweep run \/s\.yaml --blobs/,
    );
    assert.equal(await winnerIn(best), 2);
  }));

test("who cannot write the winner sees the table and why", () =>
  withTemporaryFolder(async (base) => {
    await train(base, 1, 0.5);
    writeFileSync(join(base, "s"), "where the sweep's folder would be");
    const lines = await shown(base);
    assert.ok(lines.some((line) => /0\.5/.test(line)), lines.join("\n"));
    assert.match(lines.at(-1)!, /^ {2}The winner is not copied: /);
  }));

test("winners go to the folder of runs that the sweep has, from wherever it is asked for", () => {
  const sweep: StoredSweep = {
    name: "s",
    plan: planOf(1),
    state: "done",
    ...{ round: 0, more: 0, startedAt: 0 },
  };
  const fleet = { base: "/moved", shown: "", database: null! };
  assert.equal(runsFolder({ ...fleet, shared: true }, sweep), "/b");
  assert.equal(runsFolder({ ...fleet, shared: false }, sweep), "/moved");
});

test("a folder that nobody can look into is no folder without sweeps", {
  skip: process.platform === "win32" ? "links need rights there" : false,
}, () =>
  withTemporaryFolder(async (base) => {
    const round = join(base, "round");
    symlinkSync("round", round);
    const fault = await Effect.runPromise(Effect.flip(Effect.flatMap(fleetAt(round), sweepsOf)));
    assert.match(fault.message, /round.*: wanted to /);
  }));
