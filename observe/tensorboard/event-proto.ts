// The part of TensorBoard's protobuf messages that gnomic writes (Event, Summary, TensorProto,
// SessionLog), as a descriptor for protobufjs; field numbers are those of tensorboard/compat/proto.
// The trap: int64 fields decode to Long objects unless asked for numbers, as `decodeEvent` does.
import protobuf from "protobufjs/light.js";

const field = (type: string, id: number) => ({ type, id });
const list = (type: string, id: number) => ({ type, id, rule: "repeated" });

const root = protobuf.Root.fromJSON({
  nested: {
    Event: {
      oneofs: { what: { oneof: ["fileVersion", "summary", "sessionLog"] } },
      fields: {
        wallTime: field("double", 1),
        step: field("int64", 2),
        fileVersion: field("string", 3),
        summary: field("Summary", 5),
        sessionLog: field("SessionLog", 7),
      },
    },
    SessionLog: { fields: { status: field("int32", 1) } },
    Summary: { fields: { value: list("SummaryValue", 1) } },
    SummaryValue: {
      oneofs: { value: { oneof: ["simpleValue", "tensor"] } },
      fields: {
        tag: field("string", 1),
        simpleValue: field("float", 2),
        tensor: field("TensorProto", 8),
        metadata: field("SummaryMetadata", 9),
      },
    },
    SummaryMetadata: {
      fields: {
        pluginData: field("PluginData", 1),
        displayName: field("string", 2),
        summaryDescription: field("string", 3),
        dataClass: field("int32", 4),
      },
    },
    PluginData: { fields: { pluginName: field("string", 1), content: field("bytes", 2) } },
    TensorProto: {
      fields: {
        dtype: field("int32", 1),
        tensorShape: field("TensorShape", 2),
        doubleVal: list("double", 6),
        stringVal: list("bytes", 8),
      },
    },
    TensorShape: { fields: { dim: list("Dimension", 2) } },
    Dimension: { fields: { size: field("int64", 1) } },
  },
});

const eventType = root.lookupType("Event");

/** DT_DOUBLE and DT_STRING of TensorFlow's types.proto. */
export const dataType = { double: 2, string: 7 } as const;

/** DataClass of summary.proto: how TensorBoard stores and samples the values of a tag. */
export const dataClass = { tensor: 2, blobSequence: 3 } as const;

/** SessionLog.SessionStatus START: readers drop what they hold from this step on. */
export const sessionStart = 1;

export interface TensorMessage {
  readonly dtype: number;
  readonly tensorShape: { readonly dim: readonly { readonly size: number }[] };
  readonly doubleVal?: readonly number[];
  readonly stringVal?: readonly Uint8Array[];
}

export interface SummaryValueMessage {
  readonly tag: string;
  readonly simpleValue?: number;
  readonly tensor?: TensorMessage;
  readonly metadata?: {
    readonly pluginData: { readonly pluginName: string };
    readonly dataClass: number;
  };
}

export interface EventMessage {
  /** Seconds since 1970; a NaN here makes readers drop the whole file. */
  readonly wallTime: number;
  readonly step: number;
  readonly fileVersion?: string;
  readonly summary?: { readonly value: readonly SummaryValueMessage[] };
  readonly sessionLog?: { readonly status: number };
}

export const encodeEvent = (event: EventMessage): Uint8Array =>
  eventType.encode(event as unknown as Record<string, unknown>).finish();

/** Throws when the bytes are no Event. Zeros are not stored, so they are put back. */
export const decodeEvent = (bytes: Uint8Array): EventMessage => ({
  wallTime: 0,
  step: 0,
  ...eventType.toObject(eventType.decode(bytes), { longs: Number, arrays: true }),
});
