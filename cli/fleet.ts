// `fleet`: who trains, what waits and why; and `fleet migrate`, which makes the tables of a PostgreSQL. What
// they do is in fleet-actions.ts, loaded only when it is called.
import { Effect } from "effect";
import { tryPromise } from "../lib/try-promise.ts";
import type { Command } from "./command.ts";
import { fleetOptions } from "./fleet-options.ts";

export const fleetCommand: Command = {
  usage: "fleet [action]",
  summary: "Workers and what each does, queues, what waits and why; `fleet migrate`: the tables",
  options: [
    ...fleetOptions,
    ["--output <dir>", "The folder of runs and sweeps, where there is no PostgreSQL (output)"],
    ["--grant <role>", "migrate: give this role the rights that workers and `sweep` need"],
    ["--json", "Print one JSON value instead of text"],
  ],
  actions: ["migrate"],
  usedBy: { grant: ["migrate"], output: [""], json: [""] },
  sections: [{
    title: "DESCRIPTION",
    paragraphs: [
      "fleet: each worker with its slots, what it trains, and how long it was not heard of; the " +
      "queues; the trainings that wait and why.",
      "fleet migrate: makes the tables of a PostgreSQL, or brings them up to date. It is given with " +
      "an address of their owner; workers and `sweep` use one of a role that `--grant` named, which " +
      "may change rows and nothing else.",
      "GNOMIC_FLEET is postgres://USER:PASSWORD@HOST/DATABASE or the path of a file with it, of mode " +
      "600. It is encrypted and verified unless the database is on this machine; sslrootcert=FILE " +
      "names a certificate of one's own.",
    ],
  }],
  examples: ["fleet", "fleet migrate --fleet owner.url --grant gnomic"],
  run: ([action], options, terminal) =>
    Effect.flatMap(
      tryPromise(() => import("./fleet-actions.ts")),
      ({ migrateFleet, showFleet }) =>
        action === undefined ? showFleet(options, terminal) : migrateFleet(options, terminal),
    ),
};
