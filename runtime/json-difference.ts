// What differs between two JSON values, key by key, as people read it: `optimizer.learning_rate` from
// 0.001 to 0.002. Lists are compared as a whole, because "[3] was inserted" helps nobody.
import { canonicalJson } from "./canonical-json.ts";

export interface Change {
  /** Dotted path; "" for the whole value. */
  readonly key: string;
  /** The JSON values; undefined where the key was or is absent. */
  readonly from?: unknown;
  readonly to?: unknown;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Changes from `before` to `after`, sorted by key. */
export function jsonDifference(before: unknown, after: unknown, key = ""): readonly Change[] {
  if (isRecord(before) && isRecord(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return names.flatMap((name) =>
      jsonDifference(before[name], after[name], key === "" ? name : `${key}.${name}`)
    );
  }
  if (before === undefined && after === undefined) return [];
  if (
    before !== undefined && after !== undefined && canonicalJson(before) === canonicalJson(after)
  ) return [];
  return [{
    key,
    ...(before === undefined ? {} : { from: before }),
    ...(after === undefined ? {} : { to: after }),
  }];
}
