// One request at a time, in the order in which they came.
export function inOrder<T>(carryOut: (request: T) => Promise<void>): (request: T) => void {
  let last: Promise<void> = Promise.resolve();
  return (request) => last = last.then(() => carryOut(request));
}
