// One process of a fleet for the benchmark: a worker whose training is a function, or with no slots one that
// only decides. At SIGTERM it says what processor time it took.
//   fleet-process.ts NAME SLOTS TRAINING_MS, with GNOMIC_FLEET
import process from "node:process";
import { Duration, Effect } from "effect";
import { fleetAt } from "../../fleet/connection.ts";
import { lossOf } from "../../fleet/testing/toy-sweeps.ts";
import { joinFleet } from "../../fleet/sweep-session.ts";
import type { Train } from "../../fleet/train-fenced.ts";

const [name, slots, milliseconds] = process.argv.slice(2);
const say = (line: string) => void process.stdout.write(`${line}\n`);

const train: Train = ({ segment: { trial, until }, onStep }) =>
  Effect.delay(
    Effect.sync(() => {
      const step = until ?? 900;
      onStep(step);
      const loss = lossOf(trial);
      const reached = { step, loss, best: { step, loss }, seconds: 0, machine: name };
      say(`trained ${trial}@${until ?? "end"}`);
      return until === null
        ? { outcome: "done", ...reached, files: [] } as const
        : { outcome: "paused", ...reached } as const;
    }),
    Duration.millis(Number(milliseconds)),
  );

const about = {
  machine: name,
  pid: process.pid,
  slots: Number(slots),
  tool: "bench",
  versions: {},
  customStages: false,
};
const worker = Number(slots) === 0 ? null : {
  // As `worker` looks.
  ...{ name, slots: Number(slots), train, say, lookEvery: Duration.seconds(1) },
  presence: { about, steer: () => Effect.void },
};

let before = process.cpuUsage();
process.on("SIGUSR2", () => before = process.cpuUsage());
process.on("SIGTERM", () => {
  const { user, system } = process.cpuUsage(before);
  process.stdout.write(`cpu ${(user + system) / 1000}\n`, () => process.exit(0));
});
say("ready");
await Effect.runPromise(
  Effect.flatMap(
    fleetAt("."),
    (fleet) => joinFleet(fleet, Duration.seconds(6), worker, Effect.never),
  ),
);
