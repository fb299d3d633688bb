// How far a command is and how long the rest takes: on a terminal one line that is written over, else a
// line every ten seconds while it gets on. Always on standard error, so that standard output holds results only.
// The trap: the first part includes loading and compiling, so the pace is taken from there on.
import { progressText, secondsText } from "./quantity.ts";
import { type Screen, type StatusLine, statusLine } from "./status-line.ts";

export interface ProgressLine extends Pick<StatusLine, "clear" | "say"> {
  readonly update: (done: number, total: number, unit: string) => void;
}

export function progressLine(
  screen: Screen,
  now: () => number = () => performance.now(),
): ProgressLine {
  const isTerminal = screen.isTTY === true;
  const { everyMs, show, clear, say } = statusLine(screen, isTerminal);
  let course: { unit: string; total: number; from: number; startedAt: number } | undefined;
  let shownAt = isTerminal ? -Infinity : now();
  let said: number | undefined;

  const update = (done: number, total: number, unit: string) => {
    if (done >= total) return clear();
    const at = now();
    if (course?.unit !== unit || course.total !== total || done < course.from) {
      course = { unit, total, from: done, startedAt: at };
      said = undefined;
    }
    if (at - shownAt < everyMs) return;
    if (!isTerminal && done === said) return;
    shownAt = at;
    said = done;
    const pace = (at - course.startedAt) / 1000 / (done - course.from);
    const rest = done > course.from ? `, ${secondsText(pace * (total - done))} left` : "";
    show(progressText(done, total, unit) + rest);
  };
  return { update, clear, say };
}
