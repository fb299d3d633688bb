// A machine of a fleet as a process, with a worker of the fleet's own whose trainings are toys, that may kill
// itself at a point which no signal from outside hits: in a statement, in the middle of a blob, at a step.
//   toy-machine.ts JSON, with GNOMIC_FLEET
import "./wrong-clock.ts";
import process from "node:process";
import { Cause, Duration, Effect, Fiber } from "effect";
import { CurrentTransformer, type Statement } from "effect/sql/Statement";
import { type Blobs, folderBlobs } from "../../fleet/blobs.ts";
import { fleetAt } from "../../fleet/connection.ts";
import { joinFleet } from "../../fleet/sweep-session.ts";
import type { Point, ToyMachine } from "./toy-fleet.ts";
import { toyTraining } from "./toy-training.ts";

/** What the database is asked for at a point. */
const statements: Partial<Record<Point, RegExp>> = {
  claim: /SET fence = gnomic_runs\.fence \+ 1/,
  row: /SET snapshot_before = snapshot/,
  result: /INSERT INTO gnomic_results/,
  answer: /INSERT INTO "?cluster_messages/,
  decision: /SELECT \* FROM gnomic_results WHERE sweep/,
  release: /attempts = attempts - 1, worker = ''/,
};

const die = (): never => {
  process.kill(process.pid, "SIGKILL");
  throw new Error("killed");
};

const options = JSON.parse(process.argv[2]) as ToyMachine;
const { name, base, lease, slots, stepMs, sweep, dies } = options;
const say = (line: string) => void process.stdout.write(`${line}\n`);

let published = false;
let deciding = false;
const watch = (statement: Statement<unknown>) =>
  Effect.sync(() => {
    const [text, parameters] = statement.compile();
    if (parameters.some((each) => typeof each === "string" && each.includes("rung/"))) {
      deciding = true;
    }
    const wanted = dies === null ? undefined : statements[dies];
    const isThere = (dies !== "answer" || published) && (dies !== "decision" || deciding);
    if (wanted?.test(text) && isThere) die();
    if (statements.result!.test(text)) published = true;
    return statement;
  });

let puts = 0;
const mortal = (blobs: Blobs): Blobs => ({
  ...blobs,
  put: (bytes) =>
    Effect.suspend(() => {
      puts++;
      // While it is written: some of it may be there.
      if (dies === "blob" && puts === 5) setImmediate(die);
      return blobs.put(bytes);
    }),
  get: (blob) => dies === "restore" ? Effect.sync(die) : blobs.get(blob),
});

const about = {
  ...{ machine: name, pid: process.pid, slots, tool: "toy", versions: {} },
  customStages: false,
};
const working = Effect.runFork(
  Effect.gen(function* () {
    const fleet = yield* fleetAt(".");
    const blobs = mortal(yield* folderBlobs(options.blobs));
    yield* joinFleet(fleet, Duration.seconds(lease), {
      ...{ name, base, slots, say },
      train: toyTraining({ machine: name, stepMs, onStep: () => dies === "step" && die() }),
      // Each sweep has a queue of its own, as if it needed another card.
      offers: sweep === null ? null : { providers: [sweep], memory: 8 },
      travel: { blobs, every: Duration.seconds(60) },
      presence: { about, steer: () => Effect.void },
    }, Effect.never);
  }).pipe(Effect.provideService(CurrentTransformer, watch)),
);
let isAsked = false;
process.on("SIGTERM", () => {
  isAsked = true;
  working.interruptUnsafe();
});
say("ready");
const exit = await Effect.runPromise(Fiber.await(working));
if (!isAsked) {
  say(`Ended by itself: ${exit._tag === "Failure" ? Cause.pretty(exit.cause) : "well"}`);
}
