// A process that takes the lock of the folder it is given, says so, and holds it until it is killed.
import process from "node:process";
import { Console, Effect } from "effect";
import { lockRun } from "../../lib/lock.ts";

await Effect.runPromise(Effect.scoped(Effect.gen(function* () {
  const { tookOverFrom } = yield* lockRun(process.argv[2]);
  yield* Console.log(tookOverFrom === null ? "locked" : `locked after ${tookOverFrom.pid}`);
  yield* Effect.never;
})));
