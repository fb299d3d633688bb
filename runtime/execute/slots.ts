// Where stages find each other's results while a plan is executed: one slot for each value port, filled
// when its stage has ended, and one durable stream for each stream port.
// The trap: a value is loaded when somebody asks, so a run that needs nothing reads nothing.
import { Context, Deferred, Effect, Stream, SubscriptionRef } from "effect";
import { type Fault, fault } from "../../lib/fault.ts";
import { portsOf } from "../artefact.ts";
import type { OutputRef } from "../pipeline/wiring.ts";
import type { PreparedStage } from "../plan/prepared-stage.ts";
import type { Drafted } from "../stage.ts";
import { type DurableStream, openDurableStream } from "../store/durable-stream.ts";

/** A stage cannot run because one above it did not end well. Not said by itself. */
export class Skipped extends fault("Skipped", "user") {}

export interface Value {
  readonly digest: string;
  readonly load: Effect.Effect<unknown, Fault>;
}

/** Of one execution. */
export class Slots extends Context.Service<Slots, {
  readonly value: (outputRef: OutputRef) => Effect.Effect<Value, Fault>;
  /** Undefined: the port carries a value. */
  readonly stream: (outputRef: OutputRef) => DurableStream | undefined;
  readonly fill: (outputRef: OutputRef, value: Value) => Effect.Effect<void>;
  /** Shows what there is of a value so far. */
  readonly show: (outputRef: OutputRef, draft: unknown) => Effect.Effect<void>;
  readonly drafted: (outputRef: OutputRef) => Drafted<unknown>;
  /** Everybody who waits for this stage is told that nothing will come. */
  readonly close: (id: string, reason: Fault | null) => Effect.Effect<void>;
}>()("gnomic/Slots") {}

const keyOf = ({ stage, port }: OutputRef) => `${stage}.${port}`;

export const makeSlots = Effect.fn("makeSlots")(
  function* (runDir: string, stages: readonly PreparedStage[]) {
    const values = new Map<string, Deferred.Deferred<Value, Fault>>();
    const drafts = new Map<string, SubscriptionRef.SubscriptionRef<unknown>>();
    const streams = new Map<string, DurableStream>();
    for (const { id, stage } of stages) {
      for (const [port, type] of portsOf(stage.writes)) {
        const key = keyOf({ stage: id, port });
        if (type.kind === "value") {
          values.set(key, yield* Deferred.make<Value, Fault>());
          drafts.set(key, yield* SubscriptionRef.make<unknown>(undefined));
        } else streams.set(key, yield* openDurableStream(runDir, id, port, type));
      }
    }
    const of = <A>(map: ReadonlyMap<string, A>, id: string) =>
      [...map].flatMap(([key, slot]) => key.startsWith(`${id}.`) ? slot : []);
    const nothing = (id: string) =>
      new Skipped({ key: id, wanted: `what ${id} makes`, found: "nothing", fix: "See above." });
    const value = (outputRef: OutputRef) => Deferred.await(values.get(keyOf(outputRef))!);
    return {
      value,
      stream: (outputRef) => streams.get(keyOf(outputRef)),
      fill: (outputRef, value) =>
        Effect.asVoid(Deferred.succeed(values.get(keyOf(outputRef))!, value)),
      show: (outputRef, draft) => SubscriptionRef.set(drafts.get(keyOf(outputRef))!, draft),
      drafted: (outputRef) => ({
        drafts: SubscriptionRef.changes(drafts.get(keyOf(outputRef))!).pipe(
          Stream.filter((draft) => draft !== undefined),
        ),
        whole: Effect.flatMap(value(outputRef), ({ load }) => load),
      }),
      close: (id, reason) =>
        Effect.gen(function* () {
          for (const slot of of(values, id)) yield* Deferred.fail(slot, reason ?? nothing(id));
          for (const stream of of(streams, id)) yield* stream.end(reason ?? undefined);
        }),
    } satisfies Slots["Service"];
  },
);
