// Several findings at once, as one fault. Nothing starts while one of them stands.
// The trap: its kind is the most serious among them (ours, the world's, the user's), for the exit code.
import { type Fault, fault, type FaultKind } from "./fault.ts";

const seriousness: readonly FaultKind[] = ["defect", "world", "user"];

export class Faults extends fault("Faults", "user") {
  readonly faults: readonly Fault[];
  override readonly kind: FaultKind;

  constructor(faults: readonly Fault[]) {
    super({
      wanted: "a pipeline without problems",
      found: `${faults.length} of them`,
      fix: faults.map((each) => each.message).join("\n"),
    });
    this.faults = faults;
    this.kind = seriousness.find((kind) => faults.some((each) => each.kind === kind)) ?? "user";
  }

  override get message(): string {
    return [`${this.faults.length} problems:`, ...this.faults.map((each) => each.message)].join(
      "\n  ",
    );
  }
}

/**
 * One stays itself, several become `Faults`, and those inside `Faults` are taken out. Stages that need the
 * same thing find the same fault; it is said once.
 */
export function allFaults(faults: readonly Fault[]): Fault {
  const all = faults.flatMap((each) => each instanceof Faults ? each.faults : [each]);
  const flat = [...new Map(all.map((each) => [each.message, each])).values()];
  return flat.length === 1 ? flat[0] : new Faults(flat);
}
