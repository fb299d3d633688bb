// What to do about a value of the wrong type: the slips that YAML invites, by name.
// The trap: YAML 1.2 reads `yes` and `1_000` as texts, where YAML 1.1 (Python) does not.
import { nearest } from "./nearest.ts";
import { isMapping } from "./mapping.ts";

export function wrongValueFix(value: unknown, wanted: string, fallback: unknown): string {
  if (wanted.includes("true or false") && typeof value === "string") {
    return "Write true or false, without quotes.";
  }
  if (wanted.startsWith("a mapping") && (value !== null || fallback === undefined)) {
    return "Write a mapping: { key: value }.";
  }
  const texts = wanted.includes("a list") ? value : [value];
  if (/a text/.test(wanted) && Array.isArray(texts) && texts.some(isMapping)) {
    return "Put the text in quotes: a colon with a blank behind it makes a mapping.";
  }
  if (value === null && Array.isArray(fallback) && fallback.length === 0) {
    return "Write [] for none, or leave the key out.";
  }
  if (wanted.includes("one of ") && (value === null || typeof value !== "object")) {
    const words = wanted.replace(/^.*one of /, "").replace(/, or .*$/, "").split(", ");
    const near = nearest(String(value), words);
    if (near !== undefined) return `Did you mean ${near}?`;
  }
  const isList = isMapping(value) || typeof value === "string" && value.includes(",");
  if (wanted.includes("a list") && isList) return "Write the whole list: [first, second].";
  const sides = typeof value === "string" ? /^(\d+) ?[x*×,] ?(\d+)$/i.exec(value) : null;
  if (wanted.includes("a list of 2") && sides !== null) {
    return `Write the list: [${sides[1]}, ${sides[2]}].`;
  }
  if (!/ to \d/.test(wanted) && Number.isInteger(value) && !Number.isSafeInteger(value)) {
    return `Take one of at most ${Number.MAX_SAFE_INTEGER}.`;
  }
  const number = /(integer|number|multiple)/.test(wanted);
  if (number && typeof value === "number" && !Number.isFinite(value)) {
    return "Write a finite number.";
  }
  if (number && typeof value === "string") {
    return value !== "" && Number.isFinite(Number(value.replaceAll(/[_,]/g, "")))
      ? "Write the number without quotes, `_` or `,`."
      : "Write a number.";
  }
  if (wanted.includes("a text") && (typeof value === "number" || typeof value === "boolean")) {
    return "Put it in quotes.";
  }
  if (wanted.includes("a list") && typeof value === "string") {
    return "Write the whole list: [first, second].";
  }
  if (value === null && fallback !== undefined) {
    return `Leave the key out for its default, ${
      JSON.stringify(fallback)
    }; \`--set KEY=\` takes it, too.`;
  }
  const step = Number(/multiple of (\d+)/.exec(wanted)?.[1]);
  if (step > 0 && typeof value === "number" && value > 0 && value % step !== 0) {
    const below = Math.floor(value / step) * step;
    return `Nearest: ${below === 0 ? "" : `${below} or `}${below + step}.`;
  }
  return "Change the value.";
}
