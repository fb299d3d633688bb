// The program: finds the command, imports it and nothing else, runs it, and turns how it ended into a
// message and an exit code.
// The trap: this file loads before anything is said, so it imports only what every command needs.
import "./permissions.ts";
import process from "node:process";
import { cac } from "cac";
import type { Command } from "./command.ts";

// Commands by name, as their own `summary` has it. Each is imported from its file when it is called.
const summaries: Readonly<Record<string, string>> = {
  pipeline: "Run a pipeline: from pictures to an embedding; after any end, go on",
  runs: "List, show, compare, steer, move and clear up runs",
  sweep: "Many trainings from one file: ranked, halved, gone on with after any end",
  worker: "Train what the sweeps of a fleet ask for, over PostgreSQL (GNOMIC_FLEET)",
  fleet: "Workers and what each does, queues, what waits and why; `fleet migrate`: the tables",
  embedding:
    "Check an embedding file (what each client does with it), convert, average or prune it",
  suggest: "Suggest words to begin with: those under which your pictures have the lowest loss",
  generate: "Make pictures of a prompt with any embeddings",
  monitor: "Look at runs and sweeps in a browser: curves, pictures, rows; stop, save, validate",
  doctor: "Say what this machine can compute on, and how to enable the rest",
  probe: "Compute everything once from given inputs; with --compare, against a reference",
};

const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

function overview(program: string): readonly string[] {
  const names = Object.keys(summaries);
  const width = Math.max(...names.map((name) => name.length));
  return [
    "gnomic - SDXL textual inversion as a pipeline",
    "",
    `    ${program} COMMAND [arguments] [options]`,
    "",
    ...names.map((name) => `    ${name.padEnd(width)}  ${summaries[name]}`),
    "",
    `${program} COMMAND --help says more.`,
  ];
}

/** cac makes numbers of "007", "1e3" and "", whose text is then lost; behind a mark it leaves them alone. */
const mark = "\0";
const marked = (text: string) => /^-/.test(text) || isNaN(Number(text)) ? text : mark + text;
const guarded = (argument: string): string => {
  const [flag] = /^--[^=]+=/.exec(argument) ?? [""];
  return flag + marked(argument.slice(flag.length));
};
const unmarked = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(unmarked)
    : typeof value === "string" && value.startsWith(mark)
    ? value.slice(mark.length)
    : value;

/** Positional arguments and options of a command line. Throws what is wrong with it. */
async function parse(command: Command, argv: readonly string[]) {
  const [{ UsageFault }, { nearest }, { homePath }] = await Promise.all([
    import("./command.ts"),
    import("../lib/nearest.ts"),
    import("../lib/home-path.ts"),
  ]);
  const cli = cac("gnomic");
  const known = cli.command(command.usage, command.summary);
  for (const [flags, help] of command.options) known.option(flags, help);
  const parsed = cli.parse(["", "", ...argv.map(guarded)], { run: false });
  const { "--": _, ...given } = parsed.options;
  const options = Object.fromEntries(
    Object.entries(given).map(([key, value]) => [key, unmarked(value)]),
  );
  const names = known.options.map(({ name, negated }) =>
    negated ? `no-${kebab(name)}` : kebab(name)
  );
  const [name] = command.usage.split(" ");
  for (const key of Object.keys(options).map(kebab)) {
    if (known.hasOption(key.replace(/-[a-z]/g, (part) => part[1].toUpperCase()))) continue;
    const near = nearest(key, names);
    throw new UsageFault({
      key: `--${key}`,
      wanted: `an option of ${name}`,
      found: "an unknown one",
      fix: near === undefined ? `${name} --help lists them.` : `Did you mean --${near}?`,
    });
  }
  for (const [key, value] of Object.entries(options)) {
    if (!Array.isArray(value) || command.repeatable?.includes(key)) continue;
    throw new UsageFault({
      key: `--${kebab(key)}`,
      wanted: "this option once",
      found: value.map(String).join(" and "),
      fix: "Leave one of them.",
    });
  }
  for (const { name, rawName } of known.options) {
    const value = options[name];
    if (!/<(dir|file|path|folder)>/.test(rawName) || value === undefined) continue;
    const paths = [value].flat().map((each) => homePath(String(each)));
    for (const path of paths) {
      if (typeof path !== "string") throw new UsageFault({ key: `--${kebab(name)}`, ...path });
    }
    options[name] = Array.isArray(value) ? paths : paths[0];
  }
  try {
    known.checkOptionValue();
    known.checkRequiredArgs();
    known.checkUnusedArgs();
  } catch (error) {
    throw new UsageFault({
      wanted: command.usage,
      found: (error as Error).message,
      fix: `${name} --help says how it is written.`,
      cause: error,
    });
  }
  const [action] = parsed.args;
  // One that there is not is named by the command itself.
  const isKnown = action === undefined || (command.actions ?? []).includes(action);
  for (const [key, actions] of Object.entries(isKnown ? command.usedBy ?? {} : {})) {
    if (options[key] === undefined || actions.includes(action)) continue;
    throw new UsageFault({
      key: `--${kebab(key)}`,
      wanted: `an option that ${[name, action].filter(Boolean).join(" ")} uses`,
      found: `one of ${actions.map((each) => `${name} ${each}`).join(", ")}`,
      fix: "Leave it out.",
    });
  }
  const places = known.args.map(({ value }) => /file|folder|run|^name$/.test(value));
  const args = parsed.args.map((each, i) => {
    const argument = String(unmarked(each));
    const path = places[Math.min(i, places.length - 1)] ? homePath(argument) : argument;
    if (typeof path !== "string") throw new UsageFault({ key: name, ...path });
    return path;
  });
  return { args, options };
}

