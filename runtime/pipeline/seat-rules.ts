// What stages of one pipeline may not do beside each other, though every wire fits.
// The trap: each of these would begin well; one ends in broken files, the other never ends.
import type { AnyArtefactType } from "../artefact.ts";
import type { Complaint, Seat } from "./wiring.ts";

/** A stage that keeps its state in the run's folder has one state there. */
const sharedFolder = (seats: readonly Seat[]): readonly Complaint[] =>
  seats.filter(({ stage }) => stage.lifetime === "run").flatMap(({ id, stage }, i, all) => {
    const first = all.findIndex((other) => other.stage.name === stage.name);
    return first === i ? [] : [{
      key: `stages.${id}`,
      wanted: `one ${stage.name}, as it keeps its files in the run's folder`,
      found: `it already as ${all[first].id}`,
      fix: "Remove one, or give each a pipeline of its own.",
    }];
  });

/** Whoever waits for a stream holds nothing meanwhile: its writer may need it. */
const heldWhileWaiting = ({ id, stage, use }: Seat): readonly Complaint[] => {
  const held = Object.keys(use.resources ?? stage.resources ?? {});
  const streams = Object.values<AnyArtefactType>(stage.reads).some(({ kind }) => kind === "stream");
  return held.length === 0 || !streams ? [] : [{
    key: use.resources === undefined ? `stages.${id}` : `stages.${id}.resources`,
    wanted: `no resources for ${id}, which waits for a stream: others may need them meanwhile`,
    found: held.join(", "),
    fix: "Remove them; the stage takes its turns through tools.withResource.",
  }];
};

export const seatComplaints = (seats: readonly Seat[]): readonly Complaint[] => [
  ...sharedFolder(seats),
  ...seats.flatMap(heldWhileWaiting),
];
