// Events from lines, quickly. Nearly all lines of a long run are "step" and "rows"; for those two the
// Schema takes as long as parsing the JSON, so their fields are checked by hand here, and everything
// else by the Schema. The trap: a field that is added to these events must be added here; the test
// compares both ways of checking.
import { type RunEvent, trainingCodec } from "../../inversion/events.ts";

type Fields = Readonly<Record<string, unknown>>;

const isNumber = (value: unknown): boolean => Number.isFinite(value);
const isInt = (value: unknown): boolean => Number.isSafeInteger(value);
const isList = (value: unknown, of: (each: unknown) => boolean, length?: number): boolean =>
  Array.isArray(value) && (length === undefined || value.length === length) && value.every(of);

const isStep = (value: Fields): boolean =>
  isNumber(value.at) && isInt(value.step) && isInt(value.epoch) && isNumber(value.loss) &&
  isNumber(value.lr) && (!("dLr" in value) || isNumber(value.dLr)) &&
  isNumber(value.gradientNorm) && isList(value.gradientShare, isNumber, 2) &&
  isNumber(value.seconds) && isNumber(value.rssBytes);

const isWord = (value: unknown): boolean =>
  Array.isArray(value) && value.length === 2 && typeof value[0] === "string" && isNumber(value[1]);

function isEncoder(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { name, norms, cosines, vocabularyNorms, nearest } = value as Fields;
  return typeof name === "string" && isList(norms, isNumber) && isList(cosines, isNumber) &&
    isList(vocabularyNorms, isNumber, 3) && isList(nearest, (words) => isList(words, isWord));
}

const isRows = (value: Fields): boolean =>
  isNumber(value.at) && isInt(value.step) && isList(value.encoders, isEncoder);

/**
 * The event of a line; undefined for a line that is none. One of somebody's own stage passes too: who reads
 * events passes over those that it does not know.
 */
export function quickEvent(line: string): RunEvent | undefined {
  try {
    const value = JSON.parse(line);
    if (value?.event === "step") return isStep(value) ? value : undefined;
    if (value?.event === "rows") return isRows(value) ? value : undefined;
    return trainingCodec.parse(line) as RunEvent | undefined;
  } catch {
    return undefined;
  }
}
