// A schema node in words: "an integer from 1 to 75", "one of style, object, or null".
// The trap: it describes what the JSON Schema can say; checks of other kinds name themselves.
import { members, type SchemaNode, tagOf } from "./schema-node.ts";

export function typeText(node: SchemaNode): string {
  const tagged = members(node).map(tagOf).filter((tag) => tag !== undefined);
  const mapping = tagged.length < 2
    ? []
    : [`a mapping whose ${tagged[0].key} is one of ${tagged.map(({ tag }) => tag).join(", ")}`];
  const others = members(node).filter((member) =>
    mapping.length === 0 || tagOf(member) === undefined
  );
  return [...mapping, ...new Set(others.map(single))].join(", or ");
}

function single(node: SchemaNode): string {
  if (Array.isArray(node.enum)) {
    return node.enum.length === 1 ? String(node.enum[0]) : `one of ${node.enum.join(", ")}`;
  }
  switch (node.type) {
    case "integer":
      return numberText("an integer", node);
    case "number":
      return numberText("a number", node);
    case "boolean":
      return "true or false";
    case "null":
      return "null";
    case "string":
      if (node.pattern !== undefined) return `a text with ${plain(String(node.pattern))}`;
      return node.minLength === undefined ? "a text" : "a text (not empty)";
    case "array": {
      const positions = (node.prefixItems ?? []) as readonly SchemaNode[];
      const one = positions[0] ?? node.items as SchemaNode | undefined;
      // Of what may be anything it says nothing.
      const each = one === undefined ? "" : `, each ${typeText(one)}`;
      if (positions.length > 0) return `a list of ${positions.length}${each}`;
      return `a list${node.minItems === undefined ? "" : " (not empty)"}${each}`;
    }
    default:
      return "a mapping";
  }
}

/** The patterns that option checks generate are escaped literals. */
const plain = (pattern: string) => pattern.replace(/^\^?\.\*|\.\*\$?$/g, "").replaceAll("\\", "");

function numberText(what: string, node: SchemaNode): string {
  const { minimum, exclusiveMinimum, maximum, exclusiveMaximum, multipleOf } = node;
  const kind = multipleOf === undefined ? what : `a multiple of ${multipleOf}`;
  if (minimum !== undefined && maximum !== undefined) {
    return `${kind} from ${minimum} to ${maximum}`;
  }
  const range = [
    minimum === undefined ? undefined : `of at least ${minimum}`,
    exclusiveMinimum === undefined ? undefined : `above ${exclusiveMinimum}`,
    maximum === undefined ? undefined : `of at most ${maximum}`,
    exclusiveMaximum === undefined ? undefined : `below ${exclusiveMaximum}`,
  ].filter((part) => part !== undefined);
  return [kind, range.join(" and ")].join(" ").trimEnd();
}
