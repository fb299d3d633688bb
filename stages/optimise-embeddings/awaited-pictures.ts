// The pictures of a training, which may begin while they are still encoded: what is known of all of them at
// once, and each as soon as a step wants it. What is measured waits for the last.
// The trap: in the outline a picture may have no posterior yet, so it is not to be read from there.
import { Deferred, Effect, type Scope, Stream } from "effect";
import { isEncoded, type LatentExample, type Latents } from "../../inversion/artefacts/latents.ts";
import type { Fault } from "../../lib/fault.ts";
import type { Drafted } from "../../runtime/stage.ts";

export interface AwaitedPictures {
  /** Of all of them ids and sizes. */
  readonly outline: Latents;
  /** One to train on, by its place. */
  readonly trained: (place: number) => Effect.Effect<LatentExample, Fault>;
  readonly whole: Effect.Effect<Latents, Fault>;
}

/** Nothing is waited for. */
export const allEncoded = (latents: Latents): AwaitedPictures => ({
  outline: latents,
  trained: (place) => Effect.succeed(latents.train[place]),
  whole: Effect.succeed(latents),
});

/** `early`: there is room to train while the rest is encoded. */
export const awaitPictures = (
  { drafts, whole }: Drafted<Latents>,
  early: boolean,
): Effect.Effect<AwaitedPictures, Fault, Scope.Scope> =>
  Effect.gen(function* () {
    if (!early) return allEncoded(yield* whole);
    const all = yield* Deferred.make<Latents, Fault>();
    yield* Effect.forkScoped(Deferred.into(whole, all));
    const ended = Deferred.await(all);
    /** The whole or the first draft that is enough. */
    const first = (isEnough: (draft: Latents) => boolean) =>
      Effect.raceFirst(
        ended,
        Effect.flatMap(
          Stream.runHead(Stream.filter(drafts, isEnough)),
          (draft) => draft._tag === "Some" ? Effect.succeed(draft.value) : ended,
        ),
      );
    return {
      outline: yield* first(() => true),
      trained: (place) =>
        Effect.gen(function* () {
          const isOver = yield* Deferred.isDone(all);
          const { train } = yield* isOver ? ended : first(({ train }) => isEncoded(train[place]));
          return train[place];
        }),
      whole: ended,
    } satisfies AwaitedPictures;
  });
