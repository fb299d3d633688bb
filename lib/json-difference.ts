// What differs between two JSON values, key by key, as people read it: `optimizer.learning_rate` from
// 0.001 to 0.002. Lists of one length are compared item by item; of others, what came and went is named.
import { canonicalJson } from "./canonical-json.ts";
import { dotted, isMapping } from "./mapping.ts";

export interface Change {
  /** Dotted path; "" for the whole value. */
  readonly key: string;
  /** The JSON values; absent where the key was or is absent. */
  readonly from?: unknown;
  readonly to?: unknown;
}

const change = (key: string, from: unknown, to: unknown): Change => ({
  key,
  ...(from === undefined ? {} : { from }),
  ...(to === undefined ? {} : { to }),
});

function listDifference(before: readonly unknown[], after: readonly unknown[], key: string) {
  if (before.length === after.length) {
    return before.flatMap((item, i) => jsonDifference(item, after[i], `${key}[${i}]`));
  }
  const [had, has] = [before, after].map((list) => new Set(list.map(canonicalJson)));
  return [
    ...before.filter((item) => !has.has(canonicalJson(item))).map((item) =>
      change(key, item, undefined)
    ),
    ...after.filter((item) => !had.has(canonicalJson(item))).map((item) =>
      change(key, undefined, item)
    ),
  ];
}

/** Changes from `before` to `after`, sorted by key. */
export function jsonDifference(before: unknown, after: unknown, key = ""): readonly Change[] {
  if (before === after) return [];
  if (isMapping(before) && isMapping(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return names.flatMap((name) => jsonDifference(before[name], after[name], dotted(key, name)));
  }
  if (Array.isArray(before) && Array.isArray(after)) return listDifference(before, after, key);
  const same = before !== undefined && after !== undefined &&
    canonicalJson(before) === canonicalJson(after);
  return same ? [] : [change(key, before, after)];
}
