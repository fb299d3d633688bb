// The kinds of events that a training registers with the runner: those of events.ts, which of them are said
// once, and an event for each metric of the table that no other event has.
// The trap: a metric's own event has `step` and `value` and is said once a step, as the losses are.
import { Schema } from "effect";
import { eventCodec, type EventKinds, eventSchema } from "../runtime/events.ts";
import { members, type RunEvent } from "./events.ts";
import { metricsByEvent } from "./metrics.js";

/** Of what these are said once, step after step. All others are said as often as they happen. */
const onceBy: { readonly [E in RunEvent as E["event"]]?: (event: E) => string } = {
  step: () => "",
  "fixed-loss": () => "",
  rows: () => "",
  checkpoint: ({ path }) => path,
  "checkpoint-pruned": ({ path }) => path,
  "validation-finished": ({ asked = "" }) => asked,
  "validation-failed": ({ asked = "" }) => asked,
};

const ofTraining: EventKinds = Object.fromEntries(members.map((schema) => {
  const tag = schema.fields.event.schema.literal;
  return [tag, {
    schema,
    ...(tag in onceBy ? { onceBy: onceBy[tag] } : {}),
    ...(tag === "step" ? { durable: true } : {}),
  }];
}));

const { Finite, Int } = Schema;

const ofMetrics: EventKinds = Object.fromEntries(
  metricsByEvent().keys().map((tag) =>
    [tag, { schema: eventSchema(tag, { step: Int, value: Finite }), onceBy: () => "" }] as const
  ),
);

export const trainingEvents: EventKinds = { ...ofMetrics, ...ofTraining };

/** Reads and writes a training's events. */
export const trainingCodec = eventCodec(trainingEvents);

/** Whether it is an event that is known here, and not one of somebody's own stage. */
export const isRunEvent = (event: { readonly event: string }): event is RunEvent =>
  trainingCodec.knows(event.event);
