// How the machines of a run's attempts differ in what decides the last bits: processor, what it computed on,
// versions of packages. A run that travelled between alike machines has the bytes of one that stayed.
// The trap: attempts of before name no machine; of those nothing is known, and nothing said. The runtime is
// left out, since Deno and Node give the same bytes.
import type { Machine } from "./this-machine.ts";

/** Where something was made, and by what. */
export interface MadeOn {
  readonly machine?: Machine & { readonly device: string | null };
  readonly versions: Readonly<Record<string, string>>;
}

type Aspects = Readonly<Record<string, string>>;

const aspectsOf = ({ machine, versions: { runtime: _, ...packages } }: MadeOn): Aspects | null =>
  machine === undefined ? null : {
    processor: [machine.processor, ...machine.features].join(" "),
    device: machine.device ?? "none",
    ...packages,
  };

/** What one has and the other lacks of words, when the rest is the same; else the words themselves. */
function apart(values: readonly string[]): readonly string[] {
  const words = values.map((value) => new Set(value.split(" ")));
  const short = words.map((mine) =>
    [...mine].filter((word) => !words.every((all) => all.has(word))).join(" ") || "without"
  );
  return new Set(short).size === values.length ? short : values;
}

/** For people; null: they do not differ, as far as is known. */
export function machinesDiffer(attempts: readonly MadeOn[]): string | null {
  const known = attempts.map(aspectsOf).filter((each) => each !== null);
  const keys = [...new Set(known.flatMap((each) => Object.keys(each)))];
  const differing = keys.flatMap((key) => {
    const values = [...new Set(known.map((each) => each[key] ?? "none"))];
    return values.length < 2 ? [] : [`${key} (${apart(values).join(" / ")})`];
  });
  return differing.length === 0
    ? null
    : `made on machines that differ in ${differing.join(", ")}: its bytes may differ from those ` +
      "of a run on one machine";
}
