// A process of its own that asks the hub of its environment what `org/sdxl` is at now, and says it.
import process from "node:process";
import { hubTools } from "../hub-client.ts";
import { currentCommit } from "../hub-listing.ts";
import { hubSettings } from "../hub-settings.ts";

const hub = { settings: hubSettings(), tools: { ...hubTools, sleep: () => Promise.resolve() } };
const repo = { type: "model", id: "org/sdxl" } as const;
console.log(
  await currentCommit(hub, repo, "main").catch((fault: Error) => `${fault.name}: ${fault.message}`),
);
process.exit();
