// How long a step and the whole training would take, for --dry-run: a line for each device.
// The trap: these are estimates, and the head says of what kind.
import { aboutText, lengthText, type TimeTable } from "../inversion/model/find-time.ts";
import type { Plan } from "../runtime/plan/plan.ts";
import { table } from "./table.ts";

const cell = (seconds: number | null) => seconds === null ? "-" : aboutText(seconds);

/** No lines where nobody can say, and where it is short. */
export function timeTable({ facts }: Plan): readonly string[] {
  const time = facts.time as TimeTable | undefined;
  if (time === undefined) return [];
  const from = time.measured ? "measured on a small network" : "estimated from data sheets";
  const length = lengthText(time);
  const head = [`time, ${from}`, "plan", "a step", length];
  const lines = time.rows.map(({ device, plan, step, training }) => [
    device,
    plan ?? "does not fit",
    cell(step),
    length === "" ? "" : cell(training),
  ]);
  return table([head, ...lines], new Set([2, 3]));
}
