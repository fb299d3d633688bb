// What a report shows, read from a run's folder and put together before any of it becomes HTML.
import type { ConfigurationEntry } from "../reading/configuration-entries.ts";
import type { Curves } from "../reading/curves.js";
import type { RunState } from "../reading/run-reader.ts";
import type { EmbeddedPicture, EmbeddedStep } from "./report-pictures.ts";

export interface ReportContent {
  readonly name: string;
  readonly state: RunState;
  readonly alive: boolean;
  readonly curves: Curves;
  readonly configuration: readonly ConfigurationEntry[];
  readonly steps: readonly EmbeddedStep[];
  readonly training: readonly EmbeddedPicture[];
  /** Style sheets and the script, trusted. */
  readonly styles: string;
  readonly script: string;
}
