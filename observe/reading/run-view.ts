// Everything that the page shows of a run besides curves and pictures, in one answer.
import { basename } from "node:path";
import { type MeasuredOn, measuredOn } from "../../inversion/measured-on.ts";
import { readTrainingPictures } from "../../inversion/training-pictures.ts";
import { configurationEntries, type ConfigurationEntry } from "./configuration-entries.ts";
import { isAlive } from "./run-alive.ts";
import { readRunFile, type RunReader, type RunState } from "./run-reader.ts";

export interface RunView {
  /** Absolute, for paths to copy. */
  readonly folder: string;
  readonly name: string;
  readonly state: RunState;
  /** Whether the process that trains is there. */
  readonly alive: boolean;
  /** Where the live events go on. */
  readonly offset: number;
  readonly unreadable: number;
  /** What its fixed losses were measured on; null where it is not known. */
  readonly measuredOn: MeasuredOn | null;
  readonly configuration: readonly ConfigurationEntry[];
  readonly training: readonly { readonly name: string; readonly caption: string | null }[];
}

export async function viewRun(reader: RunReader): Promise<RunView> {
  const { state, offset, unreadable } = await reader.read();
  const runFile = await readRunFile(reader.dir);
  const training = await readTrainingPictures(reader.dir);
  return {
    folder: reader.dir,
    name: basename(reader.dir),
    state,
    alive: await isAlive(reader.dir),
    offset,
    unreadable,
    measuredOn: measuredOn(runFile),
    configuration: configurationEntries(runFile?.configuration),
    training: training.map(({ name, caption }) => ({ name, caption })),
  };
}
