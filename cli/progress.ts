// What a terminal shows of a run: on a terminal a status line that is written over, elsewhere plain lines
// now and then; with --quiet only what needs attention; with --json the events themselves, one a line.
// The trap: texts come from prompts and files, so control characters are taken out of them.
import { isRunEvent } from "../inversion/event-kinds.ts";
import type { RunEvent } from "../inversion/events.ts";
import type { AnyEvent } from "../runtime/events.ts";
import type { RunObserver } from "../runtime/execute/observers.ts";
import {
  emptyMeter,
  type Meter,
  meterAfter,
  othersSecondsLeft,
  secondsLeft,
} from "./progress-meter.ts";
import { bytesText, progressText, secondsText } from "./quantity.ts";
import { type Screen, statusLine } from "./status-line.ts";

export type ProgressMode = "full" | "quiet" | "json";

const paceText = (seconds: number) =>
  seconds >= 1 ? `${seconds.toFixed(1)} s` : `${(seconds * 1000).toFixed(0)} ms`;
/** Short times to a tenth. */
const tookText = (seconds: number) =>
  seconds < 10 ? `${seconds.toFixed(1)} s` : secondsText(seconds);
const rateText = (seconds: number) => seconds >= 1 ? "" : `${(1 / seconds).toFixed(1)}/s`;

/** The status as one line. */
function statusText(meter: Meter): string {
  const { step, totalSteps, loss, fixedLoss, secondsPerStep, rssBytes, savedStep, other } = meter;
  if (other !== null) {
    const rest = othersSecondsLeft(other);
    const soFar = progressText(other.done, other.total, other.unit);
    return `${other.stage}: ${soFar}${rest === null ? "" : `, ${secondsText(rest)} left`}`;
  }
  if (step === null) return "";
  const left = secondsLeft(meter);
  return [
    `step ${step}${totalSteps === 0 ? "" : `/${totalSteps}`}`,
    loss === null ? "" : `loss ${loss.toFixed(4)}`,
    fixedLoss === null ? "" : `fixed ${fixedLoss.loss.toFixed(5)}`,
    secondsPerStep === null ? "" : rateText(secondsPerStep),
    secondsPerStep === null ? "" : paceText(secondsPerStep),
    left === null ? "" : `${secondsText(left)} left`,
    rssBytes === null ? "" : bytesText(rssBytes),
    savedStep === null ? "" : `saved ${savedStep}`,
  ].filter((part) => part !== "").join("  ");
}

/** A line that stays; undefined for events that only move the status. */
function lastingText(event: RunEvent): string | undefined {
  switch (event.event) {
    case "stage-finished":
      return event.cached ? undefined : `${event.stage}: done in ${tookText(event.seconds)}`;
    case "stage-retried":
      return `${event.stage}: ${event.error} Again in ${event.delaySeconds.toFixed(1)} s.`;
    case "checkpoint":
      return `step ${event.step}: ${event.path}${event.best ? " (best)" : ""}`;
    case "validation-started":
      return `step ${event.step}: making ${event.pictures} validation pictures`;
    case "validation-finished":
      return `step ${event.step}: validation pictures are made, ${tookText(event.seconds)}`;
    case "note":
      return event.text;
    default:
      return undefined;
  }
}

/** What is said even with --quiet. */
function urgentText(event: RunEvent): string | undefined {
  switch (event.event) {
    case "warning":
      return `Warning: ${event.text}`;
    case "stage-failed":
      // Where it ends the run, its fault is the command's, which is said at the end.
      return event.goesOn === true
        ? `${event.stage} failed, the others go on: ${event.error}`
        : `${event.stage} failed`;
    case "validation-failed":
      return `step ${event.step}: validation failed: ${event.error}`;
    default:
      return undefined;
  }
}

export function progressObserver(
  screen: Screen,
  mode: ProgressMode,
  now: () => number = () => performance.now(),
): RunObserver {
  const { everyMs, show, clear, say } = statusLine(
    screen,
    screen.isTTY === true && mode === "full",
  );
  let meter = emptyMeter;
  let shownAt = -Infinity;
  let shownText = "";

  const status = (isLast: boolean) => {
    const text = statusText(meter);
    if (text === shownText || (now() - shownAt < everyMs && !isLast)) return;
    [shownAt, shownText] = [now(), text];
    if (text === "") clear();
    else show(text);
  };

  const onEvent = (event: AnyEvent) => {
    if (mode === "json") return void screen.write(`${JSON.stringify(event)}\n`);
    if (!isRunEvent(event)) return;
    const urgent = urgentText(event);
    if (urgent !== undefined) say(urgent);
    if (mode === "quiet") return;
    const lasting = lastingText(event);
    if (lasting !== undefined) say(lasting);
    const before = meter;
    meter = meterAfter(meter, event);
    const isLast = event.event === "step" && event.step === meter.totalSteps;
    if (meter !== before) status(isLast);
  };
  return { name: "the terminal", onEvent, close: clear };
}
