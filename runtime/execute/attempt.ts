// What one attempt writes into its run's manifest: at its start that it began, at its end how it went. An
// attempt that was killed is one that never ended.
import { Clock, Effect } from "effect";
import type { Fault } from "../../engine/fault.ts";
import type { Outcomes } from "./execute.ts";
import { type Attempt, type Manifest, writeManifest } from "./manifest.ts";
import type { Prepared } from "../plan/prepare.ts";
import { savedStep } from "./state.ts";
import { versions } from "./versions.ts";

const worldOf = ({ stages }: Prepared): Manifest["inputs"] =>
  Object.fromEntries(
    stages.flatMap(({ id, world }) =>
      world === null || world instanceof Error ? [] : [[id, world]]
    ),
  );

const newManifest = (prepared: Prepared): Manifest => ({
  format: 1,
  run: prepared.run.name,
  pipeline: prepared.pipeline,
  trigger: prepared.configuration.trigger,
  identities: [],
  identity: prepared.identity.json,
  configuration: {},
  seed: prepared.seed,
  device: prepared.device,
  memoryPlan: prepared.memory?.plan ?? null,
  scheduleSteps: null,
  inputs: {},
  outputs: {},
  attempts: [],
  status: "unfinished",
  parent: prepared.run.similar.find(({ complete }) => !complete)?.run ?? null,
});

/** Notes that an attempt begins. */
export const beginAttempt = Effect.fnUntraced(function* (prepared: Prepared) {
  const { run, identity, values, device, memory } = prepared;
  const before = run.found?.manifest ?? newManifest(prepared);
  const attempt: Attempt = {
    versions,
    startedAt: yield* Clock.currentTimeMillis,
    endedAt: null,
    fromStep: (yield* savedStep(run.dir)) ?? 0,
    toStep: null,
    exit: null,
  };
  const manifest: Manifest = {
    ...before,
    identities: [...new Set([...before.identities, identity.digest])],
    identity: identity.json,
    configuration: values as Manifest["configuration"],
    device,
    memoryPlan: memory?.plan ?? null,
    scheduleSteps: run.scheduleSteps,
    inputs: worldOf(prepared),
    attempts: [...before.attempts, attempt],
    status: "unfinished",
  };
  yield* writeManifest(run.dir, manifest);
  return manifest;
});

/** Notes how the attempt ended, which its manifest `begun` began. */
export const endAttempt = (
  dir: string,
  begun: Manifest,
  end: { readonly exit: number; readonly complete: boolean; readonly outcomes: Outcomes },
): Effect.Effect<void, Fault> =>
  Effect.gen(function* () {
    const last: Attempt = {
      ...begun.attempts.at(-1)!,
      endedAt: yield* Clock.currentTimeMillis,
      toStep: (yield* savedStep(dir)) ?? 0,
      exit: end.exit,
    };
    const outputs = Object.fromEntries(
      [...end.outcomes].flatMap(([id, outcome]) =>
        outcome.outcome === "finished" ? [[id, outcome.outputs]] : []
      ),
    );
    yield* writeManifest(dir, {
      ...begun,
      outputs: { ...begun.outputs, ...outputs },
      attempts: [...begun.attempts.slice(0, -1), last],
      status: end.complete ? "complete" : "unfinished",
    });
  });
