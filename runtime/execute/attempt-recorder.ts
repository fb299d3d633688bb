// What one attempt writes into its run's manifest: at its start that it began, then what each stage made,
// at its end how it went. The trap: an attempt that was killed is one that never ended.
import { Clock, Effect, Semaphore } from "effect";
import type { Fault } from "../../lib/fault.ts";
import { machinesDiffer } from "../../lib/machines-differ.ts";
import { thisMachine } from "../../lib/this-machine.ts";
import type { Prepared } from "../plan/prepare.ts";
import { versions } from "../platform/versions.ts";
import {
  type Attempt,
  type Manifest,
  manifestFormat,
  writeManifest,
} from "../run-folder/manifest.ts";
import { savedStep } from "../run-folder/state.ts";

const newManifest = (prepared: Prepared): Manifest => ({
  format: manifestFormat,
  run: prepared.run.name,
  pipeline: prepared.pipeline,
  trigger: prepared.configuration.trigger,
  identities: [],
  identity: prepared.identity.json,
  configuration: {},
  seed: prepared.seed,
  device: prepared.facts.device,
  facts: prepared.facts.kept as Manifest["facts"],
  scheduleSteps: null,
  inputs: {},
  outputs: {},
  attempts: [],
  status: "unfinished",
  parent: prepared.run.similar.find(({ complete }) => !complete)?.run ?? null,
});

export interface AttemptRecorder {
  /** Which attempt of its run this is, from 1. */
  readonly number: number;
  /** How its machine differs from those of before, where that was not so before it; for people. */
  readonly differs: string | null;
  /** What a stage made or reused. A note that cannot be written is made with the next one. */
  readonly keepOutputs: (
    stage: string,
    outputs: Readonly<Record<string, string>>,
  ) => Effect.Effect<void>;
  readonly end: (
    how: { readonly exit: number; readonly status: Manifest["status"] },
  ) => Effect.Effect<void, Fault>;
}

/** Notes that an attempt begins, and gives what notes the rest of it. */
export const beginAttempt = Effect.fn("beginAttempt")(function* (prepared: Prepared) {
  const { run, identity, values, facts } = prepared;
  const before = run.found?.manifest ?? newManifest(prepared);
  const attempt: Attempt = {
    versions,
    machine: { ...thisMachine(), device: facts.device },
    startedAt: yield* Clock.currentTimeMillis,
    endedAt: null,
    fromStep: (yield* savedStep(run.dir)) ?? 0,
    toStep: null,
    exit: null,
  };
  let manifest: Manifest = {
    ...before,
    format: manifestFormat,
    identities: [...new Set([...before.identities, identity.digest])],
    identity: identity.json,
    configuration: values as Manifest["configuration"],
    places: prepared.configuration.places,
    device: facts.device,
    facts: facts.kept as Manifest["facts"],
    scheduleSteps: run.scheduleSteps,
    inputs: prepared.info.inputs,
    attempts: [...before.attempts, attempt],
    status: "unfinished",
  };
  const turn = yield* Semaphore.make(1); // stages end at the same time
  const write = Effect.suspend(() => writeManifest(run.dir, manifest)).pipe(
    Semaphore.withPermit(turn),
  );
  yield* write;
  const differs = machinesDiffer(manifest.attempts);
  return {
    number: manifest.attempts.length,
    differs: differs === machinesDiffer(before.attempts) ? null : differs,
    keepOutputs: (stage, outputs) =>
      Effect.suspend(() => {
        manifest = { ...manifest, outputs: { ...manifest.outputs, [stage]: outputs } };
        return Effect.ignore(write);
      }),
    end: ({ exit, status }) =>
      Effect.gen(function* () {
        const last: Attempt = {
          ...attempt,
          endedAt: yield* Clock.currentTimeMillis,
          toStep: (yield* savedStep(run.dir)) ?? 0,
          exit,
        };
        manifest = {
          ...manifest,
          attempts: [...before.attempts, last],
          status,
        };
        yield* write;
      }),
  } satisfies AttemptRecorder;
});
