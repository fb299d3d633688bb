// A mapping of JSON or YAML, that is, an object that is no list; and the dotted keys that lead into one
// (`data_loader.resolution`, `prompts.0`).

export type Mapping = Readonly<Record<string, unknown>>;

export const isMapping = (value: unknown): value is Mapping =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The same with other texts at these keys, as far as it has them. */
export function withTextsAt(
  values: unknown,
  texts: Readonly<Record<string, string>>,
  at = "",
): unknown {
  if (!isMapping(values)) return values;
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      const key = dotted(at, name);
      return [name, Object.hasOwn(texts, key) ? texts[key] : withTextsAt(value, texts, key)];
    }),
  );
}

/** Empty parts are left out, so that "" can stand for the whole. */
export const dotted = (...parts: readonly (string | number)[]): string =>
  parts.filter((part) => part !== "").join(".");
