// What this process is to a fleet when it trains: its name, its machine, the versions of its stages, and how
// it hands on what its runs are asked for.
import { hostname } from "node:os";
import process from "node:process";
import { Effect, Schema } from "effect";
import type { Presence } from "../fleet/presence.ts";
import type { Offers } from "../fleet/queues.ts";
import { versionsOfApp } from "../fleet/stage-versions.ts";
import { trainingApp } from "../inversion/app.ts";
import { ControlRequest } from "../inversion/requests.ts";
import type { Fault } from "../lib/fault.ts";
import { tryPromise } from "../lib/try-promise.ts";
import { CannotSteer, steerRun } from "../observe/reading/steer-run.ts";
import { findRun } from "../runtime/runs/find-run.ts";
import { threadsOf } from "./slots-here.ts";
import { runtimeVersion } from "../runtime/platform/runtime.ts";
import { tool } from "../runtime/platform/versions.ts";

const decode = Schema.decodeUnknownEffect(ControlRequest);

export const presenceOf = (
  slots: number,
  customStages: boolean,
  offers: Offers | null = null,
): Effect.Effect<Presence, Fault> =>
  Effect.map(tryPromise(() => versionsOfApp(trainingApp())), (versions): Presence => ({
    about: {
      machine: hostname(),
      pid: process.pid,
      slots,
      tool: `${tool}, ${runtimeVersion}`,
      versions,
      customStages,
      ...(offers === null ? {} : { offers }),
      ...(offers?.providers.join() === "cpu" ? { threads: threadsOf(slots) } : {}),
    },
    steer: (dir, request) =>
      Effect.gen(function* () {
        const asked = yield* Effect.mapError(decode(request), () =>
          new CannotSteer({
            wanted: "a request that this version knows",
            found: `its version of gnomic does not know ${JSON.stringify(request)}`,
            fix: "Update gnomic on the worker's machine.",
          }));
        yield* steerRun(yield* findRun(dir, "."), asked);
      }),
  }));
