// One text for one JSON value, so that equal values have equal digests: keys sorted by code unit, no
// white space, numbers as JSON writes them (after RFC 8785). Used wherever something is hashed.
// The trap: a key whose value is undefined is left out, as JSON.stringify does; NaN is refused.
import { fault } from "./fault.ts";
import { sha256 } from "./sha256.ts";

export class NotJson extends fault("NotJson", "defect") {}

const refuse = (found: string, key: string): never => {
  throw new NotJson({
    key,
    wanted: "a JSON value (object, list, text, finite number, boolean, null)",
    found,
    fix: "This value is to be hashed: give it as plain JSON.",
  });
};

function write(value: unknown, path: string): string {
  switch (typeof value) {
    case "string":
    case "boolean":
      return JSON.stringify(value);
    case "number":
      return Number.isFinite(value) ? JSON.stringify(value) : refuse(String(value), path);
    case "object": {
      if (value === null) return "null";
      if (Array.isArray(value)) {
        return `[${value.map((item, index) => write(item, `${path}[${index}]`)).join(",")}]`;
      }
      const prototype = Object.getPrototypeOf(value);
      if (prototype !== Object.prototype && prototype !== null) {
        return refuse(`an object of class ${prototype?.constructor?.name}`, path);
      }
      const entries = Object.entries(value)
        .filter(([, item]) => item !== undefined)
        .sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0)
        .map(([key, item]) => `${JSON.stringify(key)}:${write(item, `${path}.${key}`)}`);
      return `{${entries.join(",")}}`;
    }
    default:
      return refuse(typeof value, path);
  }
}

/** Throws `NotJson`. */
export const canonicalJson = (value: unknown): string => write(value, "");

/** SHA-256 of the canonical JSON. Throws `NotJson`. */
export const digestJson = (value: unknown): string => sha256(canonicalJson(value));
