// The providers that ONNX Runtime computes on, as one table: options, help and the order of `auto` follow
// from it. A new one is a line here, and what it lacks in lower.ts.
// The trap: a name here says nothing of this machine. What its package has, installed-providers.ts lists;
// what works, the self-check finds out.

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
}

/** From the one that is usually fastest; the CPU always works, and comes last. */
export const providers = {
  cuda: {
    title: "NVIDIA cards, by CUDA 13",
    systems: "Linux x64",
    cards: "deviceId",
  },
  webgpu: {
    title: "cards of any maker, by Vulkan, Direct3D 12 or Metal",
    systems: "Linux x64, Windows, Macs with Apple's chips",
    cards: "driver",
  },
  dml: {
    title: "cards of any maker, by DirectML",
    systems: "Windows",
    notAuto: "nobody has measured a training on it yet",
    cards: "deviceId",
  },
  cpu: {
    title: "the processor",
    systems: "everywhere but on Macs with Intel's chips",
    cards: "none",
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
