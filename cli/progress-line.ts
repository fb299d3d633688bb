// How far a command is and how long the rest takes: on a terminal one line that is written over, else a
// line every ten seconds while it gets on. Always on standard error, so that standard output holds results only.
// The trap: the first part includes loading and compiling, so the pace is taken from there on.
import { plainText } from "./plain-text.ts";
import type { Screen } from "./progress.ts";
import { progressText, secondsText } from "./quantity.ts";

export interface ProgressLine {
  readonly update: (done: number, total: number, unit: string) => void;
  /** Before anything else is written. */
  readonly clear: () => void;
  /** Writes a line that stays. */
  readonly say: (text: string) => void;
}

const terminalEveryMs = 100;
const plainEveryMs = 10_000;

export function progressLine(
  screen: Screen,
  now: () => number = () => performance.now(),
): ProgressLine {
  const isTerminal = screen.isTTY === true;
  let course: { unit: string; total: number; from: number; startedAt: number } | undefined;
  let shownAt = isTerminal ? -Infinity : now();
  let shown = false;
  let said: number | undefined;

  const clear = () => {
    if (shown) screen.write("\r\x1b[K");
    shown = false;
  };

  const update = (done: number, total: number, unit: string) => {
    if (done >= total) return clear();
    const at = now();
    if (course?.unit !== unit || course.total !== total || done < course.from) {
      course = { unit, total, from: done, startedAt: at };
      said = undefined;
    }
    if (at - shownAt < (isTerminal ? terminalEveryMs : plainEveryMs)) return;
    if (!isTerminal && done === said) return;
    shownAt = at;
    said = done;
    const pace = (at - course.startedAt) / 1000 / (done - course.from);
    const rest = done > course.from ? `, ${secondsText(pace * (total - done))} left` : "";
    const text = progressText(done, total, unit) + rest;
    if (!isTerminal) return void screen.write(`${text}\n`);
    screen.write(`\r${text.slice(0, (screen.columns ?? 80) - 1)}\x1b[K`);
    shown = true;
  };
  const say = (text: string) => {
    clear();
    screen.write(`${plainText(text)}\n`);
  };
  return { update, clear, say };
}
