// `events.jsonl`, one event a line, only ever appended to. What a crash left of a half-written last line is
// cut when the log is opened; times never run backwards, whatever the clock does.
// The trap: what a run has come to is said once (`onceBy`). A kill may fall between a record and its
// event, so a resumed stage says again what it has on record, and what is in the log already is dropped.
import { Clock, Effect, Semaphore } from "effect";
import { diskFault, errnoOf } from "../../lib/disk-fault.ts";
import type { Fault } from "../../lib/fault.ts";
import { Files } from "../../lib/files.ts";
import type { AnyEvent, EventCodec, UnstampedEvent } from "../events.ts";
import { openLineFile } from "../../lib/line-file.ts";

const stepOf = (event: AnyEvent) => (event as { readonly step: number }).step;

export interface ReadEvents {
  readonly events: readonly AnyEvent[];
  /** Lines that are no event: half-written, damaged, or of a newer version. */
  readonly broken: number;
}

export function parseEvents(text: string, codec: EventCodec): ReadEvents {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const events = lines.map(codec.parse).filter((event) => event !== undefined);
  return { events, broken: lines.length - events.length };
}

const readText = (file: string) =>
  Effect.flatMap(Files, (files) => files.readFileString(file)).pipe(
    Effect.catchIf((error) => errnoOf(error) === "ENOENT", () => Effect.succeed("")),
    Effect.mapError(diskFault(file, "to read the events")),
  );

/** All events of a run; none if there is no log. */
export const readEvents = (file: string, codec: EventCodec): Effect.Effect<ReadEvents, Fault> =>
  Effect.map(readText(file), (text) => parseEvents(text, codec));

const tagOf = (line: string) => /^\{"event":"([a-z-]+)"/.exec(line)?.[1] ?? "";

/** The last step that was said of each subject. From the end, as most lines are of steps long past. */
function lastSteps(lines: readonly string[], codec: EventCodec): Map<string, number> {
  const last = new Map<string, number>();
  for (const line of lines.toReversed()) {
    const tag = tagOf(line);
    if (!codec.isOnce(tag) || last.has(`${tag} `)) continue;
    const event = codec.parse(line);
    const subject = event && codec.onceBy(event);
    if (subject !== undefined && !last.has(subject)) last.set(subject, stepOf(event!));
  }
  return last;
}

/** When the last event was, as far as it can be read. */
function lastTime(lines: readonly string[], codec: EventCodec): number {
  for (const line of lines.toReversed()) {
    const event = codec.parse(line);
    if (event !== undefined) return event.at;
  }
  return 0;
}

export interface EventLog {
  /**
   * Stamps and writes; the stamped event, or undefined if it was in the log. Fails with what is wrong with
   * an event that is not as it was registered; a write that fails is no failure (`trouble`).
   */
  readonly append: (event: UnstampedEvent) => Effect.Effect<AnyEvent | undefined, string>;
  /** Why the last write failed; what could not be written is tried again with the next event. */
  readonly trouble: Effect.Effect<Fault | undefined>;
}

/** Opens a log for its one writer. The file is made if it is missing. */
export const openEventLog = Effect.fn("openEventLog")(function* (file: string, codec: EventCodec) {
  const { lines, append: appendLines } = yield* openLineFile(file, "to write the events");
  yield* appendLines("", false);
  const last = lastSteps(lines, codec);
  let lastAt = lastTime(lines, codec);
  let backlog = "";
  let trouble: Fault | undefined;
  const turn = yield* Semaphore.make(1);

  const write = (line: string, sync: boolean) =>
    Effect.suspend(() => appendLines(backlog + line, sync)).pipe(
      Effect.match({
        onSuccess: () => {
          backlog = "";
          trouble = undefined;
        },
        onFailure: (fault) => {
          backlog += line;
          trouble = fault;
        },
      }),
    );

  const append = Effect.fnUntraced(function* (unstamped: UnstampedEvent) {
    const now = yield* Clock.currentTimeMillis;
    const at = Math.max(lastAt, unstamped.at ?? now);
    const event = { ...unstamped, at } as AnyEvent;
    const encoded = yield* Effect.fromResult(codec.encode(event));
    lastAt = at;
    const subject = codec.onceBy(event);
    if (subject !== undefined) {
      if (stepOf(event) <= (last.get(subject) ?? -1)) return undefined;
      last.set(subject, stepOf(event));
    }
    // What a step came to is on disk before the state of the next one is.
    yield* write(`${JSON.stringify(encoded)}\n`, codec.isDurable(event.event));
    return encoded;
  }, Effect.uninterruptible);

  return {
    append: (event) => Semaphore.withPermit(turn, append(event)),
    trouble: Effect.sync(() => trouble),
  } satisfies EventLog;
});
