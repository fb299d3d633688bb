// `monitor [run or folder]`: the live page of one run or of all runs in a folder, until Ctrl-C.
// The trap: the address that it prints holds the key to the page; it is not for logs or chats.
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { Effect } from "effect";
import { tryPromise } from "../lib/try-promise.ts";
import { defaultPort, startMonitor } from "../observe/monitor/server/monitor.ts";
import { findRuns } from "../observe/reading/run-folders.ts";
import { newRunReader } from "../observe/reading/run-reader.ts";
import { writeContactSheet } from "../observe/report/contact-sheet.ts";
import { writeReport } from "../observe/report/report.ts";
import { type Command, type Terminal, UsageFault } from "./command.ts";

const outputFolder = "output";

/** A folder, or the name of a run in the output folder. */
function folderOf(given: string | undefined): Effect.Effect<string, UsageFault> {
  const places = given === undefined ? [outputFolder, "."] : [given, join(outputFolder, given)];
  const there = places.filter((place) => existsSync(place));
  const folder = there.find((place) => statSync(place).isDirectory());
  const [found] = there;
  return folder !== undefined ? Effect.succeed(folder) : Effect.fail(
    new UsageFault({
      wanted: "a run or a folder of runs",
      found: found === undefined ? `no ${places.join(" and no ")}` : `the file ${found}`,
      fix: "Give the folder of a run, or the one above.",
    }),
  );
}

function portOf(given: unknown): Effect.Effect<number, UsageFault> {
  const port = given === undefined ? defaultPort : Number(given);
  return Number.isInteger(port) && port >= 0 && port <= 65535 ? Effect.succeed(port) : Effect.fail(
    new UsageFault({
      key: "--port",
      wanted: "a number from 0 to 65535",
      found: String(given),
      fix: "Leave it out, or give a free port; 0 takes any.",
    }),
  );
}

const writeReports = (folder: string, { print }: Terminal) =>
  tryPromise(async () => {
    const runs = await findRuns(folder);
    for (const { dir } of runs) {
      print(await writeReport(dir));
      const sheet = await writeContactSheet(dir, (await newRunReader(dir).read()).state);
      if (sheet !== undefined) print(sheet);
    }
    if (runs.length > 0) return;
    throw new UsageFault({
      file: folder,
      wanted: "at least one run",
      found: "none",
      fix: "Give the folder of a run, or one above.",
    });
  });

const serve = (
  folder: string,
  { host, port }: { readonly host?: string; readonly port: number },
  { print }: Terminal,
) =>
  Effect.gen(function* () {
    const monitor = yield* Effect.acquireRelease(
      tryPromise(() => startMonitor(folder, { host, port })),
      (monitor) => Effect.promise(() => monitor.close()),
    );
    if (monitor.otherPort) print(`Port ${port} is in use; took ${monitor.port}.`);
    print(`Open ${monitor.address}`);
    if (host !== undefined) {
      print("Whoever can reach this address and knows the key can see the runs.");
    }
    print("Ctrl-C ends the page, not the training.");
    return yield* Effect.never;
  }).pipe(Effect.scoped);

export const monitorCommand: Command = {
  usage: "monitor [folder]",
  summary: "Look at runs and sweeps in a browser: curves, pictures, rows; stop, save, validate",
  options: [
    ["--port <number>", `The port to serve on, or the next free one (default: ${defaultPort})`],
    [
      "--host <address>",
      "An address of this machine other than 127.0.0.1: opens it to the network",
    ],
    ["--report", "Write report.html and validation/sheet.jpg of the runs instead, and end"],
  ],
  examples: [
    "monitor",
    "monitor output/gnome_bruce-1a2b3c4d --port 8080",
    "monitor output/gnome_bruce-1a2b3c4d --report",
  ],
  run: ([given], options, terminal) =>
    Effect.gen(function* () {
      const folder = yield* folderOf(given);
      const port = yield* portOf(options.port);
      const host = options.host === undefined ? undefined : String(options.host);
      return yield* options.report === true
        ? writeReports(folder, terminal)
        : serve(folder, { host, port }, terminal);
    }),
};
