// The numerics as a library: a model, an engine on a device, pictures, training steps, optimizers, samplers,
// tensors in files. It knows no pipelines, and takes of Effect no more than Schema and the base of errors.
// The trap: whoever gets an engine closes it, and its device with it.
export { type Fault, type FaultKind, type Place } from "../lib/fault.ts";
export {
  readHeader,
  readSafetensors,
  type TensorToWrite,
  writeSafetensors,
} from "../lib/safetensors/safetensors.ts";
export type { StoredDType } from "../lib/safetensors/dtype.ts";
export type { Tensor } from "./device/messages.ts";
export type { Provider } from "./device/providers.ts";
export { type SamplerName, samplers } from "./diffusion/samplers/samplers.ts";
export { noiseSchedule } from "./diffusion/noise-schedule.ts";
export type { DType } from "./graph/graph.ts";
export { type MemoryPlan, memoryPlans } from "./memory/memory-plan.ts";
export {
  type OptimizerName,
  type OptimizerOptions,
  optimizers,
  type OptimizerState,
  startOptimizer,
  stepOptimizer,
} from "./optimise/optimizer.ts";
export type { Rows } from "./optimise/rows.ts";
export { normals, randomInt } from "./random/draw.ts";
export {
  drawPicture,
  type Embedding,
  type PictureRequest,
  promptTokenizers,
} from "./sample/draw-picture.ts";
export { latentSize } from "./sample/latent-size.ts";
export { type Captions, type StepResult, tensor, type TrainingBatch } from "./session/batch.ts";
export { Engine, type EngineOptions } from "./session/engine.ts";
export { type EngineWish, prepareEngine } from "./setup/prepare-engine.ts";
export { type Model, openModel } from "./weights/model.ts";
