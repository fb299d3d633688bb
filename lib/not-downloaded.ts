// What `inputs` fails with in a dry run when weights or a data set are not on this machine. The plan
// prints it and goes on; a real run never sees it, because there the network may be used.
import { fault } from "./fault.ts";

/** `wanted` is what is missing, by name: "stabilityai/... on this machine". */
export class NotDownloaded extends fault("NotDownloaded", "world") {}
