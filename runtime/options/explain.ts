// `--explain data_loader.resolution`: what an option means, its type, unit and default.
// The trap: an option of several dataset or optimizer kinds is explained for each of them.
import { Effect } from "effect";
import { nearest } from "../../lib/nearest.ts";
import { ConfigFault } from "./config-fault.ts";
import type { OptionRow } from "./option-table.ts";

const value = (row: OptionRow) =>
  row.required ? "none: it must be given" : JSON.stringify(row.default) ?? "none";

/** What no result depends on by itself: what is asked of it then decides. */
const changingIt = ({ keepsRun, unhashed, place }: OptionRow) =>
  keepsRun
    ? "goes on with the same run"
    : !unhashed
    ? "starts a new run"
    : place === undefined
    ? "goes on with the same run, unless what is read is other then"
    : "goes on with the same run where the same is found there; else starts a new one";

function block(row: OptionRow): string {
  const lines = [
    ["", row.doc === "" ? undefined : row.doc],
    ["type: ", row.type],
    ["unit: ", row.unit],
    ["default: ", value(row)],
    ["of: ", row.of.length === 0 ? undefined : row.of.join(", ")],
    ["changing it: ", changingIt(row)],
  ].filter(([, text]) => text !== undefined);
  return [row.key, ...lines.map(([name, text]) => `  ${name}${text}`)].join("\n");
}

/** The meaning of one option; of a mapping, its keys as well. Fails with the nearest valid key. */
export function explain(
  key: string,
  rows: readonly OptionRow[],
): Effect.Effect<string, ConfigFault> {
  const meant = rows.filter((row) => row.key === key);
  if (meant.length === 0) {
    const keys = rows.map((row) => row.key);
    const last = (text: string) => text.slice(text.lastIndexOf(".") + 1);
    const near = nearest(key, keys) ?? keys.find((each) => last(each) === last(key)) ??
      keys.find((each) => nearest(last(key), [last(each)]) !== undefined);
    return Effect.fail(
      new ConfigFault([{
        file: "--explain",
        wanted: "the key of an option",
        found: JSON.stringify(key),
        fix: near === undefined ? "--explain without a key lists all." : `Did you mean ${near}?`,
      }]),
    );
  }
  const inside = rows.filter((row) => row.key.startsWith(`${key}.`));
  const list = inside.length === 0
    ? []
    : [`  keys: ${[...new Set(inside.map((row) => row.key.slice(key.length + 1)))].join(", ")}`];
  return Effect.succeed([...meant.map(block), ...list].join("\n"));
}

/** All options, one line each: key, default, doc. */
export const explainAll = (rows: readonly OptionRow[]): string =>
  rows.map((row) =>
    `${row.key}${row.of.length === 0 ? "" : ` (${row.of.join(", ")})`}: ` +
    `${row.doc === "" ? `${row.type}.` : row.doc} ` +
    (row.required ? "Required." : `Default ${value(row)}.`)
  ).join("\n");
