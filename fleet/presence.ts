// A worker's presence: it says that it is there, hands on what its runs are asked for by commands on other
// machines, and now and then deletes what is over for good.
// The trap: a database that is away ends none of it. A name that another took does: rows are a worker's by its
// name, so what one of them is asked for the other would answer.
import { join } from "node:path";
import { type Duration, Effect, type Schema } from "effect";
import { type Fault, fault } from "../lib/fault.ts";
import type { LeftItems } from "./left-items.ts";
import { Members, type WorkerAbout } from "./members.ts";

export class NameTaken extends fault("NameTaken", "user") {}

/** A worker that was not seen for so long is shown as silent. */
export const silentAfterSeconds = 30;

/** What a worker says of itself, and how it is told something. */
export interface Presence {
  readonly about: WorkerAbout;
  /** Hands a request to the training in a run's folder. */
  readonly steer: (dir: string, request: Schema.Json) => Effect.Effect<void, Fault>;
}

export interface Present {
  readonly name: string;
  /** The folder of runs of this machine; none: the sweep's own, which all see. */
  readonly base?: string;
  readonly presence: Presence;
  readonly left: LeftItems;
}

const announceEvery = "5 seconds";
const askEvery = "2 seconds";
const forgetEvery = "6 hours";

const answer = ({ name, base: own, presence: { steer } }: Present) =>
  Effect.gen(function* () {
    const members = yield* Members;
    for (const { id, base, run, request } of yield* members.asked(name)) {
      const said = yield* Effect.match(steer(join(own ?? base, run), request), {
        onSuccess: () => "done",
        onFailure: ({ found }) => found,
      });
      yield* members.reply(id, said);
    }
  });

/** Until it is interrupted; then the worker is taken off the list. Fails when its name is another's. */
export const present = (worker: Present): Effect.Effect<never, NameTaken, Members> =>
  Effect.gen(function* () {
    const { name, presence: { about }, left } = worker;
    const members = yield* Members;
    const announcing = Effect.gen(function* () {
      for (;;) {
        const ask = Effect.suspend(() => members.announce(name, { ...about, left: left.all() }));
        if (!(yield* Effect.orElseSucceed(ask, () => true))) {
          return yield* new NameTaken({
            key: "--name",
            wanted: `${name} as this worker's own name`,
            found: "another worker, which took it while this one was not heard of",
            fix: "What it had goes back. Start it again with another --name.",
          });
        }
        yield* Effect.sleep(announceEvery);
      }
    });
    const forever = <E, R>(
      work: Effect.Effect<void, E, R>,
      every: Duration.Input,
    ) => Effect.forever(Effect.andThen(Effect.ignore(work), Effect.sleep(every)));
    return yield* Effect.raceFirst(
      announcing,
      Effect.raceFirst(
        forever(answer(worker), askEvery),
        forever(Effect.asVoid(members.forget()), forgetEvery),
      ),
    ).pipe(Effect.ensuring(Effect.ignore(Effect.timeout(members.leave(name, about), "2 seconds"))));
  });
