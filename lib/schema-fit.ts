// Does what one stage writes fit what another reads? Compared as JSON Schemas, field by field, so that
// two files that declare the same artefact each for itself may be wired if their fields agree.
// The trap: only shape and type are compared; ranges and patterns are checked when a value arrives.
import { Schema } from "effect";
import { dotted, isMapping, type Mapping } from "./mapping.ts";

export interface Misfit {
  /** Dotted, e.g. "train[].caption"; "" is the whole value. */
  readonly field: string;
  readonly written: string;
  readonly read: string;
}

const nodes = (value: unknown): readonly Mapping[] =>
  Array.isArray(value) ? value.filter(isMapping) : [];

const members = (node: Mapping): readonly Mapping[] =>
  "anyOf" in node ? nodes(node.anyOf).flatMap(members) : [node];

const typeOf = (node: Mapping): string =>
  "const" in node
    ? JSON.stringify(node.const)
    : Array.isArray(node.enum)
    ? node.enum.map((value) => JSON.stringify(value)).join(" or ")
    : typeof node.type === "string"
    ? node.type
    : "anything";

const nameOf = (node: Mapping): string => [...new Set(members(node).map(typeOf))].join(" or ");

const valuesOf = (node: Mapping): readonly unknown[] | undefined =>
  "const" in node ? [node.const] : Array.isArray(node.enum) ? node.enum : undefined;

const jsonType = (value: unknown): string => value === null ? "null" : typeof value;

function singleFits(written: Mapping, read: Mapping, field: string): Misfit | undefined {
  const misfit = { field, written: nameOf(written), read: nameOf(read) };
  if (typeOf(read) === "anything") return undefined;
  const wanted = valuesOf(read);
  const given = valuesOf(written);
  if (wanted !== undefined) {
    return given?.every((value) => wanted.includes(value)) === true ? undefined : misfit;
  }
  if (given !== undefined) {
    return given.every((value) =>
        jsonType(value) === read.type || (read.type === "integer" && Number.isInteger(value))
      )
      ? undefined
      : misfit;
  }
  const sameType = written.type === read.type ||
    (written.type === "integer" && read.type === "number");
  if (!sameType) return misfit;
  if (read.type === "object") return objectFits(written, read, field);
  if (read.type === "array") return listFits(written, read, field);
  return undefined;
}

function objectFits(written: Mapping, read: Mapping, field: string): Misfit | undefined {
  const [has, wants] = [written.properties, read.properties].map((all) =>
    isMapping(all) ? all : {}
  );
  const [given, required] = [written.required, read.required]
    .map((all) => new Set(Array.isArray(all) ? all : []));
  for (const [key, wanted] of Object.entries(wants)) {
    const own = has[key];
    const at = dotted(field, key);
    if (!isMapping(wanted)) continue;
    if (!isMapping(own)) {
      if (!required.has(key)) continue;
      return { field: at, written: "nothing", read: nameOf(wanted) };
    }
    if (required.has(key) && !given.has(key)) {
      return { field: at, written: `${nameOf(own)}, or nothing`, read: nameOf(wanted) };
    }
    const found = misfitOf(own, wanted, at);
    if (found !== undefined) return found;
  }
  return isMapping(written.additionalProperties) && isMapping(read.additionalProperties)
    ? misfitOf(written.additionalProperties, read.additionalProperties, dotted(field, "*"))
    : undefined;
}

function listFits(written: Mapping, read: Mapping, field: string): Misfit | undefined {
  const [has, wants] = [nodes(written.prefixItems), nodes(read.prefixItems)];
  if (has.length !== wants.length) {
    const text = (length: number) => length === 0 ? "a list" : `a list of ${length}`;
    return { field, written: text(has.length), read: text(wants.length) };
  }
  for (const [index, wanted] of wants.entries()) {
    const found = misfitOf(has[index], wanted, `${field}[${index}]`);
    if (found !== undefined) return found;
  }
  return isMapping(written.items) && isMapping(read.items)
    ? misfitOf(written.items, read.items, `${field}[]`)
    : undefined;
}

/** Every alternative that may be written must fit one that is read. */
function misfitOf(written: Mapping, read: Mapping, field: string): Misfit | undefined {
  const [writers, readers] = [members(written), members(read)];
  const alternatives = writers.length > 1 || readers.length > 1;
  for (const one of writers) {
    const misfits = readers.map((reader) => singleFits(one, reader, field));
    if (misfits.some((misfit) => misfit === undefined)) continue;
    const nearest = (misfits as Misfit[]).toSorted((a, b) => nearness(b) - nearness(a))[0];
    return alternatives && nearest.field === field
      ? { field, written: nameOf(written), read: nameOf(read) }
      : nearest;
  }
  return undefined;
}

/** Of several alternatives that do not fit, the one meant agrees in its tag and fails deep inside. */
const nearness = ({ field, read }: Misfit): number => read.startsWith('"') ? 0 : field.length;

const cache = new WeakMap<object, Mapping>();

function jsonSchema(schema: Schema.Constraint): Mapping {
  const known = cache.get(schema);
  if (known !== undefined) return known;
  const document = Schema.toJsonSchemaDocument(schema);
  const definitions = (document as { definitions?: unknown }).definitions;
  const node = isMapping(definitions) && Object.keys(definitions).length > 0
    ? inlined(document.schema as Mapping, definitions)
    : document.schema as Mapping;
  cache.set(schema, node);
  return node;
}

/** References resolved, to the depth at which recursive schemas stop making sense to compare. */
function inlined(node: Mapping, definitions: Mapping, depth = 0): Mapping {
  const reference = typeof node.$ref === "string" ? node.$ref.split("/").at(-1)! : undefined;
  if (reference !== undefined) {
    const target = definitions[decodeURIComponent(reference)];
    return depth < 12 && isMapping(target) ? inlined(target, definitions, depth + 1) : {};
  }
  const visit = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(visit)
      : isMapping(value)
      ? inlined(value, definitions, depth + 1)
      : value;
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, visit(value)]));
}

/** The first field in which `written` does not fit `read`, or undefined. */
export const schemaMisfit = (
  written: Schema.Constraint,
  read: Schema.Constraint,
): Misfit | undefined =>
  written === read ? undefined : misfitOf(jsonSchema(written), jsonSchema(read), "");
