// A configuration text as a plain value, with the line of each key, so that every later finding can
// say where to look. YAML 1.2 (JSON is a part of it), parsed with limits.
// The trap: the value is not yet checked against anything but YAML; aliases are copied out, within a
// budget, so that a few lines cannot unfold into gigabytes.
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  Scalar,
} from "yaml";
import type { FaultFields, Place } from "./fault.ts";
import { dotted, isMapping } from "./mapping.ts";
import {
  isWindowsPath,
  maxDepth,
  mostFindings,
  parseYaml,
  syntaxFindings,
  tooDeep,
  windowsPath,
} from "./yaml-document.ts";

/** A value and where its parts stand, by dotted key (`data_loader.resolution`, `prompts.0`). */
export interface Source {
  /** As JSON. */
  readonly value: unknown;
  /** File and line of each part. */
  readonly places: ReadonlyMap<string, Place>;
}

export interface ParsedSource extends Source {
  readonly findings: readonly FaultFields[];
}

export const maxSourceBytes = 1 << 18;
const maxValues = 20_000;

export const emptySource: Source = { value: {}, places: new Map() };

/** The place of a key, else of something in it, else of the nearest mapping around it. */
export function placeOf(source: Source, key: string): Place {
  const inside = () => [...source.places].find(([at]) => at.startsWith(`${key}.`))?.[1];
  const exact = source.places.get(key) ?? (key === "" ? undefined : inside());
  if (exact !== undefined || key === "") return exact ?? {};
  return placeOf(source, key.slice(0, Math.max(0, key.lastIndexOf("."))));
}

/** The part of a source under a key, with the places counted from there. */
export function within(source: Source, key: string): Source {
  const value = isMapping(source.value) && Object.hasOwn(source.value, key)
    ? source.value[key]
    : undefined;
  const inside = [...source.places].flatMap(([at, place]): [string, Place][] =>
    at === key ? [["", place]] : at.startsWith(`${key}.`) ? [[at.slice(key.length + 1), place]] : []
  );
  return { value, places: new Map(inside) };
}

const writeOut = "Write the values out instead of repeating them through anchors and aliases.";

const tooMany: Pick<FaultFields, "wanted" | "found" | "fix"> = {
  wanted: `a configuration of at most ${maxValues} values`,
  found: "more values",
  fix: writeOut,
};

/** Parses YAML or JSON. Never throws; the value is undefined where the syntax is broken. */
export function parseSource(text: string, file: string): ParsedSource {
  const lines = new LineCounter();
  const lineAt = (offset: number) => lines.linePos(offset).line;
  const document = parseYaml(text, lines);
  if (document === null) {
    return { ...nothingOf(file), findings: [{ file, ...tooDeep }] };
  }
  const findings: FaultFields[] = syntaxFindings(document).map(({ at, ...said }) => ({
    file,
    line: lineAt(at),
    ...said,
  }));
  if (document.errors.length > 0) return { ...nothingOf(file), findings };
  const unfolded = unfold(document, file, lineAt, text);
  return { ...unfolded, findings: [...findings, ...unfolded.findings] };
}

const nothingOf = (file: string): Source => ({
  value: undefined,
  places: new Map([["", { file }]]),
});

const twice: Pick<FaultFields, "wanted" | "found" | "fix"> = {
  wanted: "each key once",
  found: "a key that the same mapping has already",
  fix: "Remove one of the two lines.",
};

function unfold(
  document: Document,
  file: string,
  lineAt: (offset: number) => number,
  text: string,
) {
  const places = new Map([["", { file, line: 1 }]]);
  const findings: FaultFields[] = [];
  let left = maxValues;
  // Asked for it, an alias walks through the whole document.
  const anchors = new Map<string, Node>();
  const targets = new Map<Node, Node | undefined>();
  const targetOf = (alias: Alias): Node | undefined => {
    if (!targets.has(alias)) targets.set(alias, anchors.get(alias.source));
    return targets.get(alias);
  };
  const walk = (node: Node | null, key: string, depth: number, isCopy: boolean): unknown => {
    left--;
    if (left < 0 || depth > maxDepth) {
      const fix = isCopy ? { fix: writeOut } : {};
      const what = left < 0 ? tooMany : { ...tooDeep, ...fix };
      const line = node?.range ? { line: lineAt(node.range[0]) } : {};
      if (findings.length === 0) findings.push({ file, ...line, ...what });
      return null;
    }
    if (node?.range) places.set(key, places.get(key) ?? { file, line: lineAt(node.range[0]) });
    if (isAlias(node)) {
      const target = targetOf(node);
      if (target !== undefined) return walk(target, key, depth + 1, true);
      const found = `*${node.source}, which no anchor before it names`;
      findings.push({ ...places.get(key)!, key, wanted: "a value", found, fix: "Write it out." });
      return null;
    }
    const anchor = node === null ? undefined : (node as Node & { anchor?: string }).anchor;
    if (anchor !== undefined && !isCopy) anchors.set(anchor, node!);
    if (isSeq(node)) {
      return node.items.map((item, i) =>
        walk(item as Node | null, dotted(key, i), depth + 1, isCopy)
      );
    }
    if (isMap(node)) {
      const names = new Set<string>();
      const isMerge = ({ key }: (typeof node.items)[number]) =>
        isScalar(key) && key.value === "<<" && key.type === Scalar.PLAIN;
      // As YAML 1.1 has it (and PyYAML): own keys go over merged ones, and earlier ones over later ones.
      const merged = node.items.filter(isMerge).flatMap((pair) => {
        const value = walk(pair.value as Node | null, key, depth + 1, isCopy);
        const all = Array.isArray(value) ? value.toReversed() : [value];
        if (all.every(isMapping)) return all.flatMap((each) => Object.entries(each));
        const found = "something else";
        const fix = "Write <<: *name, with the anchor &name at a mapping.";
        findings.push({ ...places.get(key)!, key, wanted: "mappings to merge", found, fix });
        return [];
      });
      const own = node.items.filter((pair) => !isMerge(pair)).map((pair) => {
        const keyNode = isAlias(pair.key) ? targetOf(pair.key) : pair.key;
        const name = String(isScalar(keyNode) ? keyNode.value : keyNode);
        const at = dotted(key, name);
        const offset = (pair.key as Node).range?.[0] ?? 0;
        const place = { file, line: lineAt(offset) };
        if (names.has(name) && findings.length < mostFindings) {
          findings.push({ ...place, ...twice });
        }
        names.add(name);
        places.set(at, place);
        return [name, walk(pair.value as Node | null, at, depth + 1, isCopy)] as const;
      });
      return Object.fromEntries([...merged, ...own]);
    }
    if (isWindowsPath(node, text)) {
      const found = text.slice(node!.range![0], node!.range![1]);
      findings.push({ ...places.get(key)!, key, ...windowsPath, found });
    }
    return isScalar(node) ? node.value : null;
  };
  const value = walk(document.contents as Node | null, "", 0, false);
  return { value, places, findings };
}
