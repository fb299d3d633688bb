// A mapping of JSON or YAML, that is, an object that is no list; and the dotted keys that lead into one
// (`data_loader.resolution`, `prompts.0`).

export type Mapping = Readonly<Record<string, unknown>>;

export const isMapping = (value: unknown): value is Mapping =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Empty parts are left out, so that "" can stand for the whole. */
export const dotted = (...parts: readonly (string | number)[]): string =>
  parts.filter((part) => part !== "").join(".");

// A JSON value without some of its keys, named by their dotted paths.
// The trap: lists are left as they are; a path into one names nothing.

export function withoutKeys(value: Mapping, keys: readonly string[], at?: string): Mapping;
export function withoutKeys(value: unknown, keys: readonly string[], at?: string): unknown;
export function withoutKeys(value: unknown, keys: readonly string[], at = ""): unknown {
  if (!isMapping(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, child]) => [dotted(at, name), name, child] as const)
      .filter(([path]) => !keys.includes(path))
      .map(([path, name, child]) => [name, withoutKeys(child, keys, path)]),
  );
}
