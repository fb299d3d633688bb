import assert from "node:assert/strict";
import { test } from "node:test";
import { safeStem } from "./file-stem.ts";

test("no name is a device of Windows, with any ending and in any case; others stay", () => {
  // The list of Microsoft's "Naming Files, Paths, and Namespaces".
  const ports = Array.from("0123456789", (digit) => [`COM${digit}`, `LPT${digit}`]).flat();
  for (const device of ["CON", "PRN", "AUX", "NUL", ...ports]) {
    for (const name of [device, device.toLowerCase(), `${device}.safetensors`, `${device}.a.b`]) {
      assert.equal(safeStem(name), name.replace(/^[^.]+/, (stem) => `${stem}_`));
    }
  }
  const fine = [
    "gnome",
    "console",
    "null",
    "com",
    "COM10",
    "lpt",
    "auxiliary",
    "a.con",
    "CON_",
    "",
  ];
  for (const name of fine) assert.equal(safeStem(name), name);
});
