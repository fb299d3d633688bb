// A command line, taken apart by what its command says of itself: positional arguments, options by name, and
// what is wrong with them as a UsageFault.
// The trap: `parseArgs` takes whatever stands behind an option for its value, so that `--seed -1` is said to be
// wrong where seeds are read; what begins with two dashes is the next option all the same.
import { parseArgs } from "node:util";
import { homePath } from "../lib/home-path.ts";
import { nearest } from "../lib/nearest.ts";
import { type Command, UsageFault } from "./command.ts";

/** An option as its flags declare it: `--json`, `--no-cache`, `--seed <number>`, `--explain [option]`. */
interface Declared {
  /** Without its dashes. */
  readonly name: string;
  /** As commands know it: "dryRun"; "cache" of `--no-cache`. */
  readonly key: string;
  /** e.g. "<number>"; empty: it takes none. */
  readonly value: string;
}

const camel = (name: string) => name.replace(/-[a-z]/g, (part) => part[1].toUpperCase());

const declaredOf = (flags: string): Declared => {
  const [flag, value = ""] = flags.split(" ");
  const name = flag.slice(2);
  return { name, key: camel(name.replace(/^no-/, "")), value };
};

type Given = string | boolean;

export interface CommandLine {
  readonly args: readonly string[];
  /** A list where one that may be repeated was. */
  readonly options: Readonly<Record<string, Given | readonly Given[]>>;
}

/** A path as it is meant; throws what is wrong with it. */
const pathOf = (key: string, text: string): string => {
  const path = text === ""
    ? { wanted: "a path or a name", found: "an empty one", fix: "Name it." }
    : homePath(text);
  if (typeof path === "string") return path;
  throw new UsageFault({ key, ...path });
};

/** Words behind the command's name. Throws what is wrong with them. */
export function readCommandLine(command: Command, words: readonly string[]): CommandLine {
  const [name, ...written] = command.usage.split(" ");
  const declared = command.options.map(([flags]) => declaredOf(flags));
  const { tokens } = parseArgs({
    args: [...words],
    strict: false,
    allowPositionals: true,
    tokens: true,
    options: Object.fromEntries(
      declared.map(({ name, value }) => [
        name,
        { type: value.startsWith("<") ? "string" as const : "boolean" as const },
      ]),
    ),
  });
  const taken = new Set<number>();
  const given = new Map<Declared, Given[]>();
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const option = declared.find((each) => `--${each.name}` === token.rawName);
    if (option === undefined) throw unknownOption(name, words[token.index], declared);
    let { value, inlineValue } = token;
    if (option.value.startsWith("[") && value === undefined) {
      const next = tokens.find((each) => each.kind === "positional" && each.index > token.index);
      if (next?.index === token.index + 1) {
        taken.add(next.index);
        value = words[next.index];
      }
    }
    const read = valueOf(option, value, inlineValue === true);
    given.set(option, [...given.get(option) ?? [], read]);
  }
  const options: Record<string, Given | readonly Given[]> = {};
  for (const [{ name, key }, values] of given) {
    const [value, ...more] = values;
    if (more.length > 0 && !command.repeatable?.includes(key)) {
      throw new UsageFault({
        key: `--${name}`,
        wanted: "this option once",
        found: value === true ? `it ${values.length} times` : values.join(" and "),
        fix: "Leave one of them.",
      });
    }
    options[key] = more.length > 0 ? values : value;
  }
  const positional = tokens.filter(({ index, kind }) => kind === "positional" && !taken.has(index))
    .map(({ index }) => words[index]);
  checkArguments(command, written, positional);
  checkAction(command, name, positional[0] ?? "", given);
  const places = written.map((each) => /file|folder|run|<name>/.test(each));
  const args = positional.map((each, i) =>
    places[Math.min(i, places.length - 1)] ? pathOf(name, each) : each
  );
  return { args, options };
}

const unknownOption = (command: string, word: string, declared: readonly Declared[]) => {
  const [flag] = word.split("=");
  const near = nearest(flag.replace(/^-+/, ""), declared.map(({ name }) => name));
  return new UsageFault({
    key: flag,
    wanted: `an option of ${command}`,
    found: "an unknown one",
    fix: near === undefined ? `${command} --help lists them.` : `Did you mean --${near}?`,
  });
};

function valueOf(
  { name, value: wanted }: Declared,
  value: string | undefined,
  isInline: boolean,
): Given {
  const key = `--${name}`;
  if (wanted === "") {
    if (value === undefined) return !name.startsWith("no-");
    throw new UsageFault({
      key,
      wanted: "this option by itself",
      found: `${key}=${value}`,
      fix: "Leave the value out, or the whole option.",
    });
  }
  if (value === undefined && wanted.startsWith("[")) return true;
  const isNext = !isInline && value?.startsWith("--");
  if (value === undefined || isNext || (value === "" && wanted !== "<text>")) {
    throw new UsageFault({
      key,
      wanted: `a value: ${key} ${wanted}`,
      found: value === "" ? "an empty one" : isNext ? `the option ${value}` : "none",
      fix: "Write it behind the option, or leave the option out.",
    });
  }
  return /<(dir|file|path|folder)>/.test(wanted) ? pathOf(key, value) : value;
}

function checkArguments(
  { usage }: Command,
  written: readonly string[],
  given: readonly string[],
): void {
  const [name] = usage.split(" ");
  const least = written.filter((each) => each.startsWith("<")).length;
  const most = usage.includes("...") ? Infinity : written.length;
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
  given: ReadonlyMap<Declared, unknown>,
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
  for (const { name: option, key } of given.keys()) {
    const users = usedBy[key] ?? [action];
    if (users.includes(action)) continue;
    throw new UsageFault({
      key: `--${option}`,
      wanted: `an option that ${called(action)} uses`,
      found: `one of ${users.map(called).join(", ")}`,
      fix: "Leave it out.",
    });
  }
}
