// How a running training is steered from outside: one file in its run folder to which `runs stop`,
// `runs save`, `runs validate` and the page append a line, and which the training polls each step.
// The trap: a request is for the process that runs now; what was asked of an earlier one is skipped.
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { Effect, Result, Schema, Semaphore } from "effect";
import { diskFault } from "../lib/disk-fault.ts";
import type { Fault } from "../lib/fault.ts";
import { Files } from "../lib/files.ts";

/** What an app lets its runs be asked for; "stop" is the runner's own. */
export interface OwnRequest {
  /** What for. */
  readonly request: string;
  /** The rest of it, as the app's schema has it. */
  readonly [field: string]: unknown;
}

const Line = Schema.fromJsonString(
  Schema.Struct({
    id: Schema.String,
    ask: Schema.StructWithRest(Schema.Struct({ request: Schema.String }), [
      Schema.Record(Schema.String, Schema.Json),
    ]),
  }),
);
const decodeLine = Schema.decodeUnknownResult(Line);

export const controlFile = (runDir: string): string => join(runDir, "control.jsonl");

/** Asks the training in a run folder for something; it answers within a step. */
export const sendRequest = (
  runDir: string,
  request: OwnRequest,
): Effect.Effect<void, Fault> =>
  Effect.gen(function* () {
    const files = yield* Files;
    const file = controlFile(runDir);
    const line = yield* Schema.encodeEffect(Line)({
      id: randomUUID(),
      ask: request as typeof Line.Type["ask"],
    }).pipe(
      Effect.orDie,
    );
    yield* Effect.scoped(Effect.flatMap(
      files.open(file, { flag: "a" }),
      (handle) => handle.writeAll(new TextEncoder().encode(`${line}\n`)),
    )).pipe(Effect.mapError(diskFault(file, "to ask the training for something")));
  });

export interface Control {
  /** What has been asked since the last call of this reader. */
  readonly requests: (reader: string) => Effect.Effect<readonly OwnRequest[]>;
  /** Lines that were no request. */
  readonly broken: () => number;
}

/**
 * Listens from now on. `onStop` is called for a request to stop, which no reader sees; others have to be
 * what `requests` knows.
 */
export const openControl = Effect.fn("openControl")(function* (
  runDir: string,
  onStop: () => void,
  requests: Schema.Codec<OwnRequest, any> | null,
) {
  const known = requests === null ? () => false : Schema.is(requests);
  const files = yield* Files;
  const file = controlFile(runDir);
  const sizeNow = files.stat(file).pipe(
    Effect.map(({ size }) => Number(size)),
    Effect.orElseSucceed(() => 0),
  );
  let offset = yield* sizeNow;
  let half = "";
  let broken = 0;
  const received: OwnRequest[] = [];
  const readers = new Map<string, number>();
  const turn = yield* Semaphore.make(1);

  const take = (line: string) => {
    const decoded = decodeLine(line);
    if (Result.isFailure(decoded)) broken++;
    else if (decoded.success.ask.request === "stop") onStop();
    else if (known(decoded.success.ask)) received.push(decoded.success.ask);
    else broken++;
  };

  const poll = Effect.gen(function* () {
    const size = yield* sizeNow;
    if (size < offset) [offset, half] = [0, ""];
    if (size === offset) return;
    const bytes = yield* Effect.scoped(Effect.gen(function* () {
      const handle = yield* files.open(file);
      const buffer = new Uint8Array(size - offset);
      const length = yield* handle.read(buffer, { position: BigInt(offset) });
      return buffer.subarray(0, length);
    }));
    offset += bytes.length;
    const lines = (half + new TextDecoder().decode(bytes)).split("\n");
    half = lines.pop()!;
    lines.filter((line) => line.trim() !== "").forEach(take);
  }).pipe(Effect.ignore, Semaphore.withPermit(turn));

  const freshFor = (reader: string) =>
    Effect.map(poll, () => {
      const fresh = received.slice(readers.get(reader) ?? 0);
      readers.set(reader, received.length);
      return fresh;
    });
  return { requests: freshFor, broken: () => broken } satisfies Control;
});
