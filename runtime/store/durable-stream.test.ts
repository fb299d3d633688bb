// What readers get, whoever wrote it and in whichever process: each element once, in order, and the fault
// behind the last. The file is read as it is.
import assert from "node:assert/strict";
import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Effect, Fiber, Schema, Stream } from "effect";
import { stopped } from "../../lib/fault.ts";
import { stream } from "../artefact.ts";
import { withTemporaryFolder } from "../testing/temporary-folder.ts";
import { openDurableStream } from "./durable-stream.ts";

const steps = stream("steps", Schema.Struct({ step: Schema.Int }));
const open = (folder: string) => openDurableStream(folder, "train", "rows", steps);
const fileIn = (folder: string) => join(folder, "streams", "train.rows.jsonl");

test("an element that is said again is one, also after a restart; half a line and no element are none", () =>
  withTemporaryFolder(async (folder) => {
    const told = (said: readonly number[]) =>
      Effect.runPromise(Effect.gen(function* () {
        const { emit, end, elements } = yield* open(folder);
        const early = yield* Effect.forkChild(Stream.runCollect(elements));
        for (const step of said) yield* emit({ step });
        yield* end(undefined);
        const late = yield* Stream.runCollect(elements);
        assert.deepEqual(yield* Fiber.join(early), late, "who came first got the same");
        return late;
      }));
    assert.deepEqual(await told([1, 2, 1]), [{ step: 1 }, { step: 2 }]);
    appendFileSync(fileIn(folder), '{"step":"no number"}\n{"step":3');
    assert.deepEqual(await told([2, 3]), [{ step: 1 }, { step: 2 }, { step: 3 }]);
    assert.deepEqual(readFileSync(fileIn(folder), "utf8").split("\n"), [
      '{"step":1}',
      '{"step":2}',
      '{"step":"no number"}',
      '{"step":3}',
      "",
    ]);
  }));

test("a fault comes behind the last element, and the first end counts", () =>
  withTemporaryFolder(async (folder) => {
    const got: unknown[] = [];
    const failed = await Effect.runPromise(Effect.gen(function* () {
      const { emit, end, elements } = yield* open(folder);
      yield* emit({ step: 1 });
      yield* end(stopped(1));
      yield* end(undefined);
      return yield* Effect.flip(
        Stream.runForEach(elements, (each) => Effect.sync(() => void got.push(each))),
      );
    }));
    assert.equal(failed._tag, "Stopped");
    assert.deepEqual(got, [{ step: 1 }]);
  }));
