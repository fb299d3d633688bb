// The tables of a fleet without its engine: for who looks at sweeps, or says something to who runs them.
// The trap: the engine takes long to load, so nothing here imports it.
import { Effect, Layer, Logger } from "effect";
import { makeFolder } from "../lib/atomic-write.ts";
import { type Fault, fault, isFault } from "../lib/fault.ts";
import type { Fleet } from "./connection.ts";
import { Members } from "./members.ts";
import { tablesFor } from "./migrations.ts";
import { Tables } from "./tables.ts";

export class FleetFault extends fault("FleetFault", "world") {}

const tablesLayer = ({ database, shared }: Fleet) =>
  Layer.mergeAll(Tables.layer, Members.layer).pipe(
    Layer.provide(tablesFor(shared)),
    Layer.provide(database),
    Layer.provide(Logger.layer([])),
  );

/** The innermost message: the outer ones only say what was attempted. */
const reasonOf = (cause: unknown): string => {
  const inner = (cause as { reason?: unknown; cause?: unknown }).reason ??
    (cause as { cause?: unknown }).cause;
  return inner instanceof Error ? reasonOf(inner) : (cause as Error).message;
};

/** What went wrong with the database, in one line. */
export const asFleetFault = (file: string) => (cause: unknown): Fault =>
  isFault(cause) ? cause : new FleetFault({
    file,
    wanted: "to read and write the sweeps of this folder",
    found: reasonOf(cause),
    fix: "Look at the database (GNOMIC_FLEET) or the disk; the runs themselves are whole.",
    cause,
  });

/** Looks at the tables, or says something to who runs the sweeps. */
export const withTables = <A>(
  fleet: Fleet,
  use: (tables: Tables["Service"]) => Effect.Effect<A, unknown, Members | Tables>,
): Effect.Effect<A, Fault> =>
  Effect.gen(function* () {
    if (!fleet.shared) yield* makeFolder(fleet.base);
    return yield* Effect.flatMap(Tables, use).pipe(
      Effect.provide(tablesLayer(fleet)),
      Effect.mapError(asFleetFault(fleet.shown)),
    );
  });