async function load(name: string): Promise<Command> {
  if (!Object.hasOwn(summaries, name)) {
    const [{ UsageFault }, { nearest }] = await Promise.all([
      import("./command.ts"),
      import("../lib/nearest.ts"),
    ]);
    const names = Object.keys(summaries);
    throw new UsageFault({
      wanted: `a command (${names.join(", ")})`,
      found: name,
      fix: `Did you mean ${nearest(name, names) ?? "pipeline"}?`,
    });
  }
  const file = new URL(`./${name}.ts`, import.meta.url);
  return ((await import(file.href)) as Record<string, Command>)[`${name}Command`];
}

const print = (line: string) => void process.stdout.write(`${line}\n`);

/** Runs a command to its end and gives the exit code. */
async function run(command: Command, argv: readonly string[]): Promise<number> {
  const { args, options } = await parse(command, argv);
  const [{ Cause, Effect, Exit, Fiber }, { asFault }, { exitCodeOf }, { printFault }, signals] =
    await Promise.all([
      import("effect"),
      import("../lib/as-fault.ts"),
      import("../runtime/execute/outcome.ts"),
      import("./print-fault.ts"),
      import("./signals.ts"),
    ]);
  // A stage that waits for what never comes would leave Node nothing to do, and end it without a word.
  const alive = setInterval(() => {}, 2 ** 30);
  const fiber = Effect.runFork(command.run(args, options, { print }));
  const caught = signals.catchSignals(() => fiber.interruptUnsafe());
  const exit = await Effect.runPromise(Fiber.await(fiber));
  caught.release();
  clearInterval(alive);
  if (Exit.isSuccess(exit)) return caught.exitCode() ?? Number(process.exitCode ?? 0);
  if (Cause.hasInterruptsOnly(exit.cause)) {
    process.stderr.write("Stopped at once.\n");
    return caught.exitCode() ?? 130;
  }
  const fault = asFault(Cause.squash(exit.cause));
  printFault(fault, argv);
  const code = exitCodeOf(fault);
  return code === 130 ? caught.exitCode() ?? code : code;
}

async function main(argv: readonly string[]): Promise<number> {
  const { program } = await import("../runtime/platform/runtime.ts");
  const [name] = argv;
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    overview(program).forEach(print);
    return name === undefined ? 2 : 0;
  }
  if (name === "--version") {
    print((await import("../runtime/platform/versions.ts")).tool);
    return 0;
  }
  try {
    const command = await load(name);
    if (argv.includes("--help") || argv.includes("-h")) {
      (await import("./help.ts")).helpText(program, command).forEach(print);
      return 0;
    }
    return await run(command, argv);
  } catch (error) {
    const [{ asFault }, { exitCodeOf }, { printFault }] = await Promise.all([
      import("../lib/as-fault.ts"),
      import("../runtime/execute/outcome.ts"),
      import("./print-fault.ts"),
    ]);
    const fault = asFault(error);
    printFault(fault, argv);
    return exitCodeOf(fault);
  }
}

// What nobody waited for (a callback, a worker) and failed all the same. Said once: what fails while it is
// said would come here again.
let unexpected = false;
const onUnexpected = async (error: unknown) => {
  if (unexpected) process.exit(70);
  unexpected = true;
  const [{ asFault }, { exitCodeOf }, { printFault }, { strayStageError }] = await Promise.all([
    import("../lib/as-fault.ts"),
    import("../runtime/execute/outcome.ts"),
    import("./print-fault.ts"),
    import("../runtime/pipeline/stage-files.ts"),
  ]);
  const stray = strayStageError(error);
  printFault(stray ?? asFault(error), process.argv.slice(2));
  process.exit(stray === undefined ? 70 : exitCodeOf(stray));
};
process.on("uncaughtException", onUnexpected);
process.on("unhandledRejection", onUnexpected);

// Whoever reads the lines may leave before the end (`| head`); that is no reason to stop.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") void onUnexpected(error);
  });
}

const code = await main(process.argv.slice(2));
// Whatever is still open (a worker, a socket) must not keep a finished command alive.
process.stdout.write("", () => process.exit(code));
