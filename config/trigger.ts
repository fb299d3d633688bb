// The placeholder as a trigger: clients name an embedding by its file, and not every character
// survives in every client, so the file's stem keeps letters, digits and underscores of ASCII only.
// The trap: the placeholder inside captions stays as it is written; only files are renamed.
import { safeStem } from "../lib/file-stem.ts";

/** The stem of result files: what to type in InvokeAI, A1111, Forge and ComfyUI. May be empty. */
export const triggerOf = (placeholder: string): string =>
  safeStem(placeholder.split(/[^A-Za-z0-9_]+/).filter((part) => part !== "").join("_"));
