// The program: finds the command, imports it and nothing else, runs it, and turns how it ended into a
// message and an exit code.
// The trap: this file loads before anything is said, so it imports only what every command needs.
import "./permissions.ts";
import process from "node:process";
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

async function load(name: string): Promise<Command> {
  if (!Object.hasOwn(summaries, name)) {
    const [{ UsageFault }, { nearest }] = await Promise.all([
      import("./command.ts"),
      import("../lib/nearest.ts"),
    ]);
    const names = Object.keys(summaries);
    const near = nearest(name, names);
    throw new UsageFault({
      wanted: `a command (${names.join(", ")})`,
      found: name,
      fix: near === undefined ? "--help says what each does." : `Did you mean ${near}?`,
    });
  }
  const file = new URL(`./${name}.ts`, import.meta.url);
  return ((await import(file.href)) as Record<string, Command>)[`${name}Command`];
}

/** What ends the process from here on is its own way out. */
let leave = () => {};

const print = (line: string) => void process.stdout.write(`${line}\n`);

/** Runs a command to its end and gives the exit code. */
async function run(command: Command, argv: readonly string[]): Promise<number> {
  const { readCommandLine } = await import("./command-line.ts");
  const { args, options } = readCommandLine(command, argv.slice(1));
  const [
    { Cause, Effect, Exit, Fiber },
    { asFault },
    { exitCodeOf },
    { printFault },
    signals,
    { watchExits },
  ] = await Promise.all([
    import("effect"),
    import("../lib/as-fault.ts"),
    import("../runtime/execute/outcome.ts"),
    import("./print-fault.ts"),
    import("./signals.ts"),
    import("./early-exit.ts"),
  ]);
  leave = watchExits(argv);
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

async function main(words: readonly string[]): Promise<number> {
  const [first, second] = words;
  const argv = first === "help" && second !== undefined ? [second, "--help"] : words;
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
  leave();
  if (unexpected) process.exit(70);
  unexpected = true;
  const [{ asFault }, { exitCodeOf }, { printFault }, { strayStageError }] = await Promise.all([
    import("../lib/as-fault.ts"),
    import("../runtime/execute/outcome.ts"),
    import("./print-fault.ts"),
    import("../runtime/pipeline/stage-fault.ts"),
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
leave();
// Whatever is still open (a worker, a socket) must not keep a finished command alive.
process.stdout.write("", () => process.exit(code));
