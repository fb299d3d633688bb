// The caption templates behind `caption_preset`: sentences with {} for the placeholder.
// The trap: their order and repetitions are the reference's; a caption is drawn by position.
import templates from "./presets/caption-templates.json" with { type: "json" };
import type { DataLoader } from "./data.ts";

export type CaptionPreset = NonNullable<DataLoader["caption_preset"]>;

export const captionTemplates: Readonly<Record<CaptionPreset, readonly string[]>> = {
  object: templates.object,
  style: templates.style,
};
