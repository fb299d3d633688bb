// A program that only serves the page of the runs in a folder, for tests that kill it.
import process from "node:process";
import { startMonitor } from "../../observe/monitor/server/monitor.ts";

const { address } = await startMonitor(process.argv[2], { port: 0 });
console.log(address);
