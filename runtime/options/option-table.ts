// Every option as a row: its dotted key, type, default and doc line. `--explain`, "did you mean" and
// a run's identity read it.
// The trap: an option of a union member has a row for each meaning, so a key can occur twice
// (`optimizer.learning_rate` of AdamW and of Prodigy have different defaults).
import { dotted } from "../../lib/mapping.ts";
import type { Place } from "./option.ts";
import { members, propertiesOf, type SchemaNode, tagOf } from "./schema-node.ts";
import { typeText } from "./type-text.ts";

export interface OptionRow {
  readonly key: string;
  readonly type: string;
  readonly doc: string;
  readonly unit?: string;
  readonly required: boolean;
  /** In JSON; undefined where required. */
  readonly default?: unknown;
  /** Changing it goes on with the same run. */
  readonly keepsRun: boolean;
  /** No result depends on it: where an input is, how many workers there are. */
  readonly unhashed: boolean;
  /** Of what kind, where it says where something is on this machine. */
  readonly place?: Place;
  /** It came after the first version, and at its default it is as if it were not there. */
  readonly late: boolean;
  /** The tags of the union members that have it, if not all. */
  readonly of: readonly string[];
}

function row(key: string, node: SchemaNode, required: boolean, of: readonly string[]): OptionRow {
  return {
    key,
    type: typeText(node),
    doc: String(node.description ?? ""),
    ...(typeof node["x-unit"] === "string" ? { unit: node["x-unit"] } : {}),
    required,
    ...(required ? {} : { default: node.default }),
    keepsRun: node["x-keeps-run"] === true,
    unhashed: node["x-unhashed"] === true,
    ...(node["x-place"] === undefined ? {} : { place: node["x-place"] as Place }),
    late: node["x-late"] === true,
    of,
  };
}

function rowsUnder(node: SchemaNode, prefix: string, of: readonly string[]): OptionRow[] {
  const objects = members(node).filter((member) => member.properties !== undefined);
  const tags = objects.length > 1 ? objects.map(tagOf).filter((tag) => tag !== undefined) : [];
  const tagRow = tags.length === 0 ? [] : [{
    ...row(dotted(prefix, tags[0].key), propertiesOf(objects[0])[tags[0].key], false, of),
    type: `one of ${tags.map(({ tag }) => tag).join(", ")}`,
  }];
  const inside = objects.flatMap((member, i) => {
    const mine = tags.length === 0 ? of : [tags[i].tag];
    const needed = (member.required ?? []) as readonly string[];
    return Object.entries(propertiesOf(member))
      .filter(([name]) => name !== tags[i]?.key)
      .flatMap(([name, child]) => {
        const key = dotted(prefix, name);
        return [row(key, child, needed.includes(name), mine), ...rowsUnder(child, key, mine)];
      });
  });
  return [...tagRow, ...inside];
}

/** The rows in the order of the schema; rows that differ only in their member are joined. */
export function optionTable(root: SchemaNode): readonly OptionRow[] {
  const joined = new Map<string, OptionRow>();
  for (const each of rowsUnder(root, "", [])) {
    const alike = JSON.stringify({ ...each, of: [] });
    const before = joined.get(alike);
    joined.set(alike, before === undefined ? each : { ...before, of: [...before.of, ...each.of] });
  }
  return [...joined.values()];
}
