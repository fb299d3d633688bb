// Which output each input reads, found and checked before anything runs: name of the artefact, kind and
// fields. All complaints at once, each with the line of the pipeline file and both stages.
// The trap: a port without `reads` takes the only writer of its artefact among the other stages; a
// stage put between two others (captions in, captions out) makes its neighbours ambiguous.
import { Effect } from "effect";
import { allFaults, type Fault, fault, type Place } from "../../lib/fault.ts";
import { nearest } from "../../lib/nearest.ts";
import { schemaMisfit } from "../../lib/schema-fit.ts";
import { type AnyArtefactType, portsOf } from "../artefact.ts";
import type { PipelineStep } from "./pipeline.ts";
import { type Complaint, stepComplaints } from "./step-rules.ts";

export class WiringFault extends fault("WiringFault", "user") {}

/** An output: the id of a stage in the pipeline, and one of its ports. */
export interface OutputRef {
  readonly stage: string;
  readonly port: string;
}

/** A stage that knows what it reads. */
export interface Wired extends PipelineStep {
  readonly reads: Readonly<Record<string, OutputRef>>;
}

const textOf = ({ stage, port }: OutputRef) => `${stage}.${port}`;
const list = (names: readonly string[]) => names.length === 0 ? "none" : names.join(", ");
const keyOf = ({ id, use }: PipelineStep, port: string) =>
  use.reads?.[port] === undefined ? `stages.${id}` : `stages.${id}.reads.${port}`;
const isComplaint = (value: OutputRef | Complaint): value is Complaint => "wanted" in value;

/** `reads` names ports that the stage does not have. */
const strayPorts = ({ id, stage, use }: PipelineStep): readonly Complaint[] =>
  Object.keys(use.reads ?? {}).filter((port) => !Object.hasOwn(stage.reads, port)).map((port) => {
    const known = Object.keys(stage.reads);
    const near = nearest(port, known);
    return {
      key: `stages.${id}.reads.${port}`,
      wanted: `an input of ${stage.name} (${list(known)})`,
      found: port,
      fix: near === undefined ? "Remove it." : `Did you mean ${near}?`,
    };
  });

function defaultOutput(
  step: PipelineStep,
  port: string,
  type: AnyArtefactType,
  steps: readonly PipelineStep[],
): OutputRef | Complaint | undefined {
  const writers = steps.filter(({ id }) => id !== step.id).flatMap(({ id, stage }) =>
    portsOf(stage.writes)
      .filter(([, written]) => written.name === type.name)
      .map(([written]): OutputRef => ({ stage: id, port: written }))
  );
  if (writers.length === 1) return writers[0];
  if (writers.length === 0 && type.optional === true) return undefined;
  return {
    key: keyOf(step, port),
    wanted: `one stage that writes ${type.name}, for the input ${port} of ${step.id}`,
    found: writers.length === 0 ? "none" : `several (${list(writers.map(textOf))})`,
    fix: writers.length === 0
      ? `Add a stage that writes ${type.name}.`
      : `Name one: reads: { ${port}: ${textOf(writers[0])} }.`,
  };
}

function namedOutput(
  step: PipelineStep,
  port: string,
  name: string,
  steps: readonly PipelineStep[],
): OutputRef | Complaint {
  const known = steps.flatMap(({ id, stage }) =>
    Object.keys(stage.writes).map((port): OutputRef => ({ stage: id, port }))
  );
  const meant = known.find((outputRef) => textOf(outputRef) === name);
  if (meant !== undefined) return meant;
  const near = nearest(name, known.map(textOf));
  return {
    key: keyOf(step, port),
    wanted: `the output of a stage, as stage.port (${list(known.map(textOf))})`,
    found: name,
    fix: near === undefined ? "Name one of them." : `Did you mean ${near}?`,
  };
}

/** What is wrong with one connection, if anything. */
function misfit(
  reader: Wired,
  port: string,
  writer: PipelineStep,
  outputRef: OutputRef,
): readonly Complaint[] {
  const read: AnyArtefactType = reader.stage.reads[port];
  const written: AnyArtefactType = writer.stage.writes[outputRef.port];
  const make = (wanted: string, found: string, fix: string): readonly Complaint[] => [{
    key: keyOf(reader, port),
    wanted: `${wanted} for the input ${port} of ${reader.id}`,
    found: `${found} from ${textOf(outputRef)}`,
    fix,
  }];
  if (read.name !== written.name) {
    return make(read.name, written.name, "Wire it to an output of that artefact.");
  }
  if (read.kind !== written.kind) {
    const maker = written.kind === "stream" ? "stream" : "artefact";
    return make(
      `${read.name} as a ${read.kind}`,
      `a ${written.kind}`,
      `Declare the artefact with ${maker}() in both.`,
    );
  }
  const field = schemaMisfit(written.schema, read.schema);
  if (field === undefined) return [];
  const name = field.field === "" ? read.name : `${read.name}.${field.field}`;
  return make(
    `${name} as ${field.read}`,
    field.written,
    `Change the schema of ${read.name} in ${writer.stage.name} or in ${reader.stage.name}.`,
  );
}

/** Sorts by dependencies, keeping the file's order where there is a choice. */
function inOrder(wired: readonly Wired[]) {
  const order: Wired[] = [];
  let left = wired;
  while (left.length > 0) {
    const placed = new Set(order.map(({ id }) => id));
    const next = left.find(({ reads }) =>
      Object.values(reads).every(({ stage }) => placed.has(stage))
    );
    if (next === undefined) break;
    order.push(next);
    left = left.filter((each) => each !== next);
  }
  return { order, circle: left.map(({ id }) => id) };
}

/** The stages in an order in which each comes after what it reads. Fails with all that is wrong. */
export const wire = (
  steps: readonly PipelineStep[],
  placeOf: (key: string) => Place,
): Effect.Effect<readonly Wired[], Fault> => {
  const complaints: Complaint[] = [
    ...steps.flatMap(strayPorts),
    ...stepComplaints(steps),
  ];
  const wired = steps.map((step): Wired => {
    const found = portsOf(step.stage.reads).flatMap(([port, type]) => {
      const name = step.use.reads?.[port];
      const outputRef = name === undefined
        ? defaultOutput(step, port, type, steps)
        : namedOutput(step, port, name, steps);
      if (outputRef === undefined) return [];
      if (isComplaint(outputRef)) complaints.push(outputRef);
      return [[port, outputRef] as const];
    });
    return {
      ...step,
      reads: Object.fromEntries(
        found.filter((pair): pair is readonly [string, OutputRef] => !isComplaint(pair[1])),
      ),
    };
  });
  const byId = new Map(steps.map((step) => [step.id, step]));
  for (const reader of wired) {
    for (const [port, outputRef] of Object.entries(reader.reads)) {
      complaints.push(...misfit(reader, port, byId.get(outputRef.stage)!, outputRef));
    }
  }
  const { order, circle } = inOrder(wired);
  if (circle.length > 0) {
    complaints.push({
      key: `stages.${circle[0]}`,
      wanted: "stages that can be put in an order",
      found: `a circle among ${list(circle)}`,
      fix: "Let one of them read something else.",
    });
  }
  return complaints.length === 0 ? Effect.succeed(order) : Effect.fail(
    allFaults(complaints.map((each) => new WiringFault({ ...placeOf(each.key), ...each }))),
  );
};
