// What this process is to a fleet when it trains: its name, its machine, the versions of its stages, and how
// it hands on what its runs are asked for.
import { existsSync } from "node:fs";
import { hostname } from "node:os";
import process from "node:process";
import { Effect, Schema } from "effect";
import { lacks } from "../fleet/fleet-status.ts";
import { foreignParts } from "../fleet/foreign-parts.ts";
import type { PlannedSweep } from "../fleet/planned-sweep.ts";
import type { Presence } from "../fleet/presence.ts";
import { versionsOfApp } from "../fleet/stage-versions.ts";
import { trainingApp } from "../inversion/app.ts";
import { ControlRequest } from "../inversion/requests.ts";
import type { Fault } from "../lib/fault.ts";
import { tryPromise } from "../lib/try-promise.ts";
import { steerRun } from "../observe/reading/steer-run.ts";
import { findRun } from "../runtime/runs/find-run.ts";
import { runtimeVersion } from "../runtime/platform/runtime.ts";
import { tool } from "../runtime/platform/versions.ts";

const decode = Schema.decodeUnknownEffect(ControlRequest);

export const presenceOf = (
  slots: number,
  customStages: boolean,
): Effect.Effect<Presence, Fault> =>
  Effect.map(tryPromise(() => versionsOfApp(trainingApp())), (versions): Presence => ({
    about: {
      machine: hostname(),
      pid: process.pid,
      slots,
      tool: `${tool}, ${runtimeVersion}`,
      versions,
      customStages,
    },
    steer: (dir, request) =>
      Effect.gen(function* () {
        const asked = yield* Effect.orDie(decode(request));
        yield* steerRun(yield* findRun(dir, "."), asked);
      }),
  }));

/** Whether this machine can train a sweep's trials; what it cannot it leaves to others. */
export const acceptsSweep = ({ about }: Presence) => (plan: PlannedSweep): Effect.Effect<boolean> =>
  Effect.gen(function* () {
    if (!existsSync(plan.base) || lacks(plan, about).length > 0) return false;
    if (about.customStages) return true;
    // What the plan says of its pipeline is anybody's word; the file is what would be run.
    const parts = yield* Effect.result(foreignParts(plan.pipeline, trainingApp()));
    return parts._tag === "Success" && parts.success.length === 0;
  });
