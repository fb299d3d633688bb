// Asks the training in a run's folder to stop, save or validate, or marks a checkpoint as the chosen one.
// The trap: a request is answered by the process that runs, within a step; this only hands it over.
import { Effect } from "effect";
import { type Fault, fault } from "../../lib/fault.ts";
import { tryPromise } from "../../lib/try-promise.ts";
import { steer } from "./steer.ts";
import { newRunReader } from "./run-reader.ts";
import type { ControlRequest } from "../../inversion/requests.ts";
import type { SurveyedRun } from "../../runtime/runs/survey.ts";

export class CannotSteer extends fault("CannotSteer", "user") {}

const fixes: Readonly<Record<ControlRequest["request"], string>> = {
  stop: "Nothing has to be stopped; `runs show` says how it ended.",
  save: "Give its command again to train on; `runs show` lists the files that it has.",
  validate: "`generate` makes pictures with any of its files.",
  choose: "`runs show` lists its checkpoints.",
};

/** Fails with CannotSteer. */
export const steerRun = (
  { dir }: SurveyedRun,
  request: ControlRequest,
): Effect.Effect<void, Fault> =>
  Effect.gen(function* () {
    const refusal = yield* tryPromise(async () =>
      steer({ dir, state: (await newRunReader(dir).read()).state }, request)
    );
    if (refusal === undefined) return;
    return yield* Effect.fail(
      new CannotSteer({
        file: dir,
        wanted: `a run that can be asked: ${request.request}`,
        found: refusal,
        fix: fixes[request.request],
      }),
    );
  });
