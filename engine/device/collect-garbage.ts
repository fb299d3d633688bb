// Gives back what building and writing a graph left behind, tens of megabytes that V8 would otherwise hold
// while the session fills the memory. The trap: it stops this thread for some ten milliseconds, so it is
// for moments at which a session was just made, never for the training loop.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");

/** A full collection, at once. */
export const collectGarbage: () => void = runInNewContext("gc");
