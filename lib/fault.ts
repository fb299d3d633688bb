// The one shape of every error that gnomic raises on purpose: what was wanted, what was found, what
// to do. `class X extends fault("X", "user") {}` declares one; it is an Error to throw, and a value
// to yield in an Effect. The trap: `kind` decides the exit code, so choose it with care.
import { Data } from "effect";

/** Whose fault it is: the user's (exit 2), the world's (exit 3, may be retried), ours (exit 70). */
export type FaultKind = "user" | "world" | "defect";

/** Where the user can look. All parts are optional; `line` counts from 1. */
export interface Place {
  readonly file?: string;
  readonly key?: string;
  readonly line?: number;
  readonly tensor?: string;
}

export interface FaultFields extends Place {
  /** What was wanted, e.g. "a float32 tensor of shape [4,768]". */
  readonly wanted: string;
  /** What was found instead. */
  readonly found: string;
  /** What to do about it. */
  readonly fix: string;
  readonly cause?: unknown;
}

/** `file:line key: wanted X, found Y. Fix.` */
export function describeFault(fields: FaultFields): string {
  const file = fields.file === undefined
    ? undefined
    : fields.line === undefined
    ? fields.file
    : `${fields.file}:${fields.line}`;
  const place = [file, fields.tensor, fields.key].filter((part) => part !== undefined).join(" ");
  return `${
    place === "" ? "" : `${place}: `
  }wanted ${fields.wanted}, found ${fields.found}. ${fields.fix}`;
}

/** Declares a tagged error class. `transient` errors may be retried as a stage's `retry` says. */
export function fault<const Tag extends string>(tag: Tag, kind: FaultKind, transient = false) {
  return class extends Data.TaggedError(tag)<FaultFields> {
    readonly kind: FaultKind = kind;
    readonly transient: boolean = transient;
    override get message(): string {
      return describeFault(this);
    }
  };
}

/** Any error made by `fault`. */
export interface Fault extends Error, Omit<FaultFields, "cause"> {
  readonly _tag: string;
  readonly kind: FaultKind;
  readonly transient: boolean;
}

export const isFault = (value: unknown): value is Fault =>
  value instanceof Error && "kind" in value && "wanted" in value && "_tag" in value;
