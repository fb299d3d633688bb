// What anyone sees of a run: one JSON line for each event in `events.jsonl`. The runner's own events are
// closed and stand here; an app and its stages register theirs, each with a schema.
// The trap: what a run has come to is said after it is on disk, and on resume what is on disk fills a gap.
// A reader may rely on each such event being there exactly once; for that it has `onceBy`. What a run is at
// (stages, progress) is said again by each attempt.
import { Result, Schema } from "effect";
import { fault } from "../lib/fault.ts";

const { Array: List, Boolean: Flag, Finite, Int, optionalKey, String: Text } = Schema;

/** @internal */
type EventSchema<Tag extends string, F extends Schema.Struct.Fields> = Schema.Struct<
  { readonly event: Schema.tag<Tag>; readonly at: Schema.Finite } & F
>;

/** The schema of an event: its tag, `at` in milliseconds since 1970, and its fields. */
export const eventSchema = <const Tag extends string, const F extends Schema.Struct.Fields>(
  tag: Tag,
  fields: F,
): EventSchema<Tag, F> => Schema.Struct({ event: Schema.tag(tag), at: Finite, ...fields });

/**
 * What the runner says of every pipeline; `step` counts finished steps, from 0.
 * @internal
 */
export const RunnerEvent = Schema.Union([
  eventSchema("run-started", {
    run: Text,
    trigger: Text,
    attempt: Int,
    step: Int,
    totalSteps: Int,
    device: Text,
    versions: Schema.Record(Text, Text),
  }),
  eventSchema("plan", {
    stages: List(Schema.Struct({ stage: Text, cached: Flag, why: Text })),
  }),
  eventSchema("stage-started", { stage: Text }),
  eventSchema("stage-progress", { stage: Text, done: Finite, total: Finite, unit: Text }),
  eventSchema("stage-retried", { stage: Text, attempt: Int, error: Text, delaySeconds: Finite }),
  eventSchema("stage-finished", { stage: Text, cached: Flag, seconds: Finite }),
  /** `goesOn`: the other stages do; else the run fails with it. */
  eventSchema("stage-failed", { stage: Text, error: Text, goesOn: optionalKey(Flag) }),
  eventSchema("note", { text: Text }),
  eventSchema("warning", { text: Text }),
  eventSchema("run-finished", { step: Int, seconds: Finite, files: List(Text), early: Flag }),
  eventSchema("run-stopped", { step: Int, reason: Text }),
  eventSchema("run-paused", { step: Int }),
  eventSchema("run-failed", { step: Int, error: Text }),
]);
/** What the runner says of every pipeline (docs/file-formats.md lists it). */
export type RunnerEvent = typeof RunnerEvent.Type;

/** An event of an app or of a stage, of which the runner knows no more than that it is one. */
export interface OwnEvent {
  /** Its tag. */
  readonly event: string;
  /** In milliseconds since 1970. */
  readonly at: number;
  /** What it is registered with. */
  readonly [field: string]: unknown;
}

/** A line of a run's `events.jsonl`. */
export type AnyEvent = RunnerEvent | OwnEvent;

/**
 * Each of a union without its time.
 * @internal
 */
export type Unstamped<E> = E extends unknown ? Omit<E, "at"> & { readonly at?: number } : never;
/** An event as it is emitted; the log stamps it. */
export type UnstampedEvent =
  | Unstamped<RunnerEvent>
  | { readonly event: string; readonly at?: number; readonly [field: string]: unknown };

/** @internal */
type AnyCodec = Schema.Codec<any, any>;

/** A kind of event that an app or a stage registers. */
export interface EventKind {
  /** Of the whole event, as `eventSchema` makes it. */
  readonly schema: AnyCodec;
  /**
   * Of an event with a `step` that is said once, step after step: what of (a path, or "" for all alike).
   * Without it an event is said as often as it happens.
   */
  readonly onceBy?: (event: any) => string;
  /** On disk before the stage goes on: what a state that is written next relies on. */
  readonly durable?: true;
}
/** Registered events by their tag. */
export type EventKinds = Readonly<Record<string, EventKind>>;

const runnerKinds: EventKinds = Object.fromEntries(
  RunnerEvent.members.map((schema) => [schema.fields.event.schema.literal, { schema }]),
);

export class EventFault extends fault("EventFault", "user") {}

export interface EventCodec {
  /** Undefined for a line that is none: half-written, or of a wrong shape. */
  readonly parse: (line: string) => AnyEvent | undefined;
  /** The event as it is written, or what is wrong with it. */
  readonly encode: (event: AnyEvent) => Result.Result<AnyEvent, string>;
  readonly onceBy: (event: AnyEvent) => string | undefined;
  /** Whether events with this tag are said once. */
  readonly isOnce: (tag: string) => boolean;
  readonly isDurable: (tag: string) => boolean;
  readonly knows: (tag: string) => boolean;
  readonly tags: readonly string[];
}

const Tag = Text.check(Schema.isPattern(/^[a-z][a-z0-9-]*$/));
const Own = Schema.StructWithRest(Schema.Struct({ event: Tag, at: Finite }), [
  Schema.Record(Text, Schema.Json),
]);

/** Reads and writes the runner's events and those of `kinds`. An unknown tag is read as it is. */
export function eventCodec(kinds: EventKinds): EventCodec {
  const all: EventKinds = { ...kinds, ...runnerKinds };
  const kindOf = (tag: string): EventKind | undefined =>
    Object.hasOwn(all, tag) ? all[tag] : undefined;
  return {
    parse: (line) => {
      let value: unknown;
      try {
        value = JSON.parse(line);
      } catch {
        return undefined;
      }
      const tag = (value as OwnEvent | null)?.event;
      const schema = (typeof tag === "string" ? kindOf(tag)?.schema : undefined) ?? Own;
      const decoded = Schema.decodeUnknownResult(schema as typeof Own)(value);
      return Result.isSuccess(decoded) ? decoded.success as AnyEvent : undefined;
    },
    encode: (event) => {
      const kind = kindOf(event.event);
      if (kind === undefined) return Result.fail(`no event "${event.event}" is registered`);
      return Result.mapError(
        Schema.encodeUnknownResult(kind.schema, { errors: "all" })(event) as Result.Result<
          AnyEvent,
          Schema.SchemaError
        >,
        (error) => error.message,
      );
    },
    onceBy: (event) => {
      const by = kindOf(event.event)?.onceBy?.(event);
      return by === undefined ? undefined : `${event.event} ${by}`;
    },
    isOnce: (tag) => kindOf(tag)?.onceBy !== undefined,
    isDurable: (tag) => kindOf(tag)?.durable === true,
    knows: (tag) => kindOf(tag) !== undefined,
    tags: Object.keys(all),
  };
}
