// Damage done to files for the fuzz suites, the same for the same seed: to their bytes, and to the values in
// their JSON, which get past a parser.
// The trap: a change must change something, or a reader is blamed for reading well.
import { randomInt } from "../../engine/random/draw.ts";
import { asFault } from "../../lib/as-fault.ts";
import type { Fault } from "../../lib/fault.ts";

/** The case's damaged bytes; never the same ones as before. */
export function damaged(whole: Uint8Array, seed: number): Uint8Array {
  const draw = (purpose: string, below: number) =>
    randomInt({ seed, purpose, step: 0, item: 0 }, Math.max(1, below));
  const at = draw("at", whole.length);
  const length = 1 + draw("length", Math.min(64, whole.length - at));
  const head = whole.subarray(0, at);
  const ways: readonly (() => Uint8Array)[] = [
    () => whole.map((byte, i) => i === at ? byte ^ (1 << draw("bit", 8)) : byte),
    () => head,
    () => Buffer.concat([head, whole.subarray(at + length)]),
    () => Buffer.concat([head, whole.subarray(at, at + length), whole.subarray(at)]),
    () => whole.map((byte, i) => i >= at && i < at + length ? draw("fill", 256) : byte),
    () => Buffer.concat([whole, head]),
    () => whole.map((byte, i) => i >= at && i < at + length ? 0x30 + draw(`digit ${i}`, 10) : byte),
  ];
  const made = ways[draw("way", ways.length)]();
  return Buffer.compare(made, whole) === 0 ? Buffer.concat([whole, Buffer.from(" ")]) : made;
}

export type Outcome = { readonly value: unknown } | { readonly fault: Fault };

/** How a reader ends: a value, or a fault as the program would say it. */
export const outcomeOf = async (read: () => Promise<unknown>): Promise<Outcome> => {
  try {
    return { value: await read() };
  } catch (cause) {
    return { fault: asFault(cause) };
  }
};

const odd: readonly unknown[] = [
  ...[
    null,
    true,
    "",
    "\u0000",
    -1,
    0.5,
    0,
    1e9,
    1e300,
    2 ** 53,
    [],
    {},
    [[]],
    "../../x",
    "a".repeat(9000),
  ],
  ...[{ toString: 1 }, [{ toString: 1 }], JSON.parse('{"__proto__":{"x":1}}'), { length: 1e9 }],
  ...[Array(5000).fill(1), JSON.parse("[".repeat(2000) + "]".repeat(2000))],
];

/** One value somewhere in JSON replaced by an odd one, or its key removed. */
export function oddValue(json: unknown, seed: number): unknown {
  const copy = structuredClone({ json });
  const places: (readonly [holder: Record<string, unknown>, key: string])[] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    for (const key of Object.keys(value)) {
      places.push([value as Record<string, unknown>, key]);
      visit((value as Record<string, unknown>)[key]);
    }
  };
  visit(copy);
  const draw = (purpose: string, below: number) =>
    randomInt({ seed, purpose, step: 0, item: 0 }, below);
  const [holder, key] = places[draw("place", places.length)];
  const value = odd[draw("value", odd.length + 1)];
  if (value === undefined && holder !== copy) delete holder[key];
  else holder[key] = value ?? null;
  return copy.json;
}
