// What package.json starts: the program, on a Node that can run it.
// The trap: imports stand before everything else, so the program is imported when Node has been looked at.
import "../runtime/platform/node-version.js";
import "./node-packages.js";

await import("./main.ts");
