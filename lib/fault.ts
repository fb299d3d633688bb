// The one shape of every error that gnomic raises on purpose: what was wanted, what was found, what
// to do. `class X extends fault("X", "user") {}` declares one; it is an Error to throw, and a value
// to yield in an Effect. The trap: `kind` decides the exit code, so choose it with care.
import { type Cause, Data } from "effect";
import { fewOfEach } from "./few-of-each.ts";

/** What a fault says: where the user can look, as far as that is known, and the three things to be told. */
export interface FaultFields {
  /** A path, or an option of the command line as it was written. */
  readonly file?: string;
  /** A dotted key of the configuration. */
  readonly key?: string;
  /** Of `file`, from 1. */
  readonly line?: number;
  /** By its name in `file`. */
  readonly tensor?: string;
  /** What was wanted, e.g. "a float32 tensor of shape [4,768]". */
  readonly wanted: string;
  /** What was found instead. */
  readonly found: string;
  /** What to do about it. */
  readonly fix: string;
  /** What was thrown where it was noticed. */
  readonly cause?: unknown;
}

/** Where the user can look. */
export type Place = Pick<FaultFields, "file" | "key" | "line" | "tensor">;

/** `file:line key: wanted X, found Y. Fix.` */
export function describeFault(fields: FaultFields): string {
  const file = fields.file === undefined
    ? undefined
    : fields.line === undefined
    ? fields.file
    : `${fields.file}:${fields.line}`;
  // An option of the command line that is called as its key says it once.
  const key = file === `--${fields.key}` ? undefined : fields.key;
  const place = [file, fields.tensor, key].filter((part) => part !== undefined).join(" ");
  return `${
    place === "" ? "" : `${place}: `
  }wanted ${fields.wanted}, found ${fields.found}. ${fields.fix}`;
}

/**
 * What Effect adds to an error, so that `yield* new X({...})` fails with it.
 * @internal
 */
type Yieldable = Cause.YieldableError;

/** @internal */
export type FaultKind = Fault["kind"];

/** Declares a tagged error class. `transient` errors may be retried as a stage's `retry` says. */
export function fault<const Tag extends string>(
  tag: Tag,
  kind: FaultKind,
  transient = false,
): new (fields: FaultFields) => Yieldable & Fault & FaultFields & { readonly _tag: Tag } {
  return class extends Data.TaggedError(tag)<FaultFields> {
    readonly kind: FaultKind = kind;
    readonly transient: boolean = transient;
    override get message(): string {
      return describeFault(this);
    }
  };
}

/** Any error made by `fault`: all that is thrown on purpose. Its message says all but the kind. */
export interface Fault extends Error, FaultFields {
  /** The name of its class, e.g. "WeightsFileFault". */
  readonly _tag: string;
  /** Whose fault it is: the user's (exit 2), the world's (exit 3, may be retried), ours (exit 70). */
  readonly kind: "user" | "world" | "defect";
  /** Whether it may be gone when tried again. */
  readonly transient: boolean;
  /** What was thrown where it was noticed. */
  readonly cause?: unknown;
}

export const isFault = (value: unknown): value is Fault =>
  value instanceof Error && "kind" in value && "wanted" in value && "_tag" in value;

/** The same fault in other words, e.g. with the option that it is about. Not of one that is several. */
export const reworded = <F extends Fault>(cause: F, fields: Partial<FaultFields>): F => {
  const Same = cause.constructor as new (fields: FaultFields) => F;
  return new Same({ ...cause, cause: cause.cause, ...fields });
};

const seriousness: readonly FaultKind[] = ["defect", "world", "user"];

/**
 * Several findings at once, as one fault. Nothing starts while one of them stands. Its kind is the most serious
 * among them, for the exit code.
 */
export class Faults extends fault("Faults", "user") {
  readonly faults: readonly Fault[];
  override readonly kind: FaultKind;

  constructor(faults: readonly Fault[]) {
    super({
      wanted: "a pipeline without problems",
      found: `${faults.length} of them`,
      fix: faults.map((each) => each.message).join("\n"),
    });
    this.faults = faults;
    this.kind = seriousness.find((kind) => faults.some((each) => each.kind === kind)) ?? "user";
  }

  override get message(): string {
    const messages = fewOfEach(this.faults, ({ message }) => message);
    return [`${this.faults.length} problems:`, ...messages].join("\n  ");
  }
}

/** A fault that is several (`Faults`, a configuration's) has them as `faults`. */
const several = (each: Fault): readonly Fault[] =>
  "faults" in each ? each.faults as readonly Fault[] : [each];

/**
 * One stays itself, several become `Faults`, and those inside others are taken out. Stages that need the
 * same thing find the same fault; it is said once.
 */
export function allFaults(faults: readonly Fault[]): Fault {
  if (faults.length === 1) return faults[0];
  const all = faults.flatMap(several);
  const flat = [...new Map(all.map((each) => [each.message, each])).values()];
  return flat.length === 1 ? flat[0] : new Faults(flat);
}

/**
 * How a stage ends that was asked to stop: a failure, because its outputs are not complete, but nobody's fault.
 * The runner tells its readers the same, says how to go on, and exits with 130.
 */
export class Stopped extends fault("Stopped", "user") {}

/** Ends a stage after `step` finished steps, all of which are on disk. */
export const stopped = (step: number): Stopped =>
  new Stopped({
    wanted: "to go on",
    found: `a request to stop; step ${step} is finished and saved`,
    fix: "Give the same command again to go on from there.",
  });

/** Ended where it was told to (`--to-step`): nobody's fault either, and a good end of the command. */
export class Paused extends Stopped {}

/** Ends a stage after `step` finished steps, all of which are on disk. */
export const paused = (step: number): Paused =>
  new Paused({
    wanted: "to go on",
    found: `that it was to end after step ${step}, which is finished and saved`,
    fix: "Give the command with a later --to-step, or without it, to go on from there.",
  });

/**
 * What `inputs` fails with in a dry run when weights or a data set are not on this machine. The plan prints it
 * and goes on; a real run never sees it, because there the network may be used. `wanted` is what is missing, by
 * name: "stabilityai/... on this machine".
 */
export class NotDownloaded extends fault("NotDownloaded", "world") {}
