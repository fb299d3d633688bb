// The providers that ONNX Runtime computes on, as one table: options, help, the order of `auto` and what a plan
// expects of a card follow from it. A new one is a row here, and what it lacks in lower.ts.
// The trap: a name here says nothing of this machine. What its package has, installed-providers.ts lists;
// what works, the self-check finds out.

const mebibyte = 2 ** 20;
const gibibyte = 2 ** 30;

/** What a provider takes of a card and makes of it. Worked out from ONNX Runtime's source, not measured. */
export interface CardUse {
  /** Bytes beside tensors: the driver's context, its libraries, their workspaces. */
  readonly context: number;
  /** What its allocator makes of the activations' bytes. */
  readonly activations: (bytes: number) => number;
  /** What a weight of so many bytes takes. */
  readonly weight: (bytes: number) => number;
  /** The share of the data sheet's arithmetic that is expected. */
  readonly arithmetic: number;
  /** The share of its bandwidth. */
  readonly bandwidth: number;
  /** Seconds a node. */
  readonly launch: number;
}

const asTheyAre = (bytes: number) => bytes;
/** The driver gives memory in pieces of 2 MiB; small weights share them. */
const inPages = (bytes: number) =>
  bytes < mebibyte ? bytes : Math.ceil(bytes / (2 * mebibyte)) * 2 * mebibyte;
/** An arena that grows by a gibibyte at a time. */
const grown = (bytes: number) =>
  bytes > gibibyte
    ? Math.ceil(bytes / gibibyte) * gibibyte
    : 2 ** Math.ceil(Math.log2(Math.max(bytes, mebibyte)));
/** Buffers in sizes of its own. */
const quarterMore = (bytes: number) => 1.25 * bytes;

/** What is known of a provider beforehand, for people and for the choice. */
export interface ProviderKind {
  /** For which devices, and by which means. */
  readonly title: string;
  /** The systems whose package has it, in words. */
  readonly systems: string;
  /** Why `auto` leaves it alone; undefined: it does not. */
  readonly notAuto?: string;
  /** How one of several cards is chosen: by ONNX Runtime's `deviceId`, or the driver chooses. */
  readonly cards: "deviceId" | "driver" | "none";
  /** Its name as ONNX Runtime writes it into a profile. */
  readonly profiled: string;
  /** Undefined: it computes on the processor. */
  readonly card?: CardUse;
}

/** From the one that is usually fastest; the CPU always works, and comes last. */
export const providers = {
  cuda: {
    title: "NVIDIA cards, by CUDA 13",
    systems: "Linux x64",
    cards: "deviceId",
    profiled: "CUDAExecutionProvider",
    card: {
      context: 0.7 * gibibyte,
      activations: grown,
      weight: inPages,
      arithmetic: 0.5,
      bandwidth: 0.75,
      launch: 6e-6,
    },
  },
  webgpu: {
    title: "cards of any maker, by Vulkan, Direct3D 12 or Metal",
    systems: "Linux x64, Windows, Macs with Apple's chips",
    cards: "driver",
    profiled: "WebGpuExecutionProvider",
    card: {
      context: 0.5 * gibibyte,
      activations: quarterMore,
      weight: asTheyAre,
      arithmetic: 0.3, // its shaders cannot use tensor cores
      bandwidth: 0.6,
      launch: 2e-5,
    },
  },
  dml: {
    title: "cards of any maker, by DirectML",
    systems: "Windows",
    notAuto: "nobody has measured a training on it yet",
    cards: "deviceId",
    profiled: "DmlExecutionProvider",
    card: {
      context: 0.5 * gibibyte,
      activations: quarterMore,
      weight: inPages,
      arithmetic: 0.3,
      bandwidth: 0.6,
      launch: 1e-5,
    },
  },
  cpu: {
    title: "the processor",
    systems: "everywhere but on Macs with Intel's chips",
    cards: "none",
    profiled: "CPUExecutionProvider",
  },
} as const satisfies Readonly<Record<string, ProviderKind>>;

/** What ONNX Runtime computes on, by its names: an NVIDIA card, any card, DirectML's, the processor. */
export type Provider = keyof typeof providers;

export const providerKind = (provider: Provider): ProviderKind => providers[provider];

export const providerNames = Object.keys(providers) as readonly Provider[];

/** Names of before, and others by which people call a card, with what to use in their place. */
export const retiredProviders: Readonly<Record<string, string>> = {
  gpu: "auto takes the fastest card that works here.",
  directml: "It is called dml.",
  rocm: "Cards of AMD compute with webgpu.",
  metal: "A Mac's graphics compute with webgpu.",
  mps: "A Mac's graphics compute with webgpu.",
  coreml: "CoreML takes no part of a training graph, so all of it was computed on the processor. " +
    "Use provider: webgpu, which computes on a Mac's graphics.",
};
