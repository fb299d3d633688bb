// @ts-check
// Numbers, times and sizes as people read them. A missing value is an en dash, never "null".

const missing = "–";

/** @param {number | null | undefined} value @returns {value is number} */
export const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

/** Four significant digits. @param {number | null | undefined} value */
export function short(value) {
  if (!isNumber(value)) return missing;
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(2);
  return String(Number(value.toPrecision(4)));
}

/** A loss, always with as many digits, so that it does not dance. */
export const loss = (/** @type {number | null | undefined} */ value) =>
  isNumber(value) ? value.toFixed(5) : missing;

/** @param {number | null | undefined} seconds */
export function duration(seconds) {
  if (!isNumber(seconds)) return missing;
  const all = /** @type {number} */ (seconds);
  if (all < 0.0995) return `${Math.round(all * 1000)} ms`;
  if (all < 10) return `${all.toFixed(all < 1 ? 2 : 1)} s`;
  if (all < 90) return `${Math.round(all)} s`;
  const minutes = Math.round(all / 60);
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48
    ? `${hours} h ${String(minutes % 60).padStart(2, "0")} min`
    : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** @param {number | null | undefined} bytes */
export function memory(bytes) {
  if (!isNumber(bytes)) return missing;
  const gibibytes = /** @type {number} */ (bytes) / 2 ** 30;
  return gibibytes >= 1 ? `${gibibytes.toFixed(2)} GiB` : `${Math.round(gibibytes * 1024)} MiB`;
}

/** @param {number} value */
export const count = (value) => value.toLocaleString("en-GB");

/** @param {number | null} at milliseconds since 1970 */
export const dateTime = (at) =>
  at === null ? missing : new Date(at).toLocaleString("en-GB", {
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
  });

/** How long ago, in its largest unit. @param {number | null} at @param {number} now */
export const ago = (at, now) =>
  at === null ? missing : `${duration((now - at) / 1000).split(" ").slice(0, 2).join(" ")} ago`;

/** @param {number | null | undefined} part in 0..1 */
function percent(part) {
  if (!isNumber(part)) return missing;
  const number = /** @type {number} */ (part) * 100;
  return `${number.toFixed(number < 10 ? 1 : 0)} %`;
}

/**
 * How values of a metric's unit are drawn: divided by `per`, said by `format`, on the axis by `tick`.
 * @type {Readonly<Record<import("../../../inversion/metrics.js").Metric["unit"],
 *   {per: number, suffix: string, format: typeof short, tick: typeof short}>>}
 */
export const units = {
  loss: { per: 1, suffix: "", format: loss, tick: short },
  number: { per: 1, suffix: "", format: short, tick: short },
  seconds: { per: 1, suffix: "", format: duration, tick: duration },
  bytes: { per: 2 ** 30, suffix: ", GiB", format: short, tick: short },
  part: { per: 1, suffix: "", format: percent, tick: percent },
};

/** Values in the unit's own measure. @param {readonly (number | null)[]} values @param {number} per */
export const scaled = (values, per) =>
  per === 1 ? values : values.map((value) => value === null ? null : value / per);

/** @type {Readonly<Record<string, string>>} programs by where they take the pooled text */
const clientsByPooling = {
  argmax: "InvokeAI, diffusers",
  end_token: "ComfyUI, A1111, Forge",
};

/** The programs that follow a rule of pooling. @param {string} pooling */
export const clientsOf = (pooling) => clientsByPooling[pooling] ?? pooling;

/** What a picture is of, and whose way of drawing it is. @param {{text: string, pooling?: string}} of */
export const pictureText = ({ text, pooling }) =>
  pooling === undefined ? text : `${text} (as ${clientsOf(pooling)})`;
