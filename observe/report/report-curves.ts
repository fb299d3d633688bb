// The curves of a report: every chart of the table of metrics that has values, and what was measured of the
// rows, against the vocabulary.
import { charts, type Metric, rowMetrics } from "../../inversion/metrics.js";
import { count, isNumber, scaled, short, units } from "../monitor/page/format.js";
import { curveOf, type Curves } from "../reading/curves.js";
import { curveSvg, type SvgCurve } from "./curve-svg.ts";
import { type Html, html } from "./html.ts";
import type { ReportContent } from "./report-content.ts";

const rowColours = ["accent", "blue", "amber", "rose", "violet", "teal", "slate", "good"];

type Drawn = Metric & { readonly chart: { readonly colour: string } };

function linesOf(curves: Curves, metric: Drawn): readonly SvgCurve[] {
  const { per } = units[metric.unit];
  const { step: x, last, smoothed } = curveOf(curves, metric);
  const line = { colour: metric.chart.colour, x };
  return metric.smoothing === undefined
    ? [{ ...line, label: metric.title, y: scaled(last, per) }]
    : [
      { ...line, label: "raw", y: scaled(last, per), faint: true },
      { ...line, label: "smoothed", y: scaled(smoothed, per) },
    ];
}

function metricCharts({ state: { fixedLoss }, curves }: ReportContent) {
  return charts().map(({ metric, beside }) => {
    const { suffix, tick } = units[metric.unit];
    return curveSvg({
      title: metric.title + suffix,
      format: tick,
      fromZero: metric.chart.axis === "zero",
      curves: [metric, ...beside].flatMap((each) => linesOf(curves, each)),
      ...(metric.key !== "fixedLoss" || fixedLoss === null ? {} : {
        mark: {
          x: fixedLoss.bestStep,
          y: fixedLoss.bestLoss,
          label: `best, step ${count(fixedLoss.bestStep)}`,
        },
      }),
    });
  });
}

const rowCharts = ({ step, encoders }: Curves["rows"]) =>
  encoders.flatMap((encoder) =>
    rowMetrics.map(({ key, title, digits, againstVocabulary }) =>
      curveSvg({
        title: `${title}, ${encoder.name}`,
        format: (value) =>
          digits === null || !isNumber(value) ? short(value) : value.toFixed(digits),
        ...(againstVocabulary ? { range: encoder.vocabularyNorms } : {}),
        curves: encoder[key].slice(0, rowColours.length).map((y, row) => ({
          label: `row ${row + 1}`,
          colour: rowColours[row],
          x: step,
          y,
        })),
      })
    )
  );

export const reportCurves = (content: ReportContent): Html =>
  html`
    <section>
      <h2>Curves</h2>
      <div class="charts">${[...metricCharts(content), ...rowCharts(content.curves.rows)]}</div>
    </section>
  `;
