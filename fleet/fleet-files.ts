// What a sweep keeps beside the runs of a folder, by name.
// The trap: who only wants to know whether there are sweeps loads this and nothing else of the fleet.
import { join } from "node:path";

/** The database of sweeps that share nothing with other machines. */
export const fleetFile = (base: string): string => join(base, ".gnomic-fleet.db");

/** Its lock, and the configurations that came from other machines. */
export const fleetFolder = (base: string): string => join(base, ".gnomic-fleet");
