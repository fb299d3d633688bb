// One line that says how far something is: on a terminal written over, elsewhere a line now and then.
// The trap: on a terminal it stands where the next line begins, so clear it before anything else is written.
import { plainText } from "./plain-text.ts";

/** The part of standard output or standard error that it needs. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly write: (text: string) => unknown;
}

export interface StatusLine {
  /** How long to wait before it is worth while to show another, in milliseconds. */
  readonly everyMs: number;
  readonly show: (text: string) => void;
  readonly clear: () => void;
  /** Writes a line that stays. */
  readonly say: (text: string) => void;
}

export function statusLine(screen: Screen, isTerminal: boolean): StatusLine {
  let shown = false;
  const clear = () => {
    if (shown) screen.write("\r\x1b[K");
    shown = false;
  };
  const say = (text: string) => {
    clear();
    screen.write(`${plainText(text)}\n`);
  };
  const show = (text: string) => {
    if (!isTerminal) return say(text);
    screen.write(`\r${plainText(text).slice(0, (screen.columns ?? 80) - 1)}\x1b[K`);
    shown = true;
  };
  return { everyMs: isTerminal ? 100 : 10_000, show, clear, say };
}
