// What a stage file from outside the project is handed, because it cannot import `effect` or gnomic by
// itself: `export default (gnomic) => gnomic.defineStage({...})`. An app adds to it (its artefacts).
// The trap: this is an interface to strangers; names may be added, never removed.
import { Effect, Schema, Stream } from "effect";
import { fault } from "../lib/fault.ts";
import { artefact, Blob, drafted, stream } from "./artefact.ts";
import { eventSchema } from "./events.ts";
import { defineStage } from "./stage.ts";

export const toolkit = {
  Effect,
  Schema,
  Stream,
  Blob,
  defineStage,
  artefact,
  drafted,
  stream,
  eventSchema,
  fault,
} as const;
