// What stages of one pipeline may not be or do beside each other, though every wire fits: it would begin well, and
// end in broken files or never.
import { type AnyArtefactType, portsOf } from "../artefact.ts";
import type { PipelineStep } from "./pipeline.ts";

/** What is wrong with a pipeline file, and at which key of it. */
export interface Complaint {
  readonly key: string;
  readonly wanted: string;
  readonly found: string;
  readonly fix: string;
}

/** Its stage begins before its writer ends. */
const comesEarly = ({ kind, drafted }: AnyArtefactType) => kind === "stream" || drafted === true;

/** A result that is found by its inputs' digests cannot come of what has none yet. */
const wrongLifetime = ({ id, stage }: PipelineStep): readonly Complaint[] =>
  stage.lifetime === "cached" &&
    (Object.values<AnyArtefactType>(stage.reads).some(comesEarly) ||
      portsOf(stage.writes).some(([, { kind }]) => kind === "stream"))
    ? [{
      key: `stages.${id}`,
      wanted: `${stage.name} to have lifetime "run", as it has a stream or reads drafts`,
      found: '"cached"',
      fix: "Change the stage's lifetime, or its streams and drafts to values.",
    }]
    : [];

/** A stage that keeps its state in the run's folder has one state there. */
const sharedFolder = (steps: readonly PipelineStep[]): readonly Complaint[] =>
  steps.filter(({ stage }) => stage.lifetime === "run").flatMap(({ id, stage }, i, all) => {
    const first = all.findIndex((other) => other.stage.name === stage.name);
    return first === i ? [] : [{
      key: `stages.${id}`,
      wanted: `one ${stage.name}, as it keeps its files in the run's folder`,
      found: `it already as ${all[first].id}`,
      fix: "Remove one, or give each a pipeline of its own.",
    }];
  });

/** Whoever waits for a stream or a draft holds nothing meanwhile: its writer may need it. */
const heldWhileWaiting = ({ id, stage, use }: PipelineStep): readonly Complaint[] => {
  const held = Object.keys(use.resources ?? stage.resources ?? {});
  const waits = Object.values<AnyArtefactType>(stage.reads).some(comesEarly);
  return held.length === 0 || !waits ? [] : [{
    key: use.resources === undefined ? `stages.${id}` : `stages.${id}.resources`,
    wanted:
      `no resources for ${id}, which waits for what is being made: others may need them meanwhile`,
    found: held.join(", "),
    fix: "Remove them; the stage takes its turns through tools.withResource.",
  }];
};

export const stepComplaints = (steps: readonly PipelineStep[]): readonly Complaint[] => [
  ...steps.flatMap(wrongLifetime),
  ...sharedFolder(steps),
  ...steps.flatMap(heldWhileWaiting),
];
