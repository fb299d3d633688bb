// `--set a.b=1` as a layer of the configuration: the value is read as YAML, so numbers, null, texts
// and lists ([512, 768]) are what they look like.
// `--set a.b=` takes an option back to its default, as if no file named it.
// The trap: several of them make one layer, in which contradictions are errors and not overrides.
import type { Place } from "../../lib/fault.ts";
import type { Finding } from "./config-fault.ts";
import { isMapping } from "../../lib/mapping.ts";
import { type ParsedSource, parseSource } from "../../lib/source.ts";
import { maxDepth } from "../../lib/yaml-document.ts";

function assign(into: Record<string, unknown>, path: readonly string[], value: unknown) {
  const [first, ...rest] = path;
  if (rest.length === 0) {
    Object.defineProperty(into, first, {
      value,
      enumerable: true,
      writable: true,
      configurable: true,
    });
    return;
  }
  const below = Object.hasOwn(into, first) && isMapping(into[first]) ? into[first] : {};
  const copy = Object.fromEntries(Object.entries(below));
  assign(copy, rest, value);
  assign(into, [first], copy);
}

export interface Settings extends ParsedSource {
  /** Dotted keys to take out of what is below, before these are laid over it. */
  readonly resets: readonly string[];
}

export function parseSettings(settings: readonly string[]): Settings {
  const value: Record<string, unknown> = {};
  const places = new Map<string, Place>();
  const findings: Finding[] = [];
  const resets: string[] = [];
  for (const setting of settings) {
    const equals = setting.indexOf("=");
    const key = setting.slice(0, Math.max(0, equals)).trim();
    const path = key.split(".");
    if (path.length > maxDepth) {
      const found = `${path.length}, beginning with ${path.slice(0, 3).join(".")}`;
      const wanted = `a key of at most ${maxDepth} parts`;
      findings.push({ file: "--set", wanted, found, fix: "--explain lists all keys." });
      continue;
    }
    if (equals < 0 || path.some((part) => part === "")) {
      const found = JSON.stringify(setting);
      const fix = "Write it like --set data_loader.resolution=768.";
      findings.push({ file: "--set", wanted: "a key, = and a value", found, fix });
      continue;
    }
    places.set(key, { file: "--set" });
    if (setting.slice(equals + 1).trim() === "") {
      resets.push(key);
      continue;
    }
    const parsed = parseSource(setting.slice(equals + 1), "--set");
    for (const { line: _, ...finding } of parsed.findings) findings.push({ ...finding, key });
    if (parsed.value !== undefined) assign(value, path, parsed.value);
  }
  return { value, places, findings, resets };
}
