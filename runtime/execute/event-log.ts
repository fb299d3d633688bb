// `events.jsonl`, one event a line, only ever appended to. What a crash left of a half-written last line is
// cut when the log is opened; times never run backwards, whatever the clock does.
// The trap: "step", "fixed-loss" and "rows" are said once per step: a resumed training repeats the events
// of its last finished step, and those that are in the log already are dropped.
import { Clock, Effect, Result, Schema, Semaphore } from "effect";
import type { Fault } from "../../engine/fault.ts";
import { diskFault, errnoOf } from "../store/disk-fault.ts";
import { RunEvent, type UnstampedEvent } from "../events.ts";
import { Files } from "../store/files.ts";

const decodeLine = Schema.decodeUnknownResult(Schema.fromJsonString(RunEvent));
const encode = Schema.encodeSync(RunEvent);

const oncePerStep = ["step", "fixed-loss", "rows"] as const;
type OncePerStep = typeof oncePerStep[number];
const isOncePerStep = (tag: string): tag is OncePerStep =>
  (oncePerStep as readonly string[]).includes(tag);

export interface ReadEvents {
  readonly events: readonly RunEvent[];
  /** Lines that are no event: half-written, damaged, or of a newer version. */
  readonly broken: number;
}

/** Undefined for a broken line. */
export const parseEvent = (line: string): RunEvent | undefined =>
  Result.getOrUndefined(decodeLine(line));

export function parseEvents(text: string): ReadEvents {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const events = lines.map(parseEvent).filter((event) => event !== undefined);
  return { events, broken: lines.length - events.length };
}

const readText = (file: string) =>
  Effect.flatMap(Files, (files) => files.readFileString(file)).pipe(
    Effect.catchIf((error) => errnoOf(error) === "ENOENT", () => Effect.succeed("")),
    Effect.mapError(diskFault(file, "to read the events")),
  );

/** All events of a run; none if there is no log. */
export const readEvents = (file: string): Effect.Effect<ReadEvents, Fault> =>
  Effect.map(readText(file), parseEvents);

/** The last step of each of these that the text knows, read from its end. */
function lastSteps(lines: readonly string[]): Map<OncePerStep, number> {
  const last = new Map<OncePerStep, number>();
  for (let i = lines.length - 1; i >= 0 && last.size < oncePerStep.length; i--) {
    const tag = oncePerStep.find((each) =>
      !last.has(each) && lines[i].includes(`"event":"${each}"`)
    );
    const event = tag === undefined ? undefined : parseEvent(lines[i]);
    if (event !== undefined && isOncePerStep(event.event)) {
      last.set(event.event, (event as { step: number }).step);
    }
  }
  return last;
}

export interface EventLog {
  /** Stamps and writes; the stamped event, or undefined if it was in the log. Never fails. */
  readonly append: (event: UnstampedEvent) => Effect.Effect<RunEvent | undefined>;
  /** Why the last write failed; what could not be written is tried again with the next event. */
  readonly trouble: Effect.Effect<Fault | undefined>;
}

/** Opens a log for its one writer. The file is made if it is missing. */
export const openEventLog = Effect.fnUntraced(function* (file: string) {
  const files = yield* Files;
  const text = yield* readText(file);
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  const cut = whole.length < text.length;
  const wanted = Effect.mapError(diskFault(file, "to write the events"));
  const handle = yield* wanted(files.open(file, { flag: "a" }));
  let size = new TextEncoder().encode(whole).length;
  if (cut) yield* wanted(files.truncate(file, size));

  const lines = whole.split("\n");
  const last = lastSteps(lines);
  let lastAt = parseEvent(lines.at(-2) ?? "")?.at ?? 0;
  let backlog = "";
  let trouble: Fault | undefined;
  const turn = yield* Semaphore.make(1);

  const write = (line: string, sync: boolean) =>
    Effect.suspend(() => {
      const bytes = new TextEncoder().encode(backlog + line);
      return handle.writeAll(bytes).pipe(
        Effect.andThen(sync ? handle.sync : Effect.void),
        Effect.matchEffect({
          onSuccess: () =>
            Effect.sync(() => {
              size += bytes.length;
              backlog = "";
              trouble = undefined;
            }),
          onFailure: (error) => {
            backlog += line;
            trouble = diskFault(file, "to write the events")(error);
            return Effect.ignore(handle.truncate(size));
          },
        }),
      );
    });

  const append = Effect.fnUntraced(function* (unstamped: UnstampedEvent) {
    const now = yield* Clock.currentTimeMillis;
    lastAt = Math.max(lastAt, unstamped.at ?? now);
    const event = { ...unstamped, at: lastAt } as RunEvent;
    if (isOncePerStep(event.event)) {
      const { step } = event as { step: number };
      if (step <= (last.get(event.event) ?? -1)) return undefined;
      last.set(event.event, step);
    }
    // A finished step's events are on disk before the state of the next one is.
    const encoded = encode(event);
    yield* write(`${JSON.stringify(encoded)}\n`, event.event === "step");
    return encoded as RunEvent;
  }, Effect.uninterruptible);

  return {
    append: (event) => Semaphore.withPermit(turn, append(event)),
    trouble: Effect.sync(() => trouble),
  } satisfies EventLog;
});
