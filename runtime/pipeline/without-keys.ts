// A JSON value without some of its keys, named by their dotted paths.
// The trap: lists are left as they are; a path into one names nothing.

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export function withoutKeys(value: unknown, keys: readonly string[], at = ""): unknown {
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, child]) => [at === "" ? name : `${at}.${name}`, name, child] as const)
      .filter(([path]) => !keys.includes(path))
      .map(([path, name, child]) => [name, withoutKeys(child, keys, path)]),
  );
}
