// What of this machine can show in the last bits of a result: its processor, with those of its features that
// fast kernels choose by. For a run's manifest, never for a result.
// The trap: only Linux tells features; elsewhere the processor's name has to do. And Deno's and Node's `cpus`
// do not name all processors alike, so a run that went on under the other would have changed its machine.
import { readFileSync } from "node:fs";
import { arch, cpus, hostname } from "node:os";
import process from "node:process";

/** As /proc/cpuinfo writes them: vectors, their fused and short products, matrices. */
const widths = /^(avx|fma|f16c|amx|asimd|sve|sme(?!p)|bf16|i8mm)/;

/** The features in the text of /proc/cpuinfo that kernels choose by. */
export const featuresIn = (cpuinfo: string): readonly string[] => {
  const line = /^(?:flags|Features)\s*:(.*)$/m.exec(cpuinfo)?.[1] ?? "";
  return line.split(/\s+/).filter((flag) => widths.test(flag)).toSorted();
};

/** The processor's name there; undefined: it tells none. */
export const modelIn = (cpuinfo: string): string | undefined =>
  /^(?:model name|CPU part)\s*:\s*(.*\S)/m.exec(cpuinfo)?.[1];

const cpuinfo = (): string => {
  if (process.platform !== "linux") return "";
  try {
    return readFileSync("/proc/cpuinfo", "utf8");
  } catch {
    return "";
  }
};

export interface Machine {
  readonly name: string;
  /** Its kind and its name. */
  readonly processor: string;
  readonly features: readonly string[];
}

export const thisMachine = (): Machine => {
  const text = cpuinfo();
  // On Windows Deno hands over the zeros behind the name, too.
  const model = modelIn(text) ?? cpus()[0]?.model.replaceAll("\0", "").trim();
  return {
    name: hostname(),
    processor: [arch(), model].filter(Boolean).join(" "),
    features: featuresIn(text),
  };
};
