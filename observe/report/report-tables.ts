// The numbers and tables of a report: how far and how well, the rows' nearest words, options, stages,
// messages.
import {
  clientsOf,
  count,
  dateTime,
  duration,
  loss,
  memory,
  short,
} from "../monitor/page/format.js";
import type { ConfigurationEntry } from "../reading/configuration-entries.ts";
import type { RunState } from "../reading/run-reader.ts";
import { secondsPerStep } from "../reading/run-answers.js";
import { statusOf } from "../reading/run-status.js";
import { type Html, html } from "./html.ts";
import type { ReportContent } from "./report-content.ts";

export function numbers({ state, alive }: ReportContent): Html {
  const { fixedLoss, following, chosen } = state;
  const rows: readonly (readonly [string, string])[] = [
    ["State", statusOf(state, alive).word],
    ["Steps", `${count(state.step)} of ${count(state.totalSteps)}`],
    ["Fixed loss before", loss(fixedLoss?.first)],
    ["Best fixed loss", loss(fixedLoss?.bestLoss)],
    ["at step", fixedLoss === null ? "–" : count(fixedLoss.bestStep)],
    ["Fixed loss at the end", loss(fixedLoss?.last)],
    ["End above best", sureness(fixedLoss)],
    ...Object.entries(fixedLoss?.under ?? {}).map(([pooling, value]) =>
      [`At the end, in ${clientsOf(pooling)}`, loss(value)] as const
    ),
    ...(following ?? []).map(({ pooling, mean, error }) =>
      [
        `Prompt following F, in ${clientsOf(pooling)}`,
        `${mean.toFixed(3)} ± ${error.toFixed(3)}, 0 is the word's own`,
      ] as const
    ),
    ["Variance ratio", fixedLoss?.varianceRatio?.toFixed(2) ?? "–"],
    ["Time per step", duration(secondsPerStep(state))],
    ["Memory", memory(state.memory)],
    ["Device", state.device],
    ["Chosen", chosen === null ? "–" : `step ${count(chosen.step)}`],
    ["Started", dateTime(state.startedAt)],
  ];
  return html`<dl class="figures">${
    rows.map(([name, value]) =>
      html`
        <div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>
      `
    )
  }</dl>`;
}

/** How sure it is that the best is better than the last: their difference with its standard error. */
function sureness(fixedLoss: RunState["fixedLoss"]): string {
  if (fixedLoss?.heldOut === false) return "none held out: the last is taken";
  if (fixedLoss?.aboveBest == null) return "–";
  const { difference, error } = fixedLoss.aboveBest;
  return `${loss(difference)} ± ${loss(error)}${
    difference > 2 * error ? "" : ", no more than chance"
  }`;
}

const shownValue = (value: unknown): string =>
  typeof value === "string" ? value : JSON.stringify(value) ?? "–";

export function configurationTable({ configuration }: ReportContent): Html {
  const table = (entries: readonly ConfigurationEntry[]) =>
    html`
      <table>
        <thead>
          <tr>
            <th>Option</th>
            <th>Here</th>
            <th>Default</th>
          </tr>
        </thead>
        <tbody>${entries.map(({ key, value, standard }) =>
          html`
            <tr>
              <td><code>${key}</code></td>
              <td><code>${shownValue(value)}</code></td>
              <td><code>${standard === undefined
                ? "must be given"
                : shownValue(standard)}</code></td>
            </tr>
          `
        )}</tbody>
      </table>
    `;
  const [differing, others] = [
    configuration.filter(({ differs }) => differs),
    configuration.filter(({ differs }) => !differs),
  ];
  return html`<section><h2>Configuration</h2>${
    table(differing)
  }<details><summary>${others.length} options at their defaults</summary>${
    table(others)
  }</details></section>`;
}

export function nearestWords({ state }: ReportContent): Html | undefined {
  if (state.rows === null) return undefined;
  const rowsOf = ({ name, nearest, norms, cosines }: NonNullable<RunState["rows"]>[number]) =>
    nearest.map((near, row) =>
      html`
        <tr>
          <td>${name}, row ${row + 1}</td>
          <td>${short(norms[row])}</td>
          <td>${cosines[row]?.toFixed(3)}</td>
          <td>${near.slice(0, 5).map(([word, cosine]) => `${word} (${cosine.toFixed(2)})`).join(
            ", ",
          )}</td>
        </tr>
      `
    );
  return html`
    <section>
      <h2>What the rows became</h2>
      <table>
        <thead>
          <tr>
            <th>Row</th>
            <th>Norm</th>
            <th>Cosine to its beginning</th>
            <th>Nearest words</th>
          </tr>
        </thead>
        <tbody>${state.rows.flatMap(rowsOf)}</tbody>
      </table>
    </section>
  `;
}

export function stagesTable({ state }: ReportContent): Html {
  const rows = state.stages.map(({ stage, state: how, cached, why, seconds, retries, error }) =>
    html`
      <tr>
        <td>${stage}</td>
        <td>${how === "done" && cached ? "cached" : how}</td>
        <td>${duration(seconds)}</td>
        <td>${retries.length === 0 ? "" : `tried again ${retries.length} × `}${error ?? why}</td>
      </tr>
    `
  );
  const versions = Object.entries(state.versions).map(([name, version]) => `${name} ${version}`);
  return html`
    <section>
      <h2>Stages</h2>
      <table>
        <thead>
          <tr>
            <th>Stage</th>
            <th>State</th>
            <th>Time</th>
            <th></th>
          </tr>
        </thead>
        <tbody>${rows}</tbody>
      </table>
      <p class="muted">${versions.join(" · ")}</p>
    </section>
  `;
}

export const messages = ({ state }: ReportContent): Html | undefined =>
  state.messages.length === 0 ? undefined : html`
    <section>
      <h2>Messages</h2>
      <ul>${state.messages.map(({ kind, text }) => html`<li class="${kind}">${text}</li>`)}</ul>
    </section>
  `;
