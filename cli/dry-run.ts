// `pipeline <name> --dry-run`: what would be done and why, what it takes of memory and time, and all that is wrong.
// The trap: what does not fit here may be meant for another machine; that is said and is no fault.
import { Effect } from "effect";
import { explainPlan } from "../runtime/plan/explain.ts";
import { keepDigests, planRun } from "../runtime/plan/make-plan.ts";
import { preflight } from "../runtime/plan/preflight.ts";
import { type Command as PipelineCommand, prepare } from "../runtime/plan/prepare.ts";
import type { Terminal } from "./command.ts";
import { memoryTable } from "./memory-table.ts";
import { othersToStderr } from "./others-to-stderr.ts";
import { plainText } from "./plain-text.ts";
import { timeTable } from "./time-table.ts";

/** `json`: the plan as one value, and nothing else on standard output. */
export const dryRun = (command: PipelineCommand, json: boolean, terminal: Terminal) =>
  Effect.gen(function* () {
    const aside = json ? yield* othersToStderr : null;
    const print = aside === null ? terminal.print : (line: string) => aside.write(`${line}\n`);
    const prepared = yield* prepare(command);
    const made = yield* planRun(prepared);
    const plan = prepared.seedIsDrawn ? { ...made, seed: null } : made;
    if (json) {
      const { facts, ...rest } = plan;
      print(JSON.stringify({ ...rest, ...facts }));
    } else {
      const lines = [
        ...prepared.notes,
        ...prepared.warnings,
        ...explainPlan(plan),
        ...memoryTable(plan),
        ...timeTable(plan),
      ];
      lines.map(plainText).forEach(print);
    }
    yield* keepDigests(prepared);
    const { refusal } = prepared.facts;
    if (refusal !== undefined && !json) print(`Not on this machine: ${refusal.message}`);
    yield* preflight(prepared, plan);
  });
