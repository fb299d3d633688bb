// What of this machine can show in the last bits of a result: its processor, with those of its features that
// fast kernels choose by. For a run's manifest, never for a result.
// The trap: only Linux tells features; elsewhere the processor's name has to do.
import { readFileSync } from "node:fs";
import { arch, cpus, hostname } from "node:os";
import process from "node:process";

/** As /proc/cpuinfo writes them: vectors, their fused and short products, matrices. */
const widths = /^(avx|fma|f16c|amx|asimd|sve|sme|bf16|i8mm)/;

/** The features in the text of /proc/cpuinfo that kernels choose by. */
export const featuresIn = (cpuinfo: string): readonly string[] => {
  const line = /^(?:flags|Features)\s*:(.*)$/m.exec(cpuinfo)?.[1] ?? "";
  return line.split(/\s+/).filter((flag) => widths.test(flag)).toSorted();
};

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

export const thisMachine = (): Machine => ({
  name: hostname(),
  processor: [arch(), cpus()[0]?.model.trim()].filter(Boolean).join(" "),
  features: featuresIn(cpuinfo()),
});
