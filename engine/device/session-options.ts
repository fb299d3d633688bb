// ONNX Runtime's session options by provider. All measured on the CPU: memory patterns double the peak
// from the second run on; the optimisers gain little on a training graph and cost ten seconds at load,
// and a folded cast of a weight would hold a converted copy of it. The VAE, nothing but convolutions, is
// a third faster with them (blocked layouts), loads as fast, and has few weights; so has a small model
// (small-model.ts).
// The trap: on a GPU it is the other way round: there folding and fusing happen once and pay for ever.
import type { InferenceSession } from "onnxruntime-node";
import type { SessionSettings } from "./messages.ts";

/**
 * How long a thread waits awake for its next operator. Measured on two cores of which another program kept
 * one busy: a step took 6.6 s without an end, as by default, 4.2 s with 50 microseconds, 3.5 s asleep at
 * once; on idle cores to be asleep at once costs 7 %.
 */
const spinMicroseconds = "100";

/**
 * Passes over the graph that find nothing here which makes a step faster (its results are the same to the
 * bit), but change it, so that all others look through it again. Without them the sample's training graph
 * is loaded in 0.65 s of processor time, with them in 0.84.
 */
const idlePasses = [
  "CommonSubexpressionElimination",
  "GatherSliceToSplitFusion",
  "ReshapeFusion",
].join(";");

export function sessionOptions(
  { provider, deviceId, threads, mapWeights, keepMemory = true }: SessionSettings,
  folder: string,
  optimised: boolean,
): InferenceSession.SessionOptions {
  const onCpu = provider === "cpu";
  return {
    executionProviders: [deviceId === undefined ? provider : { name: provider, deviceId }],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    enableCpuMemArena: keepMemory,
    enableMemPattern: false,
    logSeverityLevel: 3,
    graphOptimizationLevel: onCpu && !optimised ? "disabled" : "all",
    extra: {
      session: {
        model_external_initializers_file_folder_path: folder,
        disable_prepacking: onCpu && mapWeights && !optimised ? "1" : "0",
        use_device_allocator_for_initializers: "1",
        intra_op: { spin_duration_us: spinMicroseconds },
      },
      ...(onCpu ? { optimization: { disable_specified_optimizers: idlePasses } } : {}),
    },
  };
}
