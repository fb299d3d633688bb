// Keeps what people look at without a page up to date while a run goes on: the contact sheet after each
// validation, the report at the end. Both are made from the run's folder, so a missed one does no harm.
import type { RunObserver } from "../../runtime/execute/observers.ts";
import { newRunReader } from "../reading/run-reader.ts";
import { writeContactSheet } from "./contact-sheet.ts";
import { writeReport } from "./report.ts";

/** Observes the run in `runDir`. */
export function reportObserver(runDir: string): RunObserver {
  const reader = newRunReader(runDir);
  const writeSheet = async () => writeContactSheet(runDir, (await reader.read()).state);
  return {
    name: "the report",
    async onEvent({ event }) {
      if (event === "validation-finished") await writeSheet();
    },
    async close() {
      await writeSheet();
      await writeReport(runDir);
    },
  };
}
