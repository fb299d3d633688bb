// What a stage file from outside the project is handed, because it cannot import `effect` or gnomic by
// itself: `export default (gnomic) => gnomic.defineStage({...})`.
// The trap: this is an interface to strangers; names may be added, never removed.
import { Effect, Schema, Stream } from "effect";
import * as artefacts from "../inversion/artefacts/all.ts";
import { fault } from "../lib/fault.ts";
import { artefact, Blob, stream } from "./artefact.ts";
import { defineStage } from "./stage.ts";

export const toolkit = {
  Effect,
  Schema,
  Stream,
  Blob,
  defineStage,
  artefact,
  stream,
  artefacts,
  fault,
} as const;

export type Gnomic = typeof toolkit;
