// Values of other people's JSON as text for a message: short, and whatever they are.
// The trap: `String(value)` calls the value's own `toString`, which a file may have made a number; and
// `JSON.stringify` runs out of stack on what is nested deep enough.

const most = 80;

/** As JSON, cut after 80 characters. */
export function shownJson(value: unknown): string {
  try {
    const text = JSON.stringify(value) ?? "nothing";
    return text.length > most ? `${text.slice(0, most - 3)}...` : text;
  } catch {
    return "something nested very deep";
  }
}

/** Of a text itself, of a list its texts; nothing of everything else. */
export const textIn = (value: unknown): string =>
  typeof value === "string"
    ? value
    : Array.isArray(value)
    ? value.filter((each) => typeof each === "string").join(",")
    : "";
