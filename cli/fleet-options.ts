// How commands are told where the sweeps are: GNOMIC_FLEET, or these options; without either, in a file of
// the folder of runs.
import process from "node:process";
import { Effect } from "effect";
import type { Fleet } from "../fleet/connection.ts";
import type { Fault } from "../lib/fault.ts";
import { kindOf } from "../lib/plain-files.ts";
import { tryPromise } from "../lib/try-promise.ts";
import { type Options, UsageFault } from "./command.ts";

export const fleetOptions = [
  ["--fleet <file>", "A file of mode 600 with the address of a PostgreSQL (GNOMIC_FLEET)"],
  ["--insecure", "Allow sslmode=disable to a database on another machine"],
] as const;

/** Whether there is a database that other machines may speak to. */
export const isShared = ({ fleet }: Options): boolean =>
  fleet !== undefined || (process.env.GNOMIC_FLEET ?? "") !== "";

/** Fails where one of these options is given that only workers on other machines use, and there are none. */
export const refuseAlone = (
  options: Options,
  keys: readonly string[],
): Effect.Effect<void, Fault> => {
  const key = isShared(options) ? undefined : keys.find((each) => options[each] !== undefined);
  return key === undefined ? Effect.void : Effect.fail(
    new UsageFault({
      key: `--${key}`,
      wanted: "workers on a PostgreSQL (GNOMIC_FLEET)",
      found: "none: this process itself trains",
      fix: `Leave --${key} out.`,
    }),
  );
};

/** The folder of runs, for who makes it where it is not there. */
export const baseToMake = ({ output }: Options): string =>
  output === undefined ? "output" : String(output);

/**
 * The folder of runs. Where one is named it has to be there, as in a mistyped one nothing would be found; a
 * shared database is looked into from machines that have none.
 */
export const baseOf = (
  options: Options,
): Effect.Effect<string, Fault> =>
  Effect.gen(function* () {
    const base = baseToMake(options);
    if (options.output === undefined || isShared(options)) return base;
    const kind = yield* tryPromise(() => kindOf(base));
    return kind === "folder" ? base : yield* new UsageFault({
      key: "--output",
      wanted: "the folder that the runs are in",
      found: kind === null ? `no ${base}` : `the file ${base}`,
      fix: "Correct the path.",
    });
  });

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
  options: Options,
): Effect.Effect<Fleet, Fault> =>
  Effect.flatMap(
    tryPromise(() => import("../fleet/connection.ts")),
    ({ fleetAt }) =>
      fleetAt(base, {
        file: options.fleet === undefined ? null : String(options.fleet),
        insecure: options.insecure === true,
      }),
  );
