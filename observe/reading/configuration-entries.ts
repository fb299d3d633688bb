// A resolved configuration as rows for people: each option with its meaning, its value and whether that
// differs from the default. The trap: options of a union (the optimizer's kinds) have several rows in
// the option table; the one of the kind that this configuration names is meant.
import { canonicalJson } from "../../lib/canonical-json.ts";
import { isMapping, type Mapping } from "../../lib/mapping.ts";
import { optionRows } from "../../config/option-rows.ts";
import type { OptionRow } from "../../runtime/options/option-table.ts";

export interface ConfigurationEntry {
  /** Dotted. */
  readonly key: string;
  readonly value: unknown;
  readonly doc: string;
  /** The default; undefined where the option must be given. */
  readonly standard?: unknown;
  readonly differs: boolean;
}

const leaves = (value: Mapping, prefix = ""): readonly (readonly [string, unknown])[] =>
  Object.entries(value).flatMap(([name, child]) => {
    const key = `${prefix}${name}`;
    return isMapping(child) ? leaves(child, `${key}.`) : [[key, child] as const];
  });

const rowOf = (key: string, kinds: ReadonlySet<unknown>): OptionRow | undefined =>
  optionRows().find((row) =>
    row.key === key && (row.of.length === 0 || row.of.some((of) => kinds.has(of)))
  );

/** The default of `key`, which may lie inside a default that is a mapping. */
function standardOf(key: string, kinds: ReadonlySet<unknown>): unknown {
  const row = rowOf(key, kinds);
  if (row !== undefined) return row.default;
  const at = key.lastIndexOf(".");
  const above = at < 0 ? undefined : standardOf(key.slice(0, at), kinds);
  return isMapping(above) ? above[key.slice(at + 1)] : undefined;
}

/** What differs comes first; otherwise in the order of the configuration. */
export function configurationEntries(configuration: unknown): readonly ConfigurationEntry[] {
  if (!isMapping(configuration)) return [];
  const all = leaves(configuration);
  const kinds = new Set(all.map(([, value]) => value).filter((value) => typeof value === "string"));
  const entries = all.map(([key, value]): ConfigurationEntry => {
    const standard = standardOf(key, kinds);
    return {
      key,
      value,
      doc: rowOf(key, kinds)?.doc ?? "",
      ...(standard === undefined ? {} : { standard }),
      differs: standard === undefined || canonicalJson(standard) !== canonicalJson(value),
    };
  });
  return [
    ...entries.filter(({ differs }) => differs),
    ...entries.filter(({ differs }) => !differs),
  ];
}
