import assert from "node:assert/strict";
import { appendFileSync, truncateSync } from "node:fs";
import { test } from "node:test";
import { Effect } from "effect";
import { TrainingRequest } from "../inversion/requests.ts";
import { controlFile, openControl, sendRequest } from "./control.ts";
import { withTemporaryFolder } from "./testing/temporary-folder.ts";

const run = <A, E>(effect: Effect.Effect<A, E>) => Effect.runPromise(effect);

test("requests arrive once, in order, at every reader; stop goes to the runner", () =>
  withTemporaryFolder(async (folder) => {
    let stops = 0;
    await run(sendRequest(folder, { request: "save" })); // to a process that is no more
    const control = await run(openControl(folder, () => void stops++, TrainingRequest));
    assert.deepEqual(await run(control.requests("train")), []);

    await run(sendRequest(folder, { request: "save" }));
    await run(sendRequest(folder, { request: "validate", prompts: ["a gnome; $(rm) <b>\n"] }));
    await run(sendRequest(folder, { request: "stop" }));
    const wanted = [
      { request: "save" },
      { request: "validate", prompts: ["a gnome; $(rm) <b>\n"] },
    ];
    assert.deepEqual(await run(control.requests("train")), wanted);
    assert.deepEqual(await run(control.requests("train")), []);
    assert.deepEqual(await run(control.requests("other")), wanted);
    assert.equal(stops, 1);
  }));

test("a line is taken when it is whole, and what is no request is counted", () =>
  withTemporaryFolder(async (folder) => {
    const control = await run(openControl(folder, () => {}, TrainingRequest));
    const line = JSON.stringify({ id: "1", ask: { request: "choose", step: 4 } });
    appendFileSync(controlFile(folder), line.slice(0, 20));
    assert.deepEqual(await run(control.requests("train")), []);
    appendFileSync(controlFile(folder), `${line.slice(20)}\n{"ask":{"request":"rm"}}\nnonsense\n`);
    assert.deepEqual(await run(control.requests("train")), [{ request: "choose", step: 4 }]);
    assert.equal(control.broken(), 2);
  }));

test("a control file that was cut or replaced is read from its start", () =>
  withTemporaryFolder(async (folder) => {
    await run(sendRequest(folder, { request: "choose", step: 1000 }));
    const control = await run(openControl(folder, () => {}, TrainingRequest));
    truncateSync(controlFile(folder), 0);
    await run(sendRequest(folder, { request: "save" }));
    assert.deepEqual(await run(control.requests("train")), [{ request: "save" }]);
  }));
