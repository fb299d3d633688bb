// What is left open is settled for the run: a new one takes today's meaning of `auto`, a run of before keeps
// its own, under the same name.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Effect } from "effect";
import { least, own } from "../config/testing/read.ts";
import { readTrainingConfiguration } from "./configuration.ts";

const reading = (more = "") => Effect.runPromise(readTrainingConfiguration(own(least + more)));

test("pooling auto: mixed in a new run, auto in one whose manifest says so, and the identity is one", async () => {
  const open = await reading();
  assert.equal(open.settle!(new Map(), null).values.pooling, "mixed");
  assert.equal(open.settle!(new Map(), { pooling: "auto" }).values.pooling, "auto");
  assert.equal(open.settle!(new Map(), { pooling: "mixed" }).values.pooling, "mixed");
  assert.equal((open.identity as { pooling: string }).pooling, "auto", "as before");
  const said = await reading("pooling: argmax\n");
  assert.equal(said.settle!(new Map(), { pooling: "auto" }).values.pooling, "argmax");
});
