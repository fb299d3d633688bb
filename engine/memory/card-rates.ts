// Cards that a training may be planned for without having one: memory, arithmetic and bandwidth as their
// makers' data sheets have them, and what ONNX Runtime is expected to make of that.
// The trap: nobody measured these. NVIDIA's sheets also print twice or four times the rate that counts
// here, which is dense, in float16 with sums in float32.
import { type Provider, providers } from "../device/providers.ts";
import type { DType } from "../graph/graph.ts";
import type { DeviceRate } from "./step-time.ts";

export interface KnownCard {
  readonly name: string;
  /** GiB. */
  readonly memory: number;
  /** TFLOP/s of tensor cores; undefined: it has none that CUDA 13 uses. */
  readonly tensor?: number;
  /** TFLOP/s in float32. */
  readonly plain: number;
  /** GB/s. */
  readonly bandwidth: number;
}

const card = (
  name: string,
  memory: number,
  tensor: number | undefined,
  plain: number,
  bandwidth: number,
): KnownCard => ({ name, memory, ...(tensor === undefined ? {} : { tensor }), plain, bandwidth });

export const knownCards: readonly KnownCard[] = [
  card("RTX 2060", 6, 25.8, 6.5, 336),
  card("RTX 2080 Ti", 11, 53.8, 13.4, 616),
  card("RTX 3060", 12, 25.5, 12.7, 360),
  card("RTX 3070", 8, 40.6, 20.3, 448),
  card("RTX 3080", 10, 59.5, 29.8, 760),
  card("RTX 3090", 24, 71, 35.6, 936),
  card("RTX 4060", 8, 30.2, 15.1, 272),
  card("RTX 4060 Ti 16GB", 16, 44.1, 22.1, 288),
  card("RTX 4070", 12, 58.3, 29.1, 504),
  card("RTX 4080", 16, 97.5, 48.7, 717),
  card("RTX 4090", 24, 165, 82.6, 1008),
  card("RTX 5070", 12, 61.7, 30.9, 672),
  card("RTX 5080", 16, 112, 56.3, 960),
  card("RTX 5090", 32, 209, 105, 1792),
  card("RX 6800", 16, undefined, 16.2, 512),
  card("RX 7900 XTX", 24, undefined, 61.4, 960),
  card("Arc A770", 16, undefined, 19.7, 560),
];

/** Undefined where the provider does not work on the card. */
export function expectedRate(
  { tensor, plain, bandwidth }: KnownCard,
  provider: Exclude<Provider, "cpu">,
  compute: DType,
): DeviceRate | undefined {
  if (provider === "cuda" && tensor === undefined) return undefined;
  const share = providers[provider].card;
  const best = provider === "cuda" && compute === "float16" ? tensor! : plain;
  return {
    flops: best * 1e12 * share.arithmetic,
    perByte: 1 / (bandwidth * 1e9 * share.bandwidth),
    launch: share.launch,
  };
}

/** By a part of the name, or else of about so much memory; where none has it, all. */
export function cardsLike(name: string | null, memory: number | null): readonly KnownCard[] {
  if (name !== null) {
    return knownCards.filter((each) => each.name.toLowerCase().includes(name.toLowerCase()));
  }
  const near = memory === null
    ? []
    : knownCards.filter((each) => Math.abs(each.memory - memory) <= 1);
  return near.length > 0 ? near : knownCards;
}
