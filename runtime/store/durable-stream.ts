// A stream between stages that survives a crash: each element is a line in the run folder, synced before
// its writer goes on. Readers get all of them, from the first, however often they start.
// The trap: an element equal to one in the log is the same element, said again after a resume; it is not
// delivered twice. So elements carry what tells them apart (a step).
import { join } from "node:path";
import { Deferred, Effect, Result, Schema, Semaphore, Stream } from "effect";
import { canonicalJson } from "../../lib/canonical-json.ts";
import type { Fault } from "../../lib/fault.ts";
import { textIn } from "../../lib/look.ts";
import type { AnyArtefactType } from "../artefact.ts";
import { openLineFile } from "../../lib/line-file.ts";

export interface DurableStream {
  readonly emit: (element: unknown) => Effect.Effect<void, Fault>;
  /** No more will come. With a fault, readers fail with it after the last element. */
  readonly end: (fault?: Fault) => Effect.Effect<void>;
  readonly elements: Stream.Stream<unknown, Fault>;
}

const fileOf = (runDir: string, stage: string, port: string) =>
  join(runDir, "streams", `${stage}.${port}.jsonl`);

/** Whether what a stage said so far refers to something, e.g. the digest of a blob. */
export const streamMentions = (
  runDir: string,
  stage: string,
  port: string,
  text: string,
): Effect.Effect<boolean> =>
  Effect.map(textIn(fileOf(runDir, stage, port)), (lines) => lines?.includes(text) ?? false);

export const openDurableStream = Effect.fn("openDurableStream")(function* (
  runDir: string,
  stage: string,
  port: string,
  type: AnyArtefactType,
) {
  const { lines: whole, append } = yield* openLineFile(
    fileOf(runDir, stage, port),
    `to write ${type.name}`,
  );
  const encode = Schema.encodeUnknownSync(type.schema);
  const decode = Schema.decodeUnknownSync(type.schema);
  const decodeLine = Schema.decodeUnknownResult(Schema.fromJsonString(type.schema));

  // A line that was damaged is not an element; its writer says it again or it is lost.
  const isElement = (line: string) => Result.isSuccess(decodeLine(line));
  const lines = whole.filter(isElement);
  const known = new Set(lines);
  let ended: { readonly fault?: Fault } | undefined;
  let news = Deferred.makeUnsafe<void>();
  const turn = yield* Semaphore.make(1);

  const tell = Effect.sync(() => {
    const told = news;
    news = Deferred.makeUnsafe();
    Deferred.doneUnsafe(told, Effect.void);
  });

  const emit = (element: unknown) =>
    Effect.gen(function* () {
      const line = canonicalJson(encode(element));
      if (known.has(line)) return;
      yield* append(`${line}\n`, true);
      known.add(line);
      lines.push(line);
      yield* tell;
    }).pipe(Semaphore.withPermit(turn), Effect.uninterruptible);

  const next = (
    index: number,
  ): Effect.Effect<readonly [unknown, number] | undefined, Fault> =>
    Effect.suspend(() => {
      if (index < lines.length) {
        return Effect.succeed([decode(JSON.parse(lines[index])), index + 1] as const);
      }
      if (ended === undefined) {
        return Effect.flatMap(Deferred.await(news), () => next(index));
      }
      return ended.fault === undefined ? Effect.succeed(undefined) : Effect.fail(ended.fault);
    });

  return {
    emit,
    end: (fault) =>
      Effect.suspend(() => {
        ended ??= fault === undefined ? {} : { fault };
        return tell;
      }),
    elements: Stream.unfold(0, next),
  } satisfies DurableStream;
});
