/// <reference lib="dom" />
// @ts-check
// What a chart draws besides uPlot's own: the range that a measure keeps to, and marked points with a label.
// The trap: a canvas knows no CSS, so colours are read from the style sheet, and sizes count device pixels.

/** @typedef {{x: number, value: number, label: string, colour: string}} Mark */
/** @typedef {{from: number, middle: number, to: number}} Range */

/** A colour of the style sheet. @param {string} name e.g. "accent" */
export const colourOf = (name) =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** A colour with less of it. @param {string} name @param {number} alpha */
export const tint = (name, alpha) => {
  const hex = colourOf(name);
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  return `rgba(${r}, ${g}, ${b}, ${alpha})`;
};

/** @param {any} plot uPlot's @param {Range | null} range */
export function drawRange(plot, range) {
  if (range === null) return;
  const { ctx, bbox: { left, top, width, height } } = plot;
  const at = (/** @type {number} */ value) => plot.valToPos(value, "y", true);
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  ctx.fillStyle = tint("ink", 0.055);
  ctx.fillRect(left, at(range.to), width, at(range.from) - at(range.to));
  ctx.strokeStyle = tint("ink", 0.28);
  ctx.setLineDash([3, 4]);
  ctx.beginPath();
  ctx.moveTo(left, at(range.middle));
  ctx.lineTo(left + width, at(range.middle));
  ctx.stroke();
  ctx.restore();
}

/** @param {any} plot uPlot's @param {readonly Mark[]} marks @param {number} ratio device pixels of one of CSS */
export function drawMarks(plot, marks, ratio) {
  const { ctx, bbox: { left, top, width, height } } = plot;
  for (const { x: place, value, label, colour } of marks) {
    const x = plot.valToPos(place, "x", true);
    const y = plot.valToPos(value, "y", true);
    if (x < left - 1 || x > left + width + 1) continue;
    ctx.save();
    ctx.fillStyle = colourOf("panel");
    ctx.strokeStyle = colourOf(colour);
    ctx.lineWidth = 2 * ratio;
    ctx.beginPath();
    ctx.arc(x, y, 4.5 * ratio, 0, 2 * Math.PI);
    ctx.fill();
    ctx.stroke();
    ctx.fillStyle = colourOf(colour);
    ctx.font = `600 ${11 * ratio}px ui-sans-serif, system-ui, sans-serif`;
    ctx.textAlign = x > left + width * 0.75 ? "right" : "left";
    const aside = (ctx.textAlign === "left" ? 9 : -9) * ratio;
    const below = y + 17 * ratio < top + height;
    ctx.fillText(label, x + aside, below ? y + 15 * ratio : y - 10 * ratio);
    ctx.restore();
  }
}
