// The one stream of events, to everyone who looks: terminal, page, event files. Each observer has its own
// queue and fiber, so a slow one delays nobody.
// The trap: an observer that throws is dismissed with a warning; a training is never disturbed by one.
import { Deferred, Effect, Fiber, PubSub } from "effect";
import type { AnyEvent, UnstampedEvent } from "../events.ts";
import type { EventLog } from "../run-folder/event-log.ts";

/** Somebody who looks at a run. */
export interface RunObserver {
  /** For the warning, should it fail. */
  readonly name: string;
  /** Each event of the run, in order, one at a time; what it throws ends its looking. */
  readonly onEvent: (event: AnyEvent) => void | Promise<void>;
  /** After the last event. */
  readonly close: () => void | Promise<void>;
}

export interface EventStream {
  /** Of an app or a stage, which may not be as it was registered: fails with what is wrong with it. */
  readonly offer: (event: UnstampedEvent) => Effect.Effect<void, string>;
  /** The runner's own. */
  readonly publish: (event: UnstampedEvent) => Effect.Effect<void>;
  readonly trouble: EventLog["trouble"];
}

const call = (run: () => void | Promise<void>) =>
  Effect.tryPromise({
    try: async () => await run(),
    catch: (cause) => cause instanceof Error ? cause.message : String(cause),
  });

/** Between the events: say when everything so far has been seen; end. */
type Mark = "drain" | "end";

/** Publishes until the scope closes; then every observer has seen everything and is closed. */
export const openEventStream = Effect.fn("openEventStream")(
  function* (log: EventLog, observers: readonly RunObserver[]) {
    const events = yield* PubSub.unbounded<AnyEvent | Mark>();
    const offer = (event: UnstampedEvent) =>
      Effect.flatMap(
        log.append(event),
        (stamped) =>
          stamped === undefined ? Effect.void : Effect.asVoid(PubSub.publish(events, stamped)),
      );
    const publish = (event: UnstampedEvent) => Effect.orDie(offer(event));

    const start = Effect.fnUntraced(function* (observer: RunObserver) {
      const drained = yield* Deferred.make<void>();
      const subscription = yield* PubSub.subscribe(events);
      const look = Effect.gen(function* () {
        for (;;) {
          const event = yield* PubSub.take(subscription);
          if (event === "end") return;
          if (event === "drain") yield* Deferred.succeed(drained, undefined);
          else yield* call(() => observer.onEvent(event));
        }
      });
      const fiber = yield* look.pipe(
        Effect.catch((cause) =>
          publish({ event: "warning", text: `${observer.name} stopped looking: ${cause}` })
        ),
        Effect.andThen(Deferred.succeed(drained, undefined)),
        Effect.andThen(call(observer.close)),
        Effect.ignore,
        Effect.forkScoped,
      );
      return { drained: Deferred.await(drained), closed: Fiber.await(fiber) };
    });

    const started = yield* Effect.forEach(observers, start);
    yield* Effect.addFinalizer(() =>
      Effect.gen(function* () {
        yield* PubSub.publish(events, "drain");
        yield* Effect.forEach(started, ({ drained }) => drained, { discard: true });
        yield* PubSub.publish(events, "end");
        yield* Effect.forEach(started, ({ closed }) => closed, { discard: true });
      })
    );
    return { offer, publish, trouble: log.trouble } satisfies EventStream;
  },
);
