// How commands are told where the sweeps are: GNOMIC_FLEET, or these options; without either, in a file of
// the folder of runs.
import { Effect } from "effect";
import type { Fleet } from "../fleet/connection.ts";
import type { Fault } from "../lib/fault.ts";
import { tryPromise } from "../lib/try-promise.ts";
import { UsageFault } from "./command.ts";

export const fleetOptions = [
  ["--fleet <file>", "A file of mode 600 with the address of a PostgreSQL (GNOMIC_FLEET)"],
  ["--insecure", "Allow sslmode=disable to a database on another machine"],
] as const;

/** The folder of runs. */
export const baseOf = ({ output }: Readonly<Record<string, unknown>>): string =>
  output === undefined ? "output" : String(output);

/** Fails where there is no database that several machines speak to; `fix` says what is done without. */
export const requireShared = ({ shared }: Fleet, fix: string): Effect.Effect<void, Fault> =>
  shared ? Effect.void : Effect.fail(
    new UsageFault({
      key: "GNOMIC_FLEET",
      wanted: "the address of a PostgreSQL database",
      found: "nothing",
      fix,
    }),
  );

export const fleetOf = (
  base: string,
  options: Readonly<Record<string, unknown>>,
): Effect.Effect<Fleet, Fault> =>
  Effect.flatMap(
    tryPromise(() => import("../fleet/connection.ts")),
    ({ fleetAt }) =>
      fleetAt(base, {
        file: options.fleet === undefined ? null : String(options.fleet),
        insecure: options.insecure === true,
      }),
  );
