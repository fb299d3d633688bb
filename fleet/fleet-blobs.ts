// The folder through which the runs of a fleet travel.
// The trap: a share that was not mounted when its machine started looks like a new folder, in which all that was sent
// is missing. So one is made only while nothing that runs was sent yet.
import { Effect } from "effect";
import type { Fault } from "../lib/fault.ts";
import { type Blobs, folderBlobs } from "./blobs.ts";
import type { Fleet } from "./connection.ts";
import { withTables } from "./open-tables.ts";

export const fleetBlobs = (fleet: Fleet, folder: string): Effect.Effect<Blobs, Fault> =>
  Effect.flatMap(
    withTables(fleet, (tables) => tables.hasSnapshots),
    (hasBlobs) => folderBlobs(folder, hasBlobs),
  );
