// How a worker enters a fleet: under a name that no other has, with the lease that all have. Rows are a worker's
// by its name, and a shorter lease takes from others what they still train.
// The trap: one that was killed is still on the list; of this machine it can be told that it is dead, of another
// only after it was silent for a while.
import { Effect } from "effect";
import { fault } from "../lib/fault.ts";
import { lives, ownIdentity } from "../lib/process-identity.ts";
import { type Member, Members, type WorkerAbout } from "./members.ts";
import { silentAfterSeconds } from "./presence.ts";

export class CannotEnter extends fault("CannotEnter", "user") {}

/** Whether a worker on the list lives, as far as can be told from here. */
export const isThere = ({ silentSeconds, about: { identity } }: Member) =>
  silentSeconds <= silentAfterSeconds &&
  (identity === undefined || lives(identity) !== "dead");

const taken = (name: string, other: Member | undefined) =>
  new CannotEnter({
    key: "--name",
    wanted: "a name that no other worker of the fleet has",
    found: other === undefined ? name : `${name}, process ${other.about.pid} on ` +
      `${other.about.machine}, seen ${Math.round(other.silentSeconds)} s ago`,
    fix: `Give another --name; if that one is gone, wait ${silentAfterSeconds} s.`,
  });

/** Puts a worker on the list; what it says of itself from then on. */
export const enterFleet = (name: string, given: WorkerAbout, lease: number) =>
  Effect.gen(function* () {
    const members = yield* Members;
    const about = { ...given, lease, identity: ownIdentity() };
    const all = yield* members.all;
    const others = all.filter(isThere);
    const same = others.find((other) => other.name === name);
    if (same !== undefined) return yield* taken(name, same);
    const different = others.find((other) => (other.about.lease ?? lease) !== lease);
    if (different !== undefined) {
      return yield* new CannotEnter({
        key: "--lease",
        wanted: `the lease of the fleet's workers, ${different.about.lease} s (${different.name})`,
        found: `${lease} s`,
        fix: `Give --lease ${different.about.lease}, or stop the others first.`,
      });
    }
    const gone = all.find((other) => other.name === name);
    if (!(yield* members.enter(name, about, gone?.seenAt ?? null))) {
      return yield* taken(name, undefined);
    }
    return about;
  });
