// What both sides of a thread see without a message: whether ONNX Runtime is at work in it, and whether the
// device is closed, after which no work begins.
// The trap: a thread that is ended inside ONNX Runtime ends the whole process (Node: a C++ exception that
// nobody can catch; Deno: ONNX Runtime outlives what it stands on). So a thread at work is left to finish.
const work = 0;
const closed = 1;

export type Busy = Int32Array<SharedArrayBuffer>;

export const newBusy = (): Busy => new Int32Array(new SharedArrayBuffer(8));

/** In the thread: carries `request` out, unless the device is closed. */
export async function whileBusy(busy: Busy, request: () => Promise<void>): Promise<void> {
  Atomics.store(busy, work, 1);
  try {
    if (Atomics.load(busy, closed) === 0) await request();
  } finally {
    Atomics.store(busy, work, 0);
    Atomics.notify(busy, work);
  }
}

/** From outside: nothing begins any more. Whether the thread is still at work. */
export function closeBusy(busy: Busy): boolean {
  Atomics.store(busy, closed, 1);
  return Atomics.load(busy, work) === 1;
}

/** Blocks until the thread is done, or so many milliseconds have passed. Whether it is done. */
export const awaitIdle = (busy: Busy, patience: number): boolean =>
  !closeBusy(busy) || Atomics.wait(busy, work, 1, patience) !== "timed-out";
