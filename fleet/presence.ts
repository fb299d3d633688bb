// A worker's presence: it says that it is there, hands on what its runs are asked for by commands on other
// machines, and now and then deletes what is over for good.
// The trap: neither may end the worker; while the database is away they wait.
import { type Duration, Effect, type Schema } from "effect";
import type { Fault } from "../lib/fault.ts";
import { Members, type WorkerAbout } from "./members.ts";

/** A worker that was not seen for so long is shown as silent. */
export const silentAfterSeconds = 30;

export interface Presence {
  readonly about: WorkerAbout;
  /** Hands a request to the training in a run's folder. */
  readonly steer: (dir: string, request: Schema.Json) => Effect.Effect<void, Fault>;
}

const announceEvery = "5 seconds";
const askEvery = "1 second";
const forgetEvery = "6 hours";

const answer = (name: string, { steer }: Presence) =>
  Effect.gen(function* () {
    const members = yield* Members;
    for (const { id, dir, request } of yield* members.asked(name)) {
      const said = yield* Effect.match(steer(dir, request), {
        onSuccess: () => "done",
        onFailure: ({ found }) => found,
      });
      yield* members.reply(id, said);
    }
  });

/** Until it is interrupted; then the worker is taken off the list. */
export const present = (name: string, presence: Presence) =>
  Effect.gen(function* () {
    const members = yield* Members;
    const forever = <E, R>(
      work: Effect.Effect<void, E, R>,
      every: Duration.Input,
    ) => Effect.forever(Effect.andThen(Effect.ignore(work), Effect.sleep(every)));
    yield* Effect.raceFirst(
      forever(members.announce(name, presence.about), announceEvery),
      Effect.raceFirst(
        forever(answer(name, presence), askEvery),
        forever(Effect.asVoid(members.forget()), forgetEvery),
      ),
    ).pipe(Effect.ensuring(Effect.ignore(Effect.timeout(members.leave(name), "2 seconds"))));
  });
