// What a stage file is handed in a training's pipeline: the runner's toolkit, and the artefacts that the
// built-in stages read and write. `import type { Gnomic }` gives a stage written in TypeScript its types.
// The trap: this is an interface to strangers; names may be added, never removed.
import type { toolkit } from "../runtime/toolkit.ts";
import * as artefacts from "./artefacts/all.ts";

export const trainingToolkit = { artefacts } as const;

export type Gnomic = typeof toolkit & typeof trainingToolkit;
