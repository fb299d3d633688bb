// @ts-check
// What a run looks like, as server and page know it; only the curves are kept elsewhere. fold-event.js makes it
// of the run's events.
// The trap: an index keeps it on disk (run-index.ts), so it is plain JSON.

/** @typedef {import("../../inversion/events.ts").RunEventOf<"validation-picture">} PictureEvent */
/** @typedef {import("../../inversion/events.ts").RunEventOf<"rows">} RowsEvent */

/**
 * @typedef {object} StageState
 * @property {string} stage
 * @property {boolean} cached
 * @property {string} why
 * @property {"waiting" | "running" | "done" | "failed" | "ended"} state
 * @property {{attempt: number, error: string, at: number}[]} retries
 * @property {{done: number, total: number, unit: string} | null} progress
 * @property {number | null} startedAt
 * @property {number | null} seconds
 * @property {string | null} error
 */

/**
 * @typedef {object} Validation
 * @property {number} step
 * @property {number} epoch
 * @property {"running" | "finished" | "failed"} state
 * @property {string | null} error
 * @property {number} expected pictures of the attempt that runs
 * @property {number} drawn by it so far
 * @property {number | null} startedAt milliseconds since 1970
 * @property {number | null} endedAt
 * @property {Record<string, Pick<PictureEvent, "text" | "path" | "width" | "height" | "at" | "pooling">>}
 *   pictures
 *   by "row-image"
 */

/** @typedef {{step: number, epoch: number, path: string}} Checkpoint */

/**
 * How a metric stands. @typedef {{first: number, last: number, step: number, recent: number[]}} MetricState
 *   `recent`: the last values of one that is told as their mean
 */

/** From the first to the last event of an attempt, milliseconds since 1970. @typedef {{from: number, to: number}} Span */

/** @typedef {{from: number, word: string}[]} WordHistory the nearest word of a row since each step */

/**
 * @typedef {object} RunState
 * @property {string} run
 * @property {string} trigger
 * @property {string} device
 * @property {Record<string, string>} versions
 * @property {number} attempts
 * @property {number | null} startedAt
 * @property {number | null} updatedAt
 * @property {Span[]} spans of the attempts, in which it was worked
 * @property {number} totalSteps
 * @property {number} step
 * @property {number} epoch
 * @property {number | null} loss
 * @property {number | null} rate
 * @property {number | null} memory bytes
 * @property {Record<string, MetricState>} metrics by key; of those that had a value
 * @property {{kind: "finished" | "paused" | "stopped" | "failed", text: string, at: number} | null} outcome
 * @property {StageState[]} stages
 * @property {Record<string, Checkpoint & {pruned: boolean}>} checkpoints
 * @property {Checkpoint | null} best the file of the best rows, which a better step replaces
 * @property {Record<string, Validation>} validations
 * @property {string[]} prompts the rows of pictures
 * @property {{step: number, path: string} | null} chosen
 * @property {{first: number, last: number, bestStep: number, bestLoss: number,
 *   varianceRatio: number | null, heldOut: boolean | null,
 *   aboveBest: {difference: number, error: number} | null,
 *   under: Readonly<Record<string, number>> | null} | null} fixedLoss `under` each rule of pooling, the last
 * @property {readonly {pooling: string, mean: number, error: number}[] | null} following
 * @property {RowsEvent["encoders"] | null} rows the latest
 * @property {Record<string, WordHistory[]>} words by encoder, then row
 * @property {{kind: "note" | "warning", text: string, at: number}[]} messages
 * @property {{event: string, text: string, at: number}[]} own events of stages that are nobody else's
 * @property {readonly string[]} files
 */

/** @returns {RunState} */
export const emptyRunState = () => ({
  run: "",
  trigger: "",
  device: "",
  versions: {},
  attempts: 0,
  startedAt: null,
  updatedAt: null,
  spans: [],
  totalSteps: 0,
  step: 0,
  epoch: 0,
  loss: null,
  rate: null,
  memory: null,
  metrics: {},
  outcome: null,
  stages: [],
  checkpoints: {},
  best: null,
  validations: {},
  prompts: [],
  chosen: null,
  fixedLoss: null,
  following: null,
  rows: null,
  words: {},
  messages: [],
  own: [],
  files: [],
});
