// `--help` of a command, in the order of a man page: what it is, how it is written, its options, and
// whatever else it has to say.
import type { Command } from "./command.ts";

const width = 80;
const indent = "    ";

/** Breaks a text at blanks; lines after the first are indented by `hang` more. */
function wrap(text: string, room: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > room) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

const paragraph = (text: string) => wrap(text, width - indent.length).map((line) => indent + line);

function optionLines([flags, help]: readonly [string, string]): readonly string[] {
  const inner = indent + indent;
  return [`${indent}${flags}`, ...wrap(help, width - inner.length).map((line) => inner + line)];
}

const section = (title: string, lines: readonly string[]) =>
  lines.length === 0 ? [] : ["", title, ...lines];

/** Lines for people. `program` is how the command is called here, e.g. "deno run". */
export function helpText(program: string, command: Command): readonly string[] {
  const [name] = command.usage.split(" ");
  return [
    `${name} - ${command.summary}`,
    ...section("SYNOPSIS", [`${indent}${program} ${command.usage} [options]`]),
    ...(command.sections ?? []).filter(({ title }) => title === "DESCRIPTION")
      .flatMap(({ title, paragraphs }) => section(title, paragraphs.flatMap(paragraph))),
    ...section(
      "OPTIONS",
      [
        ...command.options,
        ["--help", "This text"] as const,
      ].flatMap(optionLines),
    ),
    ...(command.sections ?? []).filter(({ title }) => title !== "DESCRIPTION")
      .flatMap(({ title, paragraphs }) => section(title, paragraphs.flatMap(paragraph))),
    ...section("EXAMPLES", command.examples.map((example) => `${indent}${program} ${example}`)),
  ];
}
