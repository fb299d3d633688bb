// A YAML text as a document of nodes, or what is wrong with its syntax in words that help.
// The trap: the parser complains once for each bracket that is open where one is missing; that is one mistake.
import {
  type Document,
  isScalar,
  type LineCounter,
  type Node,
  parseDocument,
  Scalar,
  type YAMLError,
} from "yaml";
import type { FaultFields } from "./fault.ts";

type Said = Pick<FaultFields, "wanted" | "found" | "fix">;

export const maxDepth = 32;
/** Nobody reads more. */
export const mostFindings = 50;

export const tooDeep: Said = {
  wanted: `a configuration nested at most ${maxDepth} deep`,
  found: "deeper nesting",
  fix: "Look for brackets or braces that are never closed; is it the right file?",
};

/** Null: nested so deep that the parser's stack ran out. Its own check of keys compares each with all. */
export function parseYaml(text: string, lineCounter: LineCounter) {
  try {
    return parseDocument(text, {
      lineCounter,
      prettyErrors: false,
      stringKeys: true,
      resolveKnownTags: false,
      uniqueKeys: false,
    });
  } catch (cause) {
    if (cause instanceof RangeError) return null;
    throw cause;
  }
}

const outOfStack = /call stack/;

/** Of several at one place the first: each bracket that is open where one is missing complains there. */
const firstOfEach = (errors: readonly YAMLError[]): readonly YAMLError[] => {
  const seen = new Set<number>();
  return errors.filter(({ pos, message }) => {
    const at = outOfStack.test(message) ? -1 : pos[0];
    return !seen.has(at) && seen.add(at);
  });
};

export const windowsPath = {
  wanted: "backslashes between single quotes; between double quotes they mean something else",
  fix: "Write a Windows path as 'C:\\Users\\me\\files', in single quotes.",
};

function said({ code, message }: YAMLError): Said {
  if (outOfStack.test(message)) return tooDeep;
  if (code === "TAG_RESOLVE_FAILED") {
    return { wanted: "plain YAML", found: `a tag (${message})`, fix: "Remove the tag." };
  }
  if (code === "BAD_DQ_ESCAPE") return { ...windowsPath, found: message };
  return {
    wanted: "valid YAML",
    found: message.split("; please")[0],
    fix: "Correct the line; indent with spaces, and quote texts that hold `: ` or ` #`.",
  };
}

/** Where (an offset into the text) and what; empty where the syntax is sound. */
export const syntaxFindings = (
  { errors, warnings }: Pick<Document, "errors" | "warnings">,
): readonly (Said & { readonly at: number })[] =>
  firstOfEach([...errors, ...warnings]).slice(0, mostFindings)
    .map((error) => ({ at: error.pos[0], ...said(error) }));

/** `"C:\new"` is a path with a line break in it, and valid YAML. */
export const isWindowsPath = (node: Node | null, text: string): boolean =>
  isScalar(node) && node.type === Scalar.QUOTE_DOUBLE && node.range != null &&
  /^"[A-Za-z]:\\[^\\]/.test(text.slice(node.range[0], node.range[1]));
