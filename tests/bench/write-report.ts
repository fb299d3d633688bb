// Writes the report of the run in the folder it is given, as a process of its own for the bench.
import { writeReport } from "../../observe/report/report.ts";

await writeReport(process.argv[2]);
