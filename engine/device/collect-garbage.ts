// Gives back what building and writing a graph left behind, tens of megabytes that V8 would otherwise hold
// while the session fills the memory. The trap: it stops this thread for some ten milliseconds, so it is
// for moments at which a large session was just made, never for the training loop.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");

const gc: () => void = runInNewContext("gc");

/** A written graph that is smaller leaves nothing that matters. */
const worthIt = 1 << 20;

/** A full collection, at once, after a graph that takes so many bytes. */
export const collectGarbage = ({ length }: Uint8Array): void => {
  if (length > worthIt) gc();
};
