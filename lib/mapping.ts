// A mapping of JSON or YAML, that is, an object that is no list; and the dotted keys that lead into one
// (`data_loader.resolution`, `prompts.0`).

export type Mapping = Readonly<Record<string, unknown>>;

export const isMapping = (value: unknown): value is Mapping =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Empty parts are left out, so that "" can stand for the whole. */
export const dotted = (...parts: readonly (string | number)[]): string =>
  parts.filter((part) => part !== "").join(".");
