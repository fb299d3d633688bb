// Decodes a source by a Schema and says everything that does not fit: unknown keys with the nearest
// valid one, wrong types, missing keys, each with file and line.
// The trap: in a union only the member that is meant may complain, or one slip gives a dozen errors.
import { Exit, Schema, type SchemaIssue } from "effect";
import { nearest } from "../../lib/nearest.ts";
import type { Finding } from "./config-fault.ts";
import { dotted, isMapping } from "../../lib/mapping.ts";
import { optionTable } from "./option-table.ts";
import { nodeAt, type SchemaNode, schemaNode } from "./schema-node.ts";
import { placeOf, type Source } from "../../lib/source.ts";
import { typeText } from "./type-text.ts";
import { wrongValueFix } from "../../lib/wrong-value-fix.ts";

type Path = readonly PropertyKey[];

/** One place where the value does not fit the schema. */
export interface Misfit {
  readonly kind: "unknown" | "missing" | "invalid" | "tag";
  readonly path: Path;
}

export const keyOf = (path: Path): string => dotted(...path.map(String));

function misfits(issue: SchemaIssue.Issue, path: Path): readonly Misfit[] {
  switch (issue._tag) {
    case "Pointer":
      return misfits(issue.issue, [...path, ...issue.path]);
    case "Encoding":
    case "Filter":
      return misfits(issue.issue, path);
    case "Composite":
      return issue.issues.flatMap((each) => misfits(each, path));
    case "UnexpectedKey":
      return [{ kind: "unknown", path }];
    case "MissingKey":
      return [{ kind: "missing", path }];
    case "AnyOf":
      return meantMember(issue.issues.map((each) => misfits(each, path)), path);
    case "InvalidType":
      return [{ kind: issue.ast._tag === "Literal" ? "tag" : "invalid", path }];
    default:
      return [{ kind: "invalid", path }];
  }
}

/** Of the members' complaints, those of the member whose tag fits, or that has the fewest. */
function meantMember(complaints: readonly (readonly Misfit[])[], path: Path): readonly Misfit[] {
  const tagMisfit = (list: readonly Misfit[]) =>
    list.find((each) => each.kind === "tag" && each.path.length === path.length + 1);
  const meant = complaints.filter((list) => tagMisfit(list) === undefined);
  if (meant.length > 0) return meant.toSorted((a, b) => a.length - b.length)[0];
  const wrongTag = complaints.map(tagMisfit).find((each) => each !== undefined);
  return [wrongTag ?? { kind: "invalid", path }];
}

export const valueAt = (value: unknown, path: Path): unknown =>
  path.reduce<unknown>(
    (at, part) =>
      typeof at === "object" && at !== null && Object.hasOwn(at, part)
        ? (at as Record<PropertyKey, unknown>)[part]
        : undefined,
    value,
  );

/** What stands at these dotted keys, where it is a text. */
export const textsAt = (
  value: unknown,
  keys: readonly string[],
): Readonly<Record<string, string>> =>
  Object.fromEntries(keys.flatMap((key) => {
    const text = valueAt(value, key.split("."));
    return typeof text === "string" ? [[key, text]] : [];
  }));

/** JSON has no infinite numbers; YAML has. */
const named = (_key: string, value: unknown) =>
  typeof value === "number" && !Number.isFinite(value) ? String(value) : value;

const shown = (value: unknown): string => {
  if (isMapping(value)) return "a mapping";
  const text = typeof value === "number"
    ? String(value)
    : JSON.stringify(value, named) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
};

/** What to write in place of a value that an option took once. */
const retiredFix = (value: unknown, node: SchemaNode | undefined): string | undefined => {
  const retired = (node?.["x-retired"] ?? {}) as Readonly<Record<string, string>>;
  return typeof value === "string" && Object.hasOwn(retired, value) ? retired[value] : undefined;
};

