// The runner as a library: what a stage, an app, or a program that runs pipelines imports.
// The trap: stages that live outside the project cannot import this by path; they are handed the same names
// (toolkit.ts).
export { Effect, Schema, Stream } from "../lib/effect.ts";
export { type Fault, fault, type FaultFields, type Place } from "../lib/fault.ts";
export { tryPromise, tryWithProgress } from "../lib/try-promise.ts";
export { type App, type ConfigurationWish, type Facts, type FactsWish, noFacts } from "./app.ts";
export {
  type AnyArtefactType,
  artefact,
  type ArtefactType,
  Blob,
  drafted,
  type Ports,
  stream,
} from "./artefact.ts";
export type { OwnRequest } from "./control.ts";
export {
  type AnyEvent,
  type EventKind,
  type EventKinds,
  eventSchema,
  type OwnEvent,
  type RunnerEvent,
  type UnstampedEvent,
} from "./events.ts";
export type { RunObserver } from "./execute/observers.ts";
export type { RunOutcome } from "./execute/outcome.ts";
export type { RunOrigin } from "./run-folder/run-origin.ts";
export type { Observation } from "./execute/run-attempt.ts";
export { runPipeline } from "./execute/run-pipeline.ts";
export { makeStopSignal, type StopSignal } from "./execute/stop-signal.ts";
export { openApp } from "./open-app.ts";
export type { Source } from "../lib/source.ts";
export { type Composition, pipeline } from "./pipeline/compose.ts";
export type { ConfigLayers, Configuration, JsonObject } from "./options/configuration.ts";
export type { PipelineStep, StageUse } from "./pipeline/pipeline.ts";
export type { RunChoice } from "./plan/choose-run.ts";
export { explainPlan } from "./plan/explain.ts";
export { planRun } from "./plan/make-plan.ts";
export type { Plan, PlannedStage } from "./plan/plan.ts";
export { type Command, prepare, type Prepared } from "./plan/prepare.ts";
export type { Selectors } from "./plan/select.ts";
export {
  type AnyStage,
  type ArtefactValue,
  defineStage,
  type Drafted,
  type InputTools,
  type OutputWriters,
  type Places,
  type RemainingWork,
  type Results,
  type RunInfo,
  type Stage,
  type StageInputs,
  type StageTools,
} from "./stage.ts";
