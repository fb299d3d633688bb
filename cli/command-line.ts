// A command line, taken apart by cac as its command declares it, and what is wrong with it as a UsageFault.
// The trap: cac makes numbers of "007" and "", drops the value of a flag, and takes what stands behind `--dry-run` for
// one. So each word is judged before, arguments go first, values are joined to their options, and a text has a mark.
import { cac, type Command as Known } from "cac";
import { homePath } from "../lib/home-path.ts";
import { nearest } from "../lib/nearest.ts";
import { type Command, UsageFault } from "./command.ts";

type Option = Known["options"][number];
type Given = string | boolean;

export interface CommandLine {
  readonly args: readonly string[];
  /** A list where one that may be repeated was. */
  readonly options: Readonly<Record<string, Given | readonly Given[]>>;
}

const mark = "\0";
const unmarked = (value: Given): Given =>
  typeof value === "string" ? value.slice(mark.length) : value;

/** "--no-cache" of `--no-cache`, "--seed" of `--seed <number>`. */
const flagOf = ({ rawName }: Option) => rawName.split(" ")[0];

/** A path as it is meant; throws what is wrong with it. */
const pathOf = (key: string, text: string): string => {
  const path = text === ""
    ? { wanted: "a path or a name", found: "an empty one", fix: "Name it." }
    : homePath(text);
  if (typeof path === "string") return path;
  throw new UsageFault({ key, ...path });
};

/** The words as cac is to read them. Throws what is wrong with an option. */
function guarded(known: Known, words: readonly string[]): readonly string[] {
  const args: string[] = [];
  const options: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i];
    if (word === "--") {
      args.push(...words.slice(i + 1));
      break;
    }
    if (!/^-./.test(word)) {
      args.push(word);
      continue;
    }
    const [flag, inline] = /^([^=]+)=([^]*)$/.exec(word)?.slice(1) ?? [word];
    const option = known.options.find((each) => flagOf(each) === flag);
    if (option === undefined) throw unknownOption(known, flag);
    const next = words[i + 1];
    // What begins with two dashes is the next option, and behind one that needs no value with one dash.
    const takesNext = inline === undefined && !option.isBoolean && next !== undefined &&
      !next.startsWith(option.required ? "--" : "-");
    const value = takesNext ? words[++i] : inline;
    checkValue(option, value, next);
    options.push(value === undefined ? flag : `${flag}=${mark}${value}`);
  }
  return [...args.map((each) => mark + each), ...options];
}

/** Words behind the command's name. Throws what is wrong with them. */
export function readCommandLine(command: Command, words: readonly string[]): CommandLine {
  const cli = cac("gnomic");
  const known = cli.command(command.usage, command.summary, { ignoreOptionDefaultValue: true });
  for (const [flags, help] of command.options) known.option(flags, help);
  const parsed = cli.parse(["", "", known.name, ...guarded(known, words)], { run: false });
  const positional = parsed.args.map((each) => each.slice(mark.length));
  const given = known.options.filter(({ name }) => name in parsed.options);
  const options = Object.fromEntries(given.map((option) => {
    const values = [parsed.options[option.name]].flat().map(unmarked);
    const once = valueOnce(option, values, command.repeatable ?? []);
    return [option.name, once];
  }));
  checkArguments(command, known, positional);
  checkAction(command, known.name, positional[0] ?? "", given);
  const places = known.args.map(({ value }) => /file|folder|run|^name$/.test(value));
  const args = positional.map((each, i) =>
    places[Math.min(i, places.length - 1)] ? pathOf(known.name, each) : each
  );
  return { args, options };
}

function valueOnce(
  option: Option,
  values: readonly Given[],
  repeatable: readonly string[],
): Given | readonly Given[] {
  const key = flagOf(option);
  const isPlace = /<(dir|file|path|folder)>/.test(option.rawName);
  const meant = values.map((each) =>
    isPlace && typeof each === "string" ? pathOf(key, each) : each
  );
  if (meant.length === 1) return meant[0];
  if (repeatable.includes(option.name)) return meant;
  throw new UsageFault({
    key,
    wanted: "this option once",
    found: option.isBoolean ? `it ${values.length} times` : values.join(" and "),
    fix: "Leave one of them.",
  });
}

const unknownOption = ({ name, options }: Known, flag: string) => {
  const names = options.map((each) => flagOf(each).slice(2));
  const near = nearest(flag.replace(/^-+/, ""), names);
  return new UsageFault({
    key: flag,
    wanted: `an option of ${name}`,
    found: "an unknown one",
    fix: near === undefined ? `${name} --help lists them.` : `Did you mean --${near}?`,
  });
};

function checkValue(option: Option, value: string | undefined, next: string | undefined): void {
  const key = flagOf(option);
  if (option.isBoolean) {
    if (value === undefined) return;
    throw new UsageFault({
      key,
      wanted: "this option by itself",
      found: `${key}=${value}`,
      fix: "Leave the value out, or the whole option.",
    });
  }
  const mayBeEmpty = option.rawName.endsWith("<text>");
  if (value === undefined ? option.required !== true : value !== "" || mayBeEmpty) return;
  throw new UsageFault({
    key,
    wanted: `a value: ${option.rawName}`,
    found: value === "" ? "an empty one" : next === undefined ? "none" : `the option ${next}`,
    fix: "Write it behind the option, or leave the option out.",
  });
}

function checkArguments(
  { usage }: Command,
  { name, args }: Known,
  given: readonly string[],
): void {
  const least = args.filter(({ required }) => required).length;
  const most = args.some(({ variadic }) => variadic) ? Infinity : args.length;
  if (given.length >= least && given.length <= most) return;
  throw new UsageFault({
    wanted: usage,
    found: given.length === 0 ? `${name} by itself` : [name, ...given].join(" "),
    fix: given.length < least
      ? `${name} --help says how it is written.`
      : `Leave ${given.slice(most).join(" ")} out; a text with blanks is put in quotes.`,
  });
}

function checkAction(
  { actions, usedBy = {} }: Command,
  name: string,
  action: string,
  given: readonly Option[],
): void {
  if (action !== "" && actions !== undefined && !actions.includes(action)) {
    const near = nearest(action, actions);
    throw new UsageFault({
      key: name,
      wanted: `one of ${actions.join(", ")}`,
      found: action,
      fix: near === undefined ? `${name} --help says what each does.` : `Did you mean ${near}?`,
    });
  }
  const called = (each: string) => each === "" ? `${name} by itself` : `${name} ${each}`;
  for (const option of given) {
    const users = usedBy[option.name] ?? [action];
    if (users.includes(action)) continue;
    throw new UsageFault({
      key: flagOf(option),
      wanted: `an option that ${called(action)} uses`,
      found: `one of ${users.map(called).join(", ")}`,
      fix: "Leave it out.",
    });
  }
}
