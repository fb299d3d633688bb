// Everything that is wrong with a configuration, said at once: each finding has its file, line and
// key, what was wanted, what was found and what to do.
// The trap: a configuration is never half accepted; one finding is enough to refuse it.
import { fewOfEach } from "../../lib/few-of-each.ts";
import { describeFault, fault, type FaultFields } from "../../lib/fault.ts";

export type Finding = FaultFields;

const byPlace = (a: Finding, b: Finding) =>
  (a.file ?? "").localeCompare(b.file ?? "") || (a.line ?? 0) - (b.line ?? 0);

export class ConfigFault extends fault("ConfigFault", "user") {
  readonly findings: readonly Finding[];

  constructor(findings: readonly Finding[]) {
    const sorted = findings.toSorted(byPlace);
    super(
      sorted.length === 1 ? sorted[0] : {
        wanted: "a valid configuration",
        found: `${sorted.length} problems`,
        fix: sorted.map(describeFault).join("\n"),
      },
    );
    this.findings = sorted;
  }

  /** One for each finding, to be counted and said beside other faults (lib/fault.ts). */
  get faults(): readonly ConfigFault[] {
    return this.findings.length === 1
      ? [this]
      : this.findings.map((finding) => new ConfigFault([finding]));
  }

  override get message(): string {
    const lines = fewOfEach(this.findings, describeFault);
    return this.findings.length === 1
      ? lines[0]
      : [`${this.findings.length} problems in the configuration:`, ...lines].join("\n  ");
  }
}
