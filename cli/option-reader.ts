// Takes the options of a command out of its command line, one by one, and collects what is wrong with them, so
// that all of it is said at once.
// The trap: keys are as commands have them (`modelConfig`); what is wrong is said as it was typed.
import { Effect } from "effect";
import { type Options, UsageFault } from "./command.ts";

const flag = (key: string) => `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

export interface OptionReader {
  /** Null: not given. */
  readonly text: (key: string) => string | null;
  /** `retired`: names of before, and what to do in their place. */
  readonly oneOf: <const A extends string, B extends A | null>(
    key: string,
    names: readonly A[],
    otherwise: B,
    retired?: Readonly<Record<string, string>>,
  ) => A | B;
  /** `wanted` says in words what `fits`. */
  readonly number: <A extends number | null>(
    key: string,
    otherwise: A,
    fits: (value: number) => boolean,
    wanted: string,
  ) => number | A;
  /** Something that no single option can know. */
  readonly refuse: (found: string) => void;
  /** What was read; fails with a UsageFault if anything was refused. */
  readonly end: <A>(read: A) => Effect.Effect<A, UsageFault>;
}

/** One option by itself; fails with what is wrong with it. */
export const wholeNumber = (
  options: Options,
  key: string,
  least: number,
  otherwise: number,
): Effect.Effect<number, UsageFault> => {
  const value = options[key] === undefined ? otherwise : Number(options[key]);
  return Number.isInteger(value) && value >= least ? Effect.succeed(value) : Effect.fail(
    new UsageFault({
      key: `--${key}`,
      wanted: `a whole number from ${least} on`,
      found: String(options[key]),
      fix: "`sweep --help` tells all options.",
    }),
  );
};

/** `usage`: how the command is written, e.g. "generate PROMPT". */
export function optionReader(
  options: Options,
  usage: string,
): OptionReader {
  const findings: string[] = [];
  const refuse = (found: string) => void findings.push(found);
  const text = (key: string) => options[key] === undefined ? null : String(options[key]);
  return {
    text,
    refuse,
    oneOf: (key, names, otherwise, retired = {}) => {
      const name = text(key);
      const found = names.find((each) => each === name);
      if (name !== null && found === undefined) {
        const instead = Object.hasOwn(retired, name) ? `: ${retired[name].replace(/\.$/, "")}` : "";
        refuse(`${flag(key)} ${name} (one of ${names.join(", ")}${instead})`);
      }
      return found ?? otherwise;
    },
    number: (key, otherwise, fits, wanted) => {
      if (text(key) === null) return otherwise;
      const value = Number(text(key));
      if (!fits(value)) refuse(`${flag(key)} ${text(key)} (${wanted})`);
      return value;
    },
    end: (read) =>
      findings.length === 0 ? Effect.succeed(read) : Effect.fail(
        new UsageFault({
          wanted: usage,
          found: findings.join("; "),
          fix: `\`${usage.split(" ")[0]} --help\` tells all options.`,
        }),
      ),
  };
}
