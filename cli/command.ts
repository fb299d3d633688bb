// One command of the program, as a value: how it is written, what `--help` says, and what it does.
// main.ts gives it to cac, runs the Effect and turns a fault into a message and an exit code.
// The trap: a flag without a value is `true`, so options are decoded with String.
import type { Effect } from "effect";
import { type Fault, fault } from "../lib/fault.ts";

/** A command line that cannot be meant. */
export class UsageFault extends fault("UsageFault", "user") {}

export interface Terminal {
  /** A line of the result, on standard output. */
  readonly print: (line: string) => void;
}

export interface Command {
  /** As cac reads it, e.g. "embedding <action> <file>". */
  readonly usage: string;
  readonly summary: string;
  /** Flags as cac reads them, e.g. "--out <path>", and their help. */
  readonly options: readonly (readonly [flags: string, help: string])[];
  /** Options that may be given more than once, by name ("set"); any other is refused then. */
  readonly repeatable?: readonly string[];
  /** What its first argument may be, where `usedBy` speaks of it. */
  readonly actions?: readonly string[];
  /** Options that only some actions (the first argument) use, by name: with another they are refused. */
  readonly usedBy?: Readonly<Record<string, readonly string[]>>;
  readonly examples: readonly string[];
  /** More of `--help`, e.g. "EXIT STATUS"; "DESCRIPTION" comes before the options. */
  readonly sections?: readonly {
    readonly title: string;
    readonly paragraphs: readonly string[];
  }[];
  readonly run: (
    args: readonly string[],
    options: Readonly<Record<string, unknown>>,
    terminal: Terminal,
  ) => Effect.Effect<void, Fault>;
}
