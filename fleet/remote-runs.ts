// The runs of a fleet as its rows tell of them, for commands on machines that do not see their folders: to
// find one by name, and to ask whoever trains it.
// The trap: a request is answered by the worker that trains the run, and whoever does next would find it; so
// without an answer, also when its asker goes away, it is withdrawn.
import { Effect } from "effect";
import { type Fault, fault } from "../lib/fault.ts";
import { nearest } from "../lib/nearest.ts";
import type { Fleet } from "./connection.ts";
import { boardOf, type LeaderboardRow } from "./leaderboard.ts";
import { Members } from "./members.ts";
import { withTables } from "./open-tables.ts";

export class NoSuchRemoteRun extends fault("NoSuchRemoteRun", "user") {}
export class CannotAsk extends fault("CannotAsk", "user") {}

export interface RemoteRun extends Omit<LeaderboardRow, "rank" | "group" | "places"> {
  /** Its folder's name. */
  readonly name: string;
  readonly sweep: string;
}

/** Whether of two sweeps' rows of one run `a` says more: who trains it, then who has it further. */
const saysMore = (a: RemoteRun, b: RemoteRun) =>
  a.state === "training" || b.state === "training" ? a.state === "training" : a.step > b.step;

/** All runs that the sweeps of a fleet mean, each once. */
export const remoteRuns = (fleet: Fleet): Effect.Effect<readonly RemoteRun[], Fault> =>
  withTables(fleet, (tables) =>
    Effect.gen(function* () {
      const all = yield* Effect.forEach(yield* tables.sweeps, (sweep) =>
        Effect.map(boardOf(tables, sweep), ({ board }) =>
          board.rows.map(({ rank: _1, group: _2, places: _3, ...row }): RemoteRun => ({
            ...row,
            name: sweep.plan.trials.find(({ number }) =>
              number === row.trial
            )!.run,
            sweep: sweep.name,
          }))));
      const byName = new Map<string, RemoteRun>();
      for (const run of all.flat()) {
        const other = byName.get(run.name);
        if (other === undefined || saysMore(run, other)) {
          byName.set(run.name, run);
        }
      }
      return [...byName.values()];
    }));

/** The run of this name, or of the only one that begins so. */
export const findRemoteRun = (
  text: string,
  fleet: Fleet,
): Effect.Effect<RemoteRun, Fault> =>
  Effect.gen(function* () {
    const all = yield* remoteRuns(fleet);
    const exact = all.filter(({ name }) => name === text);
    const found = exact.length > 0 || text === ""
      ? exact
      : all.filter(({ name }) => name.startsWith(text));
    if (found.length === 1) return found[0];
    const near = nearest(text, all.map(({ name }) => name));
    return yield* new NoSuchRemoteRun({
      wanted: `one run of ${fleet.base} or of ${fleet.shown} whose name begins with ${text}`,
      found: found.length === 0 ? `none among ${all.length}` : `${found.length}`,
      fix: found.length > 1
        ? "Type more of the name."
        : near === undefined
        ? "`runs list` shows them."
        : `Is it ${near}?`,
    });
  });

const answerWithin = 8_000;

/** Asks the worker that trains a run. */
export const askRemoteRun = (
  run: RemoteRun,
  request: Parameters<Members["Service"]["ask"]>[1],
  fleet: Fleet,
): Effect.Effect<void, Fault> => {
  const refuse = (found: string, fix: string) =>
    new CannotAsk({ wanted: `${run.name} to be trained by a worker`, found, fix });
  return withTables(fleet, () =>
    Effect.gen(function* () {
      if (run.state !== "training") {
        return yield* refuse(`it is ${run.state}`, "`fleet` says what is trained.");
      }
      const members = yield* Members;
      const end = performance.now() + answerWithin;
      const answer = (id: number) =>
        Effect.gen(function* () {
          while (performance.now() < end) {
            yield* Effect.sleep("300 millis");
            const answer = yield* members.answerTo(id);
            if (answer === "done") return;
            if (answer !== null) {
              return yield* new CannotAsk({
                wanted: `${run.name} to do what it is asked`,
                found: answer,
                fix: "`runs show` says how far it is.",
              });
            }
          }
          const found = `no answer of ${run.machine} in ${answerWithin / 1000} s`;
          return yield* refuse(found, "`fleet` says when it was last seen; ask again.");
        });
      yield* Effect.acquireUseRelease(
        members.ask(run.name, request),
        answer,
        (id) => Effect.ignore(members.withdraw(id)),
      );
    }));
};
