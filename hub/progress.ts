// How far a download is: bytes, speed and the time left. Speed counts what came in the last seconds, so
// that neither what was there before nor an early burst spoils the estimate.

export interface HubProgress {
  /** The file that is coming now. */
  readonly file: string;
  /** Bytes of all files together; `done` includes what an earlier run brought. */
  readonly done: number;
  readonly total: number;
  readonly bytesPerSecond: number;
  /** `undefined` until a speed is known. */
  readonly etaSeconds: number | undefined;
}

export interface ProgressMeter {
  /** Bytes that were there already. */
  readonly skip: (bytes: number) => void;
  readonly arrived: (file: string, bytes: number) => void;
  readonly fileDone: (file: string) => void;
}

const windowMilliseconds = 10_000;
const reportMilliseconds = 250;

/** Tells `report` at most four times a second, and at the end of each file. */
export function progressMeter(
  total: number,
  now: () => number,
  report: (progress: HubProgress) => void,
): ProgressMeter {
  let done = 0;
  let fresh = 0;
  let reported = -Infinity;
  let samples: { at: number; fresh: number }[] = [{ at: now(), fresh: 0 }];
  const tell = (file: string): void => {
    const at = now();
    reported = at;
    samples = [...samples.filter((sample) => at - sample.at <= windowMilliseconds), { at, fresh }];
    const [first] = samples;
    const seconds = (at - first.at) / 1000;
    const bytesPerSecond = seconds > 0 ? (fresh - first.fresh) / seconds : 0;
    const etaSeconds = bytesPerSecond > 0 ? (total - done) / bytesPerSecond : undefined;
    report({ file, done, total, bytesPerSecond, etaSeconds });
  };
  return {
    skip: (bytes) => void (done += bytes),
    arrived: (file, bytes) => {
      done += bytes;
      fresh += bytes;
      if (now() - reported >= reportMilliseconds) tell(file);
    },
    fileDone: tell,
  };
}
