// Bytes, times and losses as people read them, and an age as people write it.
// The trap: times are shown in the time zone of whoever reads them, so texts with them are no results.
const units = ["B", "kB", "MB", "GB", "TB"];

export function bytesText(bytes: number): string {
  const power = bytes < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}

/** e.g. "3 of 30 steps", "1.5 MB of 6.9 GB" of `bytes`, "1.5 MB of 6.9 GB converted". */
export const progressText = (done: number, total: number, unit: string): string =>
  unit.startsWith("bytes")
    ? `${bytesText(done)} of ${bytesText(total)}${unit.slice("bytes".length)}`
    : `${done} of ${total} ${unit}`;

/** e.g. "45 s", "3 min 20 s", "2 h 5 min". */
export function secondsText(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor(whole % 3600 / 60)} min`;
}

/** Losses of any size beside each other, to five digits; "-" where there is none. */
export const lossText = (loss: number | null): string => loss === null ? "-" : loss.toPrecision(5);

/** e.g. "2026-01-31 17:05"; Swedes write dates like this. */
export const timeText = (milliseconds: number): string =>
  new Date(milliseconds).toLocaleString("sv-SE").slice(0, 16);

const ageUnits: Readonly<Record<string, number>> = { m: 60, h: 3600, d: 86400, w: 604800 };

/** Milliseconds of "90m", "12h", "30d" or "2w"; undefined for anything else. */
export function ageOf(text: string): number | undefined {
  const parts = /^(\d+)([mhdw])$/.exec(text);
  return parts === null ? undefined : Number(parts[1]) * ageUnits[parts[2]] * 1000;
}
