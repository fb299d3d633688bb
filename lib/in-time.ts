// What a user's file does while it is loaded, or its function while it makes a stage, is waited for, but not
// for ever.
// The trap: a file that waits at its top for what never comes would end the process without a word, since
// nothing is left to do; the timer keeps it until that can be said.
const patience = 60;

/** Throws when it has not come after so many seconds. */
export async function inTime<A>(comes: Promise<A> | A, seconds = patience): Promise<A> {
  const { promise: never, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () =>
      reject(
        new Error(
          `it still waits for something after ${seconds} s (an \`await\`, or what it imports)`,
        ),
      ),
    seconds * 1000,
  );
  try {
    return await Promise.race([comes, never]);
  } finally {
    clearTimeout(timer);
  }
}
