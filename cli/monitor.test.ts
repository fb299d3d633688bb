// The command as main.ts runs it: reports on demand, the page until it is interrupted, and what it says
// to a folder or a port that cannot be.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Effect, Fiber, Result } from "effect";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
import { defaultRun } from "../tests/synthetic-events.ts";
import { writeSyntheticRun } from "../tests/synthetic-run.ts";
import { monitorCommand } from "./monitor.ts";

const run = (args: readonly string[], options: Record<string, unknown>, lines: string[] = []) =>
  Effect.result(monitorCommand.run(args, options, { print: (line) => void lines.push(line) }));

test("--report writes the report and the contact sheet of each run", () =>
  withTemporaryFolder(async (folder) => {
    const small = { ...defaultRun, steps: 2, totalSteps: 2, pictureSize: 16 };
    await writeSyntheticRun(join(folder, "a"), small);
    await writeSyntheticRun(join(folder, "b"), small);
    const lines: string[] = [];
    const result = await Effect.runPromise(run([folder], { report: true }, lines));
    assert.ok(Result.isSuccess(result));
    assert.equal(lines.length, 4);
    for (const file of lines) assert.ok(existsSync(file), file);
  }));

test("the page is there until the command is interrupted", () =>
  withTemporaryFolder(async (folder) => {
    const lines: string[] = [];
    const fiber = Effect.runFork(run([folder], { port: "0" }, lines));
    while (lines.length < 2) await new Promise((wait) => setTimeout(wait, 10));
    const address = lines[0].replace("Open ", "");
    assert.equal((await fetch(address, { redirect: "manual" })).status, 303);
    await Effect.runPromise(Fiber.interrupt(fiber));
    await assert.rejects(fetch(address));
  }));

test("a folder that is not there, a folder without runs and a wrong port are said", () =>
  withTemporaryFolder(async (folder) => {
    const refusals = [
      { args: [join(folder, "none")], options: {}, said: /wanted a run or a folder of runs/ },
      { args: [folder], options: { report: true }, said: /wanted at least one run, found none/ },
      { args: [folder], options: { port: "http" }, said: /--port: wanted a number/ },
      { args: [folder], options: { port: "70000" }, said: /--port: wanted a number/ },
    ];
    for (const { args, options, said } of refusals) {
      const result = await Effect.runPromise(run(args, options));
      assert.ok(Result.isFailure(result));
      assert.match(result.failure.message, said);
      assert.equal(result.failure.kind, "user");
    }
  }));
