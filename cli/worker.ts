// `worker`: trains what the sweeps of a fleet ask for, one training a slot, until it is stopped.
// The trap: the database's address comes from the environment or a file, where `ps` does not show it.
import { hostname } from "node:os";
import { resolve } from "node:path";
import process from "node:process";
import { Duration, Effect } from "effect";
import { Stopped } from "../lib/fault.ts";
import { tryPromise } from "../lib/try-promise.ts";
import type { Command } from "./command.ts";
import { fleetOf, fleetOptions, requireShared } from "./fleet-options.ts";
import { optionReader } from "./option-reader.ts";
import { untilStopped } from "./stopping.ts";

const silentSeconds = 1800;
const isCount = (value: number) => Number.isInteger(value) && value >= 1;

export const workerCommand: Command = {
  usage: "worker",
  summary: "Train what the sweeps of a fleet ask for, over PostgreSQL (GNOMIC_FLEET)",
  options: [
    ["--slots <n>", "How many trainings at once; auto: one a card, without cards one (auto)"],
    [
      "--blobs <dir>",
      "A folder that all machines see: runs travel through it, each trains in its own",
    ],
    ["--output <dir>", "With --blobs: the folder of runs of this machine (output)"],
    ["--data-root <dir>", "With --blobs: where pictures and weights are that are elsewhere here"],
    ["--snapshot-every <seconds>", "With --blobs: what a run has come to is sent so often (30)"],
    ["--name <name>", "What others see it as (the machine's name)"],
    ["--lease <seconds>", "After so long a worker that is silent loses its trainings (120)"],
    ["--allow-custom-stages", "Also run stages that are files of the user's own"],
    ...fleetOptions,
  ],
  sections: [{
    title: "DESCRIPTION",
    paragraphs: [
      "GNOMIC_FLEET=postgres://USER:PASSWORD@HOST/DATABASE names the database, for workers and for " +
      "`sweep`; it is encrypted and verified unless it is on this machine. All workers of a fleet have " +
      "the same --lease.",
      "Without --blobs the folder of runs must be one that all machines see under the same path; a " +
      "worker that does not see it leaves its sweeps to others. With --blobs each machine has its own: " +
      "every 30 s, at checkpoints, validations and the end what is new of a run is sent, and another " +
      "machine goes on there. Weights and pictures do not travel: where a machine has them elsewhere, " +
      "--data-root is searched for the end of their paths, and only the same bytes count.",
      "What it lacks the memory, the disk, the pictures or the version for it leaves to others; `fleet` " +
      "says why.",
      "Ctrl-C and SIGTERM: trainings end after the step they are in and go back to the queue.",
    ],
  }],
  examples: ["worker --slots 2", "worker --blobs /mnt/studio/blobs --output /data/runs"],
  run: (_args, options, { print }) =>
    Effect.gen(function* () {
      const reader = optionReader(options, "worker");
      const auto = reader.text("slots") === "auto";
      if (reader.text("blobs") === null) {
        const travelling = ["--output", "--data-root", "--snapshot-every"];
        ["output", "dataRoot", "snapshotEvery"].forEach((key, i) => {
          if (reader.text(key) !== null) reader.refuse(`${travelling[i]} without --blobs`);
        });
      }
      const { slots: wanted, lease, name, blobs, output, dataRoot, every } = yield* reader.end({
        slots: auto
          ? null
          : reader.number("slots", null, isCount, "a whole number from 1 on, or auto"),
        blobs: reader.text("blobs"),
        output: reader.text("output") ?? "output",
        dataRoot: reader.text("dataRoot"),
        every: reader.number("snapshotEvery", 30, (value) => value > 0, "seconds"),
        lease: reader.number("lease", 120, (value) => value >= 3, "seconds, from 3 on"),
        name: reader.text("name") ?? `${hostname()}/${process.pid}`,
      });
      const [
        { joinFleet },
        { trainInChild },
        { presenceOf },
        { fitsHere },
        { fleetBlobs },
        { slotsHere, threadsOfEach },
        { RunFiles },
        { runFiles },
      ] = yield* tryPromise(() =>
        Promise.all([
          import("../fleet/sweep-session.ts"),
          import("../fleet/train-child.ts"),
          import("./fleet-presence.ts"),
          import("./fits-here.ts"),
          import("../fleet/fleet-blobs.ts"),
          import("./slots-here.ts"),
          import("../fleet/sweep-end.ts"),
          import("./run-files.ts"),
        ])
      );
      const fleet = yield* fleetOf(output, options);
      yield* requireShared(
        fleet,
        "On one machine `sweep run` trains by itself and needs no worker.",
      );
      const { slots, offers } = yield* tryPromise(() => slotsHere(wanted));
      const presence = yield* presenceOf(slots, options.allowCustomStages === true, offers);
      const base = blobs === null ? null : resolve(output);
      const working = joinFleet(
        fleet,
        Duration.seconds(lease),
        {
          name,
          slots,
          train: trainInChild({ threads: threadsOfEach(slots), silentSeconds }),
          say: print,
          offers,
          lookEvery: Duration.seconds(1),
          accepts: fitsHere(presence, { base, dataRoot }),
          ...(base === null || blobs === null ? {} : {
            base,
            travel: { blobs: yield* fleetBlobs(fleet, blobs), every: Duration.seconds(every) },
          }),
          presence,
        },
        Effect.never,
      ).pipe(Effect.provideService(RunFiles, runFiles));
      print(`Worker ${name} with ${slots} ${slots === 1 ? "slot" : "slots"} waits for work.`);
      const isStopped = yield* untilStopped(
        working,
        () => print("Stopping: trainings end after the step they are in and go back."),
      );
      if (isStopped) {
        return yield* new Stopped({
          wanted: "to go on",
          found: "a request to stop",
          fix: "What it had is another worker's now.",
        });
      }
    }),
};
