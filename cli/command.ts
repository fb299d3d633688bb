// One command of the program, as a value: how it is written, what `--help` says, and what it does.
// main.ts has its words read, runs the Effect and turns a fault into a message and an exit code.
// The trap: a flag without a value is `true`, so options are decoded with String.
import type { Effect } from "effect";
import { type Fault, fault } from "../lib/fault.ts";

/** A command line that cannot be meant. */
export class UsageFault extends fault("UsageFault", "user") {}

/** What was given on the command line, by the option's name; of one that may be repeated a list. */
export type Options = Readonly<Record<string, unknown>>;

export interface Terminal {
  /** A line of the result, on standard output. */
  readonly print: (line: string) => void;
}

export interface Command {
  /** Its name and arguments, <wanted>, [allowed] or <...any number>, e.g. "embedding <action> <file>". */
  readonly usage: string;
  readonly summary: string;
  /** Flags, e.g. "--json", "--out <path>", "--explain [option]", and their help. Only a `<text>` may be empty. */
  readonly options: readonly (readonly [flags: string, help: string])[];
  /** Options that may be given more than once, by name ("set"); any other is refused then. */
  readonly repeatable?: readonly string[];
  /** What its first argument may be; any other is refused. */
  readonly actions?: readonly string[];
  /** Options that only some actions use, by name ("" is the command by itself): with another they are refused. */
  readonly usedBy?: Readonly<Record<string, readonly string[]>>;
  readonly examples: readonly string[];
  /** More of `--help`, e.g. "EXIT STATUS"; "DESCRIPTION" comes before the options. */
  readonly sections?: readonly {
    readonly title: string;
    readonly paragraphs: readonly string[];
  }[];
  readonly run: (
    args: readonly string[],
    options: Options,
    terminal: Terminal,
  ) => Effect.Effect<void, Fault>;
}