function describe(misfit: Misfit, root: SchemaNode, source: Source): Finding {
  const key = keyOf(misfit.path);
  const at = { ...placeOf(source, key), ...(key === "" ? {} : { key }) };
  const node = nodeAt(root, misfit.path, source.value);
  const list = misfit.path.slice(0, -1);
  if (misfit.kind !== "invalid" && Array.isArray(valueAt(source.value, list))) {
    return describe({ kind: "invalid", path: list }, root, source);
  }
  if (misfit.kind === "unknown") {
    return {
      ...at,
      wanted: "a known key",
      found: "an unknown one",
      fix: keyFix(misfit.path, root),
    };
  }
  if (misfit.kind === "missing") {
    const wanted = node === undefined ? "a value" : typeText(node);
    const fix = `Add the key. ${node?.description ?? ""}`.trimEnd();
    return { ...at, wanted, found: "nothing", fix };
  }
  const value = valueAt(source.value, misfit.path);
  if (misfit.kind === "tag") {
    const row = optionTable(root).find((each) => each.key === key);
    const wanted = row?.type ?? "another value";
    const fix = row === undefined || wanted.includes("one of ")
      ? wrongValueFix(value, wanted, undefined)
      : row.doc;
    return { ...at, wanted, found: shown(value), fix };
  }
  // Where anything may stand only such numbers may not.
  if (node === undefined) {
    const found = JSON.stringify(value, named);
    return { ...at, wanted: "finite numbers", found, fix: "Write the number." };
  }
  const wanted = typeText(node);
  const fix = retiredFix(value, node) ?? wrongValueFix(value, wanted, node.default);
  return { ...at, wanted, found: shown(value), fix };
}

/** Where an unknown key belongs: the same name elsewhere, or the nearest one beside it. */
function keyFix(path: Path, root: SchemaNode): string {
  const key = keyOf(path);
  const name = String(path.at(-1));
  // YAML takes `{type:X}` for a key without a value.
  const [, before, behind] = /^(\w+):(.+)$/s.exec(name) ?? [];
  if (behind !== undefined) return `Put a blank behind the colon: ${before}: ${behind}`;
  const rows = optionTable(root);
  const elsewhere = rows.filter((row) => row.key === key);
  if (elsewhere.length > 0) {
    return `Remove it, or choose ${
      elsewhere.flatMap((row) => row.of).join(" or ")
    }: it belongs there.`;
  }
  const group = keyOf(path.slice(0, -1));
  const beside = rows.map((row) => row.key).filter((other) =>
    other.slice(0, Math.max(0, other.lastIndexOf("."))) === group
  );
  const near = nearest(key, beside) ??
    rows.find((row) => row.key.endsWith(`.${name}`))?.key ??
    rows.find((row) => row.key === name)?.key ??
    rows.find((row) => nearest(name, [row.key.slice(row.key.lastIndexOf(".") + 1)]))?.key;
  if (near !== undefined) return `Did you mean ${near}?`;
  const known = beside.map((each) => each.slice(each.lastIndexOf(".") + 1));
  return known.length > 20
    ? "Remove it; --explain lists all keys."
    : `Remove it. Known here: ${known.join(", ")}.`;
}

export type Decoded<T> =
  | { readonly value: T; readonly misfits: readonly [] }
  | { readonly value: undefined; readonly misfits: readonly Misfit[] };

/** Decodes with unknown keys refused and every complaint collected. */
export function decodeAll<T>(schema: Schema.Codec<T, any>, value: unknown): Decoded<T> {
  const decode = Schema.decodeUnknownExit(schema, { errors: "all", onExcessProperty: "error" });
  const exit = decode(value);
  if (Exit.isSuccess(exit)) return { value: exit.value, misfits: [] };
  const found = exit.cause.reasons.flatMap((reason) =>
    reason._tag === "Fail" ? misfits(reason.error.issue, []) : []
  );
  const first = new Map(found.toReversed().map((misfit) => [keyOf(misfit.path), misfit]));
  return {
    value: undefined,
    misfits: found.filter((each) => first.get(keyOf(each.path)) === each),
  };
}

/** Nobody reads more; and looking for what each was meant to be takes a while. */
export const mostMisfits = 50;

/** The misfits as findings with file, line and what to do: the first of them, and how many more there are. */
export const findingsOf = (
  misfits: readonly Misfit[],
  schema: Schema.Constraint,
  source: Source,
): readonly Finding[] => {
  const root = schemaNode(schema);
  const shown = misfits.slice(0, mostMisfits);
  const findings = shown.map((misfit) => describe(misfit, root, source));
  const more = misfits.length - shown.length;
  return more === 0 ? findings : [...findings, {
    ...placeOf(source, keyOf(misfits[shown.length].path)),
    wanted: "a configuration",
    found: `${more} more such problems`,
    fix: "Correct the first ones; is it the right file?",
  }];
};
