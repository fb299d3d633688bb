/// <reference lib="dom" />
// @ts-check
// Copies a path and says so; where a browser does not let it, the path is shown instead.
import { toast } from "./toast.js";

/** @param {string} path @param {string} said */
export async function copyPath(path, said) {
  try {
    await navigator.clipboard.writeText(path);
    toast(said, "good");
  } catch {
    toast(path);
  }
}
