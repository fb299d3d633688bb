// `report.html`: a run in one file, to keep or to send to somebody. Made from the run's folder alone, at
// the end of a training and whenever asked for. It names no folder of this machine and no file of the user.
import { basename, join, resolve } from "node:path";
import { atomicWrite } from "../../lib/atomic-write.ts";
import { readUtf8 } from "../../lib/plain-files.ts";
import { ask } from "../edge.ts";
import { configurationEntries } from "../reading/configuration-entries.ts";
import { isAlive } from "../reading/run-alive.ts";
import { newRunReader } from "../reading/run-reader.ts";
import { thinCurves } from "../reading/thin-curves.ts";
import { reportPage } from "./report-page.ts";
import { shownRun } from "./shown-run.ts";
import { embedSteps, embedTraining } from "./report-pictures.ts";

const points = 500;

const styleSheets = ["../monitor/page/colours.css", "./report.css"];
const text = (path: string) => readUtf8(new URL(path, import.meta.url));

/** The report of a run as HTML. */
export async function renderReport(runDir: string): Promise<string> {
  const { state: whole, curves } = await newRunReader(runDir).read();
  const { configuration, state: shown } = await shownRun(runDir);
  const state = shown(whole);
  return reportPage({
    name: basename(resolve(runDir)),
    state,
    alive: await isAlive(runDir),
    curves: thinCurves(curves, { points }),
    configuration: configurationEntries(configuration),
    steps: await embedSteps(runDir, state),
    training: await embedTraining(runDir),
    styles: (await Promise.all(styleSheets.map(text))).join("\n"),
    script: await text("./report-script.js"),
  });
}

/** Writes `report.html` into the run's folder and gives its path. */
export async function writeReport(runDir: string): Promise<string> {
  const file = join(runDir, "report.html");
  await ask(atomicWrite(file, await renderReport(runDir), { what: "the report" }));
  return file;
}
