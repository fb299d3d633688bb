// From events of a run to TensorBoard summaries: which tags there are, and what they hold. One run
// event becomes at most one summary, so that a killed process never leaves half a step.
// The trap: pictures come one by one but TensorBoard wants all of a prompt under one (tag, step),
// so they are held back until the last has come. Whether the validation's end was noted does not matter:
// a killed process may have drawn all and noted nothing.
import type { RunEvent, RunEventOf } from "../../inversion/events.ts";
import { metricsByEvent, rowMetrics, valueIn } from "../../inversion/metrics.js";

export type SummaryValue =
  | { readonly kind: "scalar"; readonly tag: string; readonly value: number }
  | { readonly kind: "text"; readonly tag: string; readonly markdown: string }
  | { readonly kind: "histogram"; readonly tag: string; readonly values: readonly number[] }
  | { readonly kind: "pictures"; readonly tag: string; readonly pictures: readonly Picture[] };

/** A picture file of the run (png or jpeg); the path is as the event gave it. */
export type Picture = Pick<RunEventOf<"validation-picture">, "path" | "width" | "height">;

export interface Summary {
  readonly step: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly values: readonly SummaryValue[];
}

const scalar = (tag: string, value: number): SummaryValue[] => [{ kind: "scalar", tag, value }];

const measured = metricsByEvent();

const metricValues = (event: RunEvent): SummaryValue[] =>
  (measured.get(event.event) ?? []).flatMap((metric): SummaryValue[] => {
    const { tag, tagPer = 1 } = metric;
    const value = valueIn(metric, event);
    return tag === null || value === null ? [] : scalar(tag, value / tagPer);
  });

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

const spread = (tag: string, name: string, values: readonly number[]): SummaryValue[] =>
  values.length === 0 ? [] : [
    ...scalar(`${tag}/${name}_mean`, mean(values)),
    ...scalar(`${tag}/${name}_min`, Math.min(...values)),
    ...scalar(`${tag}/${name}_max`, Math.max(...values)),
    { kind: "histogram", tag: `${tag}/${name}s`, values },
  ];

const rowValues = (event: RunEventOf<"rows">): SummaryValue[] =>
  event.encoders.flatMap((encoder) =>
    rowMetrics.flatMap(({ key, one }) => spread(`rows/${encoder.name}`, one, encoder[key]))
  );

const pictureValues = (events: Iterable<RunEventOf<"validation-picture">>): SummaryValue[] => {
  const prompts = Map.groupBy(events, (event) => event.prompt);
  return [...prompts].sort(([a], [b]) => a - b).map(([prompt, pictures]) => ({
    kind: "pictures",
    tag: `validation (prompt ${prompt})`,
    pictures: pictures.sort((a, b) => a.image - b.image),
  }));
};

/** Markdown with the configuration as indented JSON, as the reference shows it. */
export const configurationSummary = (configuration: unknown, at: number): Summary => ({
  step: 0,
  at,
  values: [{
    kind: "text",
    tag: "configuration",
    markdown: `\`\`\`json\n${JSON.stringify(configuration, null, 2)}\n\`\`\`\n`,
  }],
});

interface Unfinished {
  readonly expected: number;
  readonly pictures: Map<string, RunEventOf<"validation-picture">>;
}

/** Makes a function that turns each event into its summary, or into nothing. */
export function summariser(): (event: RunEvent) => Summary | undefined {
  const unfinished = new Map<number, Unfinished>();

  const complete = (step: number): SummaryValue[] => {
    const { pictures } = unfinished.get(step) ?? { pictures: new Map() };
    unfinished.delete(step);
    return pictureValues(pictures.values());
  };

  const values = (event: RunEvent): readonly SummaryValue[] => {
    switch (event.event) {
      case "rows":
        return rowValues(event);
      case "validation-started":
        unfinished.set(event.step, { expected: event.pictures, pictures: new Map() });
        return [];
      case "validation-picture": {
        const group = unfinished.get(event.step);
        group?.pictures.set(`${event.prompt}/${event.image}`, event);
        return group?.pictures.size === group?.expected ? complete(event.step) : [];
      }
      case "validation-finished":
        return complete(event.step);
      default:
        return [];
    }
  };

  return (event) => {
    const made = [...metricValues(event), ...values(event)];
    return made.length > 0 && "step" in event
      ? { step: event.step, at: event.at, values: made }
      : undefined;
  };
}
