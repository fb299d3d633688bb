// Reading the JSON Schema that a Schema gives: the map of all keys, from which findings, `--explain`
// and the list of options take types, defaults and doc lines.
// The trap: a node may be a union; a path into it needs the value, whose `type` picks the member.
import { type JsonSchema, Schema } from "effect";
import { isMapping } from "../../lib/mapping.ts";
import { annotationKeys } from "./option.ts";

export type SchemaNode = JsonSchema.JsonSchema;

/** Effect puts a check's facets and annotations into `allOf`; here they join the node itself. */
function flat(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(flat);
  if (!isMapping(node)) return node;
  const { allOf, ...own } = node;
  const parts = Array.isArray(allOf) ? allOf.filter(isMapping) : [];
  const joined = Object.entries(Object.assign({}, own, ...parts) as Record<string, unknown>);
  return Object.fromEntries(
    joined
      .filter(([key, value]) => !isSafeLimit(key, value))
      .map(([key, value]) => [key, key === "default" ? value : flat(value)]),
  );
}

const isSafeLimit = (key: string, value: unknown) =>
  (key === "minimum" || key === "maximum") && Math.abs(Number(value)) === Number.MAX_SAFE_INTEGER;

/** Draft 2020-12, without references, unknown keys refused. */
export function schemaNode(schema: Schema.Constraint): SchemaNode {
  const document = Schema.toJsonSchemaDocument(schema, {
    onExcessProperty: "error",
    includeAnnotationKey: (key) => annotationKeys.includes(key),
  });
  return flat(document.schema) as SchemaNode;
}

/** The alternatives of a union, or the node itself. */
export const members = (node: SchemaNode): readonly SchemaNode[] =>
  Array.isArray(node.anyOf) ? node.anyOf.flatMap(members) : [node];

export const propertiesOf = (node: SchemaNode): Readonly<Record<string, SchemaNode>> =>
  (node.properties ?? {}) as Record<string, SchemaNode>;

/** The keys that tell union members apart, by the names the reference uses. */
export const tagKeys: readonly string[] = ["type", "optimizer_type"];

/** The tag of a member that has one. */
export function tagOf(node: SchemaNode): { key: string; tag: string } | undefined {
  for (const key of tagKeys) {
    const values = propertiesOf(node)[key]?.enum;
    if (Array.isArray(values) && values.length === 1) return { key, tag: String(values[0]) };
  }
}

/** The member that a value means: by its tag, else the first that knows most of its keys. */
function memberFor(node: SchemaNode, value: unknown): SchemaNode | undefined {
  const objects = members(node).filter((member) => member.properties !== undefined);
  if (!isMapping(value)) return objects[0];
  const tagged = objects.find((member) => {
    const tag = tagOf(member);
    return tag !== undefined && value[tag.key] === tag.tag;
  });
  if (tagged !== undefined) return tagged;
  const known = (member: SchemaNode) =>
    Object.keys(value).filter((key) => Object.hasOwn(propertiesOf(member), key)).length;
  return objects.toSorted((a, b) => known(b) - known(a))[0];
}

/** The node at a path, `value` being what stands at the root. */
export function nodeAt(
  root: SchemaNode,
  path: readonly PropertyKey[],
  value: unknown,
): SchemaNode | undefined {
  let node: SchemaNode | undefined = root;
  let at: unknown = value;
  for (const part of path) {
    if (node === undefined) return undefined;
    if (typeof part === "number") {
      const list: SchemaNode | undefined = members(node).find((member) => member.type === "array");
      const positions = (list?.prefixItems ?? []) as readonly SchemaNode[];
      node = positions[part] ?? list?.items as SchemaNode | undefined;
    } else {
      const member = memberFor(node, at);
      const properties = member === undefined ? {} : propertiesOf(member);
      const others: readonly unknown[] = members(node).map(({ additionalProperties }) =>
        additionalProperties
      );
      node = Object.hasOwn(properties, part)
        ? properties[String(part)]
        : others.find(isMapping) as SchemaNode | undefined;
    }
    at = typeof at === "object" && at !== null && Object.hasOwn(at, part)
      ? (at as Record<PropertyKey, unknown>)[part]
      : undefined;
  }
  return node;
}

/** The tag of the union member that an untagged mapping at a dotted path means. */
export function impliedTag(root: SchemaNode, at: string, value: unknown): string | undefined {
  const node = nodeAt(root, at.split("."), undefined);
  const member = node === undefined ? undefined : memberFor(node, value);
  return member === undefined ? undefined : tagOf(member)?.tag;
}
