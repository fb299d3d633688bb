// Executes a plan, and where a stage meets a damaged or lost blob, has what made it made again.
// The trap: a blob of a stream may belong to a stage that owes nothing any more; it is asked to run once
// more for it, and goes on from its own state.
import { basename } from "node:path";
import { Effect } from "effect";
import type { Fault } from "../../lib/fault.ts";
import { CorruptBlob } from "../store/blob-store.ts";
import { streamMentions } from "../store/durable-stream.ts";
import { Files } from "../../lib/files.ts";
import type { Plan } from "../plan/plan.ts";
import { planRun, publishPlan } from "../plan/plan-run.ts";
import type { Prepared } from "../plan/prepare.ts";
import { select } from "../plan/select.ts";
import { execute, type Outcomes } from "./execute.ts";
import type { Surroundings } from "./stage-tools.ts";

/** How often damaged results are made again before the disk is blamed. */
const repairs = 3;

/** Executes; where a stage meets a damaged blob, what made it is made again. */
export const executeRepairing = (
  prepared: Prepared,
  plan: Plan,
  surroundings: Omit<Surroundings, "resources">,
  left = repairs,
): Effect.Effect<Outcomes, Fault> =>
  Effect.gen(function* () {
    const files = yield* Files;
    const { events } = surroundings;
    const stages = new Map(prepared.stages.map((each) => [each.id, each]));
    const result = yield* Effect.result(execute(plan, stages, surroundings));
    const faults = result._tag === "Failure"
      ? [result.failure]
      : [...result.success.values()].flatMap((each) => each.outcome === "failed" ? each.fault : []);
    const corrupt = faults.find((fault) => fault instanceof CorruptBlob);
    if (corrupt === undefined || left === 0) return yield* Effect.fromResult(result);
    yield* events.publish({
      event: "warning",
      text: `${corrupt.message} It is made again now.`,
    });
    yield* Effect.ignore(files.remove(corrupt.file!, { force: true }));
    // What made it may have nothing else to do; then it is asked to run for this, before its readers.
    for (const id of yield* streamWriters(prepared, surroundings.runDir, basename(corrupt.file!))) {
      const upTo = yield* select(prepared.stages, { until: id });
      const forced = new Map([[id, "a lost blob of its stream"]]);
      const making = yield* planRun({ ...prepared, selection: { ...upTo, forced } });
      yield* execute(making, stages, surroundings);
    }
    const again = yield* planRun(prepared);
    yield* publishPlan(again, events);
    return yield* executeRepairing(prepared, again, surroundings, left - 1);
  });

/** The stages whose streams refer to a blob. */
const streamWriters = ({ stages }: Prepared, runDir: string, digest: string) =>
  Effect.filter(stages.map(({ id }) => id), (id) => {
    const ports = Object.keys(stages.find((each) => each.id === id)!.stage.writes);
    return Effect.map(
      Effect.forEach(ports, (port) => streamMentions(runDir, id, port, digest)),
      (found) => found.includes(true),
    );
  });
