// @ts-check
// How a run stands, in one word and one colour, the same everywhere.

/** @typedef {{kind: "running" | "finished" | "paused" | "stopped" | "failed" | "interrupted", word: string,
 *   text: string}} RunStatus */

const words = {
  running: "training",
  finished: "finished",
  paused: "paused",
  stopped: "stopped",
  failed: "failed",
  interrupted: "interrupted",
};

/**
 * @param {{outcome: {kind: "finished" | "paused" | "stopped" | "failed", text: string} | null}} state
 * @param {boolean} alive
 * @returns {RunStatus}
 */
export function statusOf({ outcome }, alive) {
  const kind = outcome?.kind ?? (alive ? "running" : "interrupted");
  const text = kind === "interrupted"
    ? "its process is gone; the same command goes on from the last finished step"
    : outcome?.text ?? "";
  return { kind, word: words[kind], text };
}
