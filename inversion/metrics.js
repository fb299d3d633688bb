// @ts-check
// The metrics of a training, one row each: from which event it is read, how it is called, drawn, smoothed,
// tagged for TensorBoard, and which way is better. The page, the report, TensorBoard, `runs show` and
// `runs compare` read this table and nothing else, so that a new metric is one row here and one `emit`: an
// event that only a metric has is registered by its row, with `step` and `value` (event-kinds.ts).
// The trap: the page loads this file in a browser, so it imports nothing.

/** @typedef {import("./events.ts").RunEvent} RunEvent */

/**
 * @typedef {object} Metric
 * @property {string} key
 * @property {string} event the tag of the event that has it; metrics of one event share their steps
 * @property {(event: any) => number | null | undefined} value of such an event
 * @property {string} title
 * @property {string} [hint] one line on how to read it
 * @property {"loss" | "number" | "seconds" | "bytes" | "part"} unit a part is in 0..1
 * @property {Chart | {with: string, colour: string} | null} chart `with`: in the chart of that metric;
 *   null: a number alone
 * @property {number} [smoothing] weight of the running average that is drawn beside it, in [0, 1)
 * @property {string | null} tag TensorBoard's
 * @property {number} [tagPer] what TensorBoard is given is divided by this
 * @property {"lower" | "higher" | null} better null: neither
 * @property {true} [measuredOn] compares only between runs that measured it on the same (measured-on.ts)
 * @property {Figures | null} [figures] what `runs show` and `runs compare` say of it, by the names that they
 *   use; left out: the last value under the title
 */

/** @typedef {{colour: string, axis: "zero" | "fit", wide?: boolean}} Chart `axis`: where its values begin */

/** @typedef {{first?: string, last?: string, mean?: string}} Figures `mean` of the last values */

/**
 * @template {RunEvent["event"]} T
 * @param {T} event
 * @param {(event: import("./events.ts").RunEventOf<T>) => number | null | undefined} value
 */
const from = (event, value) => ({ event, value });

/** @param {readonly {pooling: string, mean: number}[] | undefined} following @param {string} under */
const meanUnder = (following, under) => following?.find(({ pooling }) => pooling === under)?.mean;

