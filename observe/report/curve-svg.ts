// A curve as inline SVG, for a report that works without scripts. Colours are the style sheet's.
// The trap: values may be few, equal or missing (null); the picture must still be one.
import { type Html, html } from "./html.ts";

export interface SvgCurve {
  /** A colour name of the style sheet. */
  readonly colour: string;
  readonly label: string;
  readonly x: readonly number[];
  readonly y: readonly (number | null)[];
  readonly faint?: boolean;
}

export interface SvgChart {
  readonly title: string;
  readonly curves: readonly SvgCurve[];
  readonly format: (value: number) => string;
  readonly fromZero?: boolean;
  /** A range to shade: from, middle, to. */
  readonly range?: readonly [number, number, number];
  readonly mark?: { readonly x: number; readonly y: number; readonly label: string };
}

const width = 640;
const height = 240;
const frame = { left: 62, right: 14, top: 12, bottom: 26 };

/** Round numbers within [least, most], about `wanted` of them. */
export function ticks(least: number, most: number, wanted: number): readonly number[] {
  const rough = (most - least) / wanted;
  if (!(rough > 0)) return [least];
  const decade = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((each) => each * decade).find((each) => each >= rough) ?? rough;
  const first = Math.ceil(least / step - 1e-9);
  const last = Math.floor(most / step + 1e-9);
  return Array.from(
    { length: Math.max(0, last - first + 1) },
    (_, i) => Number(((first + i) * step).toPrecision(12)),
  );
}

const isFinite = (value: number | null): value is number => Number.isFinite(value);

const extent = (values: readonly (number | null)[]): readonly [number, number] => {
  const finite = values.filter(isFinite);
  return finite.length === 0 ? [0, 1] : [
    finite.reduce((a, b) => Math.min(a, b)),
    finite.reduce((a, b) => Math.max(a, b)),
  ];
};

/** The chart in a figure; nothing when it has no points. */
export function curveSvg(chart: SvgChart): Html | undefined {
  const { title, curves, format, fromZero = false, range, mark } = chart;
  const drawn = curves.filter(({ y }) => y.some(isFinite));
  if (drawn.length === 0) return undefined;
  const [x0, x1] = extent(drawn.flatMap(({ x }) => x));
  const [low, high] = extent([...drawn.flatMap(({ y }) => y), ...(range ?? [])]);
  const room = (high - low) * 0.08 || Math.abs(high) * 0.05 || 1;
  const y0 = fromZero ? Math.min(0, low) : low - room * (mark === undefined ? 1 : 2.2);
  const y1 = high + room;
  const across = width - frame.left - frame.right;
  const down = height - frame.top - frame.bottom;
  const px = (x: number) =>
    Number((frame.left + (x1 === x0 ? 0.5 : (x - x0) / (x1 - x0)) * across).toFixed(1));
  const py = (y: number) => Number((frame.top + (1 - (y - y0) / (y1 - y0)) * down).toFixed(1));

  const path = ({ x, y }: SvgCurve) => {
    let open = false;
    return x.map((at, i) => {
      const value = y[i];
      if (!isFinite(value)) {
        open = false;
        return "";
      }
      const command = open ? "L" : "M";
      open = true;
      return `${command}${px(at)} ${py(value)}`;
    }).join("");
  };
  const right = width - frame.right;
  const yTicks = ticks(y0, y1, 5).map((value) =>
    html`
      <line class="grid" x1="${frame.left}" x2="${right}" y1="${py(value)}" y2="${py(value)}" />
      <text class="tick" x="${frame.left - 8}" y="${py(value) + 4}" text-anchor="end">${format(
        value,
      )}</text>
    `
  );
  const xTicks = ticks(x0, x1, 6).filter(Number.isInteger).map((value) =>
    html`<text class="tick" x="${px(value)}" y="${height - 8}" text-anchor="middle">${value}</text>`
  );
  const shaded = range === undefined ? undefined : html`
    <rect class="range" x="${frame.left}" width="${across}" y="${py(range[2])}" height="${Math.max(
      0,
      py(range[0]) - py(range[2]),
    )}" />
    <line class="middle" x1="${frame.left}" x2="${right}" y1="${py(range[1])}" y2="${py(
      range[1],
    )}" />
  `;
  const anchor = mark !== undefined && px(mark.x) > width * 0.7 ? "end" : "start";
  const marked = mark === undefined ? undefined : html`
    <circle class="mark" cx="${px(mark.x)}" cy="${py(mark.y)}" r="4.5" />
    <text class="mark-label" x="${px(mark.x) + (anchor === "end" ? -9 : 9)}" y="${py(mark.y) + 16}"
      text-anchor="${anchor}">${mark.label}</text>
  `;
  const legend = drawn.length < 2
    ? undefined
    : drawn.map(({ label, colour }) =>
      html`<span class="reading"><i class="dot ${colour}"></i>${label}</span>`
    );
  return html`
    <figure class="chart">
      <figcaption><span class="chart-title">${title}</span>${legend}</figcaption>
      <svg viewBox="0 0 ${width} ${height}" role="img"
        aria-label="${title}">${yTicks}${xTicks}${shaded}${drawn.map((curve) =>
          html`
            <path class="curve ${curve.colour} ${curve.faint ? "faint" : ""}" d="${path(curve)}" />
          `
        )}${marked}</svg>
    </figure>
  `;
}
