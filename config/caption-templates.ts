// The caption templates behind `caption_preset`: sentences with {} for the placeholder, by preset.
// The trap: their order and repetitions are the reference's; a caption is drawn by position.
import templates from "./presets/caption-templates.json" with { type: "json" };

export const captionTemplates = {
  style: templates.style,
  object: templates.object,
} as const satisfies Readonly<Record<string, readonly string[]>>;

export const captionPresets = Object.keys(captionTemplates) as readonly (
  keyof typeof captionTemplates
)[];