/** @type {readonly Metric[]} */
export const metrics = [
  {
    key: "loss",
    ...from("step", ({ loss }) => loss),
    title: "Loss",
    hint: "Raw (thin, with its range shaded) and smoothed. Noisy by nature: look at the fixed loss",
    unit: "loss",
    chart: { colour: "accent", axis: "fit", wide: true },
    smoothing: 0.9,
    tag: "train_loss",
    better: null,
    figures: { last: "loss of the last step" },
  },
  {
    key: "rate",
    ...from("step", ({ lr }) => lr),
    title: "Learning rate",
    unit: "number",
    chart: { colour: "violet", axis: "zero" },
    tag: "lr",
    better: null,
    figures: null,
  },
  {
    key: "adaptedRate",
    ...from("step", ({ dLr }) => dLr),
    title: "adapted",
    unit: "number",
    chart: { with: "rate", colour: "rose" },
    tag: "lr/d*lr",
    better: null,
    figures: null,
  },
  {
    key: "epoch",
    ...from("step", ({ epoch }) => epoch),
    title: "Epoch",
    unit: "number",
    chart: null,
    tag: "epoch",
    better: null,
    figures: null,
  },
  {
    key: "gradientNorm",
    ...from("step", ({ gradientNorm }) => gradientNorm),
    title: "Gradient norm",
    unit: "number",
    chart: { colour: "teal", axis: "zero" },
    tag: "gradient_norm",
    better: null,
    figures: null,
  },
  {
    key: "gradientShare",
    ...from("step", ({ gradientShare }) => gradientShare[0]),
    title: "Gradient share of CLIP-L",
    hint: "The rest is CLIP-G's. Near 0 or 1 one of the two encoders learns almost nothing",
    unit: "part",
    chart: { colour: "rose", axis: "zero" },
    tag: "gradient_share/clip_l",
    better: null,
    figures: null,
  },
  {
    key: "gradientShareClipG",
    ...from("step", ({ gradientShare }) => gradientShare[1]),
    title: "Gradient share of CLIP-G",
    unit: "part",
    chart: null,
    tag: "gradient_share/clip_g",
    better: null,
    figures: null,
  },
  {
    key: "seconds",
    ...from("step", ({ seconds }) => seconds),
    title: "Time per step",
    unit: "seconds",
    chart: { colour: "amber", axis: "zero" },
    tag: "step_seconds",
    better: "lower",
    figures: { mean: "seconds a step" },
  },
  {
    key: "memory",
    ...from("step", ({ rssBytes }) => rssBytes),
    title: "Memory",
    unit: "bytes",
    chart: { colour: "slate", axis: "zero" },
    tag: "memory_mib",
    tagPer: 2 ** 20,
    better: "lower",
    figures: null,
  },
  {
    key: "fixedLoss",
    ...from("fixed-loss", ({ loss }) => loss),
    title: "Fixed loss",
    hint: "The same inputs, noise and timesteps each time, so values can be compared",
    unit: "loss",
    chart: { colour: "blue", axis: "fit", wide: true },
    tag: "fixed_loss",
    better: "lower",
    measuredOn: true,
    figures: { first: "fixed-input loss before", last: "fixed-input loss now" },
  },
  {
    key: "bestFixedLoss",
    ...from("fixed-loss", ({ bestLoss }) => bestLoss),
    title: "Best fixed loss so far",
    unit: "loss",
    chart: null,
    tag: "fixed_loss/best_so_far",
    better: "lower",
    measuredOn: true,
    figures: { last: "fixed-input loss at best" },
  },
  {
    key: "bestStep",
    ...from("fixed-loss", ({ bestStep }) => bestStep),
    title: "best step",
    unit: "number",
    chart: null,
    tag: null,
    better: null,
  },
  {
    key: "aboveBest",
    ...from("fixed-loss", ({ aboveBest }) => aboveBest?.difference),
    title: "end above best",
    unit: "loss",
    chart: null,
    tag: null,
    better: null,
  },
  {
    key: "aboveBestError",
    ...from("fixed-loss", ({ aboveBest }) => aboveBest?.error),
    title: "standard error of that",
    unit: "loss",
    chart: null,
    tag: null,
    better: null,
  },
  {
    key: "varianceRatio",
    ...from("fixed-loss", ({ varianceRatio }) => varianceRatio),
    title: "variance ratio",
    unit: "number",
    chart: null,
    tag: "fixed_loss/variance_ratio",
    better: null,
  },
  {
    key: "fixedLossArgmax",
    ...from("fixed-loss", ({ under }) => under?.argmax),
    title: "fixed-input loss now, in InvokeAI and diffusers",
    unit: "loss",
    chart: null,
    tag: "fixed_loss/argmax",
    better: "lower",
    measuredOn: true,
  },
  {
    key: "fixedLossEndToken",
    ...from("fixed-loss", ({ under }) => under?.end_token),
    title: "fixed-input loss now, in ComfyUI, A1111 and Forge",
    unit: "loss",
    chart: null,
    tag: "fixed_loss/end_token",
    better: "lower",
    measuredOn: true,
  },
  {
    key: "followingArgmax",
    ...from("validation-finished", ({ following }) => meanUnder(following, "argmax")),
    title: "prompt following F, in InvokeAI and diffusers",
    unit: "number",
    chart: null,
    tag: "following/argmax",
    better: "lower",
  },
  {
    key: "followingEndToken",
    ...from("validation-finished", ({ following }) => meanUnder(following, "end_token")),
    title: "prompt following F, in ComfyUI, A1111 and Forge",
    unit: "number",
    chart: null,
    tag: "following/end_token",
    better: "lower",
  },
];

/**
 * What is measured of each trained row, by the field of the event `rows` that has it.
 * @type {readonly {key: "norms" | "cosines", title: string, hint: string, one: string, digits: number | null,
 *   againstVocabulary: boolean}[]}
 */
export const rowMetrics = [
  {
    key: "norms",
    title: "Norm",
    hint: "Shaded: where 90 % of the vocabulary's rows lie; dashed: their median",
    one: "norm",
    digits: null,
    againstVocabulary: true,
  },
  {
    key: "cosines",
    title: "Cosine to the initial rows",
    hint: "1 is where training began",
    one: "cosine",
    digits: 3,
    againstVocabulary: false,
  },
];

/** The metrics that events have, by their tag. @returns {ReadonlyMap<string, readonly Metric[]>} */
export const metricsByEvent = () => Map.groupBy(metrics, ({ event }) => event);

/** The row of a key, which must be one. @param {string} key @returns {Metric} */
export const metricOf = (key) => /** @type {Metric} */ (metrics.find((each) => each.key === key));

/**
 * The value in an event, which may be of somebody's own stage; null where there is none.
 * @param {Metric} metric @param {unknown} event
 */
export const valueIn = ({ value }, event) => {
  const found = value(event);
  return typeof found === "number" && Number.isFinite(found) ? found : null;
};

/** A metric with its own chart, and those that are drawn in it. @typedef {Metric & {chart: Chart}} Charted */

/**
 * The charts, wide ones first, each with what is drawn in it beside its metric.
 * @returns {readonly {metric: Charted, beside: readonly (Metric & {chart: {colour: string}})[]}[]}
 */
export const charts = () =>
  metrics.filter((metric) => metric.chart !== null && "axis" in metric.chart)
    .map((each) => /** @type {Charted} */ (each))
    .sort((a, b) => Number(b.chart.wide ?? false) - Number(a.chart.wide ?? false))
    .map((metric) => ({
      metric,
      beside: /** @type {any} */ (metrics.filter(({ chart }) =>
        chart !== null && "with" in chart && chart.with === metric.key
      )),
    }));
