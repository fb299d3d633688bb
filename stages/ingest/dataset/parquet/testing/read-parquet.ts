// Reads one column of a Parquet file, for the test that measures how large a process becomes: prints what
// was found and the most memory in use, in bytes.
import process from "node:process";
import { openParquet } from "../parquet-file.ts";

const [file, column] = process.argv.slice(2);
const started = performance.now();
const found = await openParquet(file)
  .then(({ groups, readColumn }) =>
    Promise.all(groups.map((_, group) => readColumn(group, column)))
  )
  .then((values) => `${values.flat().length} values`, (cause) => String(cause.message));
const milliseconds = performance.now() - started;
console.log(JSON.stringify({ found, milliseconds, peak: process.resourceUsage().maxRSS * 1024 }));
