// The numerics as a library: a model, an engine on a device, pictures, training steps, optimizers, samplers. It knows
// no pipelines, and takes of Effect no more than Schema and the base of errors.
// The trap: whoever gets an engine closes it, and its device with it.
export type { Fault, FaultFields } from "../lib/fault.ts";
export type { Tensor } from "./device/messages.ts";
export { type Provider, providers } from "./device/providers.ts";
export { type SamplerName, samplers } from "./diffusion/samplers/samplers.ts";
export { type NoiseSchedule, noiseSchedule } from "./diffusion/noise-schedule.ts";
export { type MemoryPlan, memoryPlans } from "./memory/memory-plan.ts";
export type { ModelConfigs, SchedulerConfig } from "./networks/config.ts";
export type { Size } from "./networks/graphs.ts";
export {
  type OptimizerName,
  type OptimizerOptions,
  optimizers,
  type OptimizerState,
  startOptimizer,
  stepOptimizer,
} from "./optimise/optimizer.ts";
export type { Rows } from "./optimise/rows.ts";
export { type Address, normals } from "./random/draw.ts";
export { drawPicture, type Embedding, type PictureRequest } from "./sample/draw-picture.ts";
export type { Moments } from "./session/vae.ts";
export {
  type Captions,
  type Conditioning,
  type Denoising,
  type StepResult,
  tensor,
  type TrainingBatch,
} from "./session/batch.ts";
export type { Engine } from "./session/engine.ts";
export type { GraphKind } from "./session/session-pool.ts";
export type { DeviceWish } from "./setup/choose-device.ts";
export { type EngineWish, prepareEngine } from "./setup/prepare-engine.ts";
export type { PoolingRule } from "./text/pooling.ts";
export { type Model, openModel, type OpenModelOptions } from "./weights/model.ts";
