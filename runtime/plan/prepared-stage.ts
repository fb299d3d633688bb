// A stage that could run: wired, its options decoded, and asked what it needs of the world outside.
// The trap: in a dry run "not on this machine" is an answer, too.
import type { Schema } from "effect";
import type { NotDownloaded } from "../../lib/fault.ts";
import type { StageOptions } from "../pipeline/stage-options.ts";
import type { Wired } from "../pipeline/wiring.ts";

export interface PreparedStage extends Wired {
  readonly options: StageOptions;
  readonly world: Schema.Json | NotDownloaded;
}

export const isAbsent = (world: PreparedStage["world"]): world is NotDownloaded =>
  world instanceof Error;
