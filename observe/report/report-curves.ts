// The curves of a report: losses, rate, time per step, and the norms of the rows against the vocabulary's.
import { count, duration, short } from "../monitor/page/format.js";
import { curveSvg } from "./curve-svg.ts";
import { type Html, html } from "./html.ts";
import type { ReportContent } from "./report-content.ts";

const rowColours = ["accent", "blue", "amber", "rose", "violet", "teal", "slate", "good"];

export function reportCurves({ state, curves: { steps, fixed, rows } }: ReportContent): Html {
  const { fixedLoss } = state;
  const charts = [
    curveSvg({
      title: "Loss",
      format: short,
      curves: [
        { label: "raw", colour: "accent", x: steps.step, y: steps.loss.last, faint: true },
        { label: "smoothed", colour: "accent", x: steps.step, y: steps.smoothed },
      ],
    }),
    curveSvg({
      title: "Fixed loss",
      format: short,
      curves: [{ label: "fixed", colour: "blue", x: fixed.step, y: fixed.loss.last }],
      ...(fixedLoss === null ? {} : {
        mark: {
          x: fixedLoss.bestStep,
          y: fixedLoss.bestLoss,
          label: `best, step ${count(fixedLoss.bestStep)}`,
        },
      }),
    }),
    curveSvg({
      title: "Learning rate",
      format: short,
      fromZero: true,
      curves: [
        { label: "rate", colour: "violet", x: steps.step, y: steps.rate },
        { label: "adapted", colour: "rose", x: steps.step, y: steps.adaptedRate },
      ],
    }),
    curveSvg({
      title: "Time per step",
      format: duration,
      fromZero: true,
      curves: [{ label: "time", colour: "amber", x: steps.step, y: steps.seconds.last }],
    }),
    ...rows.encoders.map(({ name, norms, vocabularyNorms }) =>
      curveSvg({
        title: `Norms of the rows, ${name}`,
        format: short,
        range: vocabularyNorms,
        curves: norms.slice(0, rowColours.length).map((y, row) => ({
          label: `row ${row + 1}`,
          colour: rowColours[row],
          x: rows.step,
          y,
        })),
      })
    ),
  ];
  return html`
    <section>
      <h2>Curves</h2>
      <div class="charts">${charts}</div>
    </section>
  `;
}
