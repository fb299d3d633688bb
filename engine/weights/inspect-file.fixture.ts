// Prints what is known of a weight file, for weight-file.test.ts: a process of its own, an hour from now,
// so that the file has not been touched just before.
import process from "node:process";
import { inspectFile } from "./weight-file.ts";

const now = Date.now();
Date.now = () => now + 3_600_000;
console.log(JSON.stringify(await inspectFile(process.argv[2], new AbortController().signal)));
