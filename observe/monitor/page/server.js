// @ts-check
// Everything the page asks of its server. The action token comes once per session; the cookie that
// lets requests through is out of a script's reach. A 401 means that the server was started anew.

/** @typedef {import("../../reading/run-view.ts").RunView} RunView */
/** @typedef {import("../../reading/run-list.ts").ListedRun} ListedRun */
/** @typedef {import("../../reading/curves.js").Curves} Curves */
/** @typedef {import("../../reading/sweeps.ts").SweepView} SweepView */
/** @typedef {import("../../reading/sweeps.ts").ListedSweep} ListedSweep */

/** @type {{token: string, folder: string} | undefined} */
let session;

/** @param {string} path @param {RequestInit} [options] */
async function ask(path, options) {
  const answer = await fetch(path, options);
  if (answer.ok) return await answer.json();
  const said = (await answer.text()).trim();
  throw Object.assign(new Error(said), { status: answer.status });
}

const runPath = (/** @type {string} */ id) => `/api/runs/${encodeURIComponent(id)}`;

const getSession = async () => session ??= await ask("/api/session");

/** @returns {Promise<ListedRun[]>} */
export const getRuns = () => ask("/api/runs");

/** @returns {Promise<ListedSweep[]>} */
export const getSweeps = () => ask("/api/sweeps");

/** @param {string} id @returns {Promise<SweepView>} */
export const getSweep = (id) => ask(`/api/sweeps/${encodeURIComponent(id)}`);

/** @param {string} id @returns {Promise<RunView>} */
export const getRun = (id) => ask(runPath(id));

/**
 * @param {string} id
 * @param {{points: number, smoothing?: number, from?: number, to?: number}} options
 * @returns {Promise<Curves>}
 */
export function getCurves(id, { points, smoothing, from, to }) {
  const query = new URLSearchParams({ points: String(points) });
  if (smoothing !== undefined) query.set("smoothing", String(smoothing));
  if (from !== undefined) query.set("from", String(from));
  if (to !== undefined) query.set("to", String(to));
  return ask(`${runPath(id)}/curves?${query}`);
}

/** @param {string} id @param {number} offset */
export const eventsAddress = (id, offset) => `${runPath(id)}/events?from=${offset}`;

/** @param {string} id */
export const reportAddress = (id) => `${runPath(id)}/report.html`;

/**
 * The address of a picture; `at` makes a picture that was made again another address.
 * @param {string} id @param {string} picture @param {number} size @param {number} [at]
 */
export const pictureAddress = (id, picture, size, at = 0) =>
  `${runPath(id)}/pictures/${picture}?size=${size}&at=${at}`;

/**
 * Asks the training for something. Throws with the server's words when that cannot be.
 * @param {string} id @param {import("../../../inversion/requests.ts").ControlRequest} request
 */
export async function steer(id, request) {
  const { token } = await getSession();
  const answer = await fetch(`${runPath(id)}/control`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Gnomic-Token": token },
    body: JSON.stringify(request),
  });
  if (answer.ok) return;
  const said = await answer.text();
  let problem = said;
  try {
    problem = JSON.parse(said).problem;
  } catch { /* plain text */ }
  throw new Error(problem);
}
