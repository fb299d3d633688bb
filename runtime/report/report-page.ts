// The report as one HTML document: numbers, before and after, curves, pictures, configuration. It loads
// nothing: styles, curves and pictures are inside. Its one script moves the slider over the steps.
import type { ConfigurationEntry } from "../monitor/configuration-entries.ts";
import type { ThinnedCurves } from "../monitor/curves.ts";
import { count, dateTime, duration, loss, memory, short } from "../monitor/page/format.js";
import { statusOf } from "../monitor/page/run-status.js";
import type { RunState } from "../monitor/run-reader.ts";
import { curveSvg } from "./curve-svg.ts";
import { type Html, html } from "./html.ts";
import type { EmbeddedPicture, EmbeddedStep } from "./report-pictures.ts";

export interface ReportContent {
  readonly name: string;
  readonly state: RunState;
  readonly alive: boolean;
  readonly curves: ThinnedCurves;
  readonly configuration: readonly ConfigurationEntry[];
  readonly steps: readonly EmbeddedStep[];
  readonly training: readonly EmbeddedPicture[];
  /** Style sheets and the script, trusted. */
  readonly styles: string;
  readonly script: string;
}

const rowColours = ["accent", "blue", "amber", "rose", "violet", "teal", "slate", "good"];

const picture = ({ uri, text }: EmbeddedPicture, alt: string): Html =>
  html`<img src="${uri}" alt="${alt}: ${text}" title="${text}">`;

function numbers({ state, alive }: ReportContent): Html {
  const { fixedLoss, recentSeconds, chosen } = state;
  const pace = recentSeconds.reduce((sum, each) => sum + each, 0) / recentSeconds.length;
  const rows: readonly (readonly [string, string])[] = [
    ["State", statusOf(state, alive).word],
    ["Steps", `${count(state.step)} of ${count(state.totalSteps)}`],
    ["Fixed loss before", loss(fixedLoss?.first)],
    ["Best fixed loss", loss(fixedLoss?.bestLoss)],
    ["at step", fixedLoss === null ? "–" : count(fixedLoss.bestStep)],
    ["Fixed loss at the end", loss(fixedLoss?.last)],
    ["Variance ratio", fixedLoss?.varianceRatio?.toFixed(2) ?? "–"],
    ["Time per step", duration(pace)],
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

/** The first pictures and those of the chosen, else the best, else the last step. */
function beforeAfter({ state, steps }: ReportContent): Html | undefined {
  const first = steps.at(0);
  const after = steps.find(({ step }) => step === state.chosen?.step) ??
    steps.find(({ step }) => step === state.fixedLoss?.bestStep) ?? steps.at(-1);
  if (first === undefined || after === undefined || first === after) return undefined;
  const pair = (prompt: string, row: number) =>
    html`
      <div class="pair">
        <figure>${first.prompts[row]?.slice(0, 1).map((each) =>
          picture(each, `step ${first.step}`)
        )}<figcaption>step ${count(first.step)}</figcaption></figure>
        <figure>${after.prompts[row]?.slice(0, 1).map((each) =>
          picture(each, `step ${after.step}`)
        )}<figcaption>step ${count(after.step)}</figcaption></figure>
        <p>${prompt}</p>
      </div>
    `;
  return html`
    <section>
      <h2>Before and after</h2>
      <div class="pairs">${state.prompts.map(pair)}</div>
    </section>
  `;
}

function curves({ state, curves: { steps, fixed, rows } }: ReportContent): Html {
  const { fixedLoss } = state;
  const charts = [
    curveSvg({
      title: "Loss",
      format: short,
      curves: [
        { label: "raw", colour: "accent", x: steps.step, y: steps.loss.last, faint: true },
        { label: "smoothed", colour: "accent", x: steps.step, y: steps.smoothed },
      ],
    }),
    curveSvg({
      title: "Fixed loss",
      format: short,
      curves: [{ label: "fixed", colour: "blue", x: fixed.step, y: fixed.loss.last }],
      ...(fixedLoss === null ? {} : {
        mark: {
          x: fixedLoss.bestStep,
          y: fixedLoss.bestLoss,
          label: `best, step ${count(fixedLoss.bestStep)}`,
        },
      }),
    }),
    curveSvg({
      title: "Learning rate",
      format: short,
      fromZero: true,
      curves: [
        { label: "rate", colour: "violet", x: steps.step, y: steps.rate },
        { label: "adapted", colour: "rose", x: steps.step, y: steps.adaptedRate },
      ],
    }),
    curveSvg({
      title: "Time per step",
      format: duration,
      fromZero: true,
      curves: [{ label: "time", colour: "amber", x: steps.step, y: steps.seconds.last }],
    }),
    ...rows.encoders.map(({ name, norms, vocabularyNorms }) =>
      curveSvg({
        title: `Norms of the rows, ${name}`,
        format: short,
        range: vocabularyNorms,
        curves: norms.slice(0, rowColours.length).map((y, row) => ({
          label: `row ${row + 1}`,
          colour: rowColours[row],
          x: rows.step,
          y,
        })),
      })
    ),
  ];
  return html`
    <section>
      <h2>Curves</h2>
      <div class="charts">${charts}</div>
    </section>
  `;
}

function explorer({ state, steps }: ReportContent): Html | undefined {
  if (steps.length === 0) return undefined;
  const ofStep = ({ step, prompts }: EmbeddedStep, at: number) =>
    html`
      <div class="step ${at === steps.length - 1 ? "shown" : ""}" data-step="${step}">
        <h3>Step ${count(step)}${state.fixedLoss?.bestStep === step && html`
          <span class="tag good">best fixed loss</span>
        `}${state.chosen?.step === step && html`
          <span class="tag chosen">chosen</span>
        `}</h3>
        <div class="prompts">${prompts.map((pictures, row) =>
          html`
            <figure>
              <div class="images">${pictures.map((each) => picture(each, `step ${step}`))}</div>
              <figcaption>${pictures[0]?.text ?? state.prompts[row]}</figcaption>
            </figure>
          `
        )}</div>
      </div>
    `;
  return html`
    <section class="explorer">
      <h2>Pictures</h2>
      <div
        class="toolbar"><input type="range" min="0" max="${steps.length -
          1}" value="${steps.length -
          1}" aria-label="step" id="slider"><label><input type="checkbox" id="all"> all steps</label></div>
      <div id="steps">${steps.map(ofStep)}</div>
    </section>
  `;
}

const shownValue = (value: unknown): string =>
  typeof value === "string" ? value : JSON.stringify(value) ?? "–";

function configuration({ configuration }: ReportContent): Html {
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

function words({ state }: ReportContent): Html | undefined {
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

function stages({ state }: ReportContent): Html {
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

const messages = ({ state }: ReportContent): Html | undefined =>
  state.messages.length === 0 ? undefined : html`
    <section>
      <h2>Messages</h2>
      <ul>${state.messages.map(({ kind, text }) => html`<li class="${kind}">${text}</li>`)}</ul>
    </section>
  `;

export function reportPage(content: ReportContent): string {
  const { name, state, training, styles, script } = content;
  const policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; " +
    "script-src 'unsafe-inline'";
  return html`
    <!DOCTYPE html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta http-equiv="Content-Security-Policy" content="${policy}">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>${state.trigger || name} · gnomic</title>
        <style>${{ html: styles }}</style>
      </head>
      <body>
        <header>
          <p class="muted">gnomic, textual inversion for SDXL</p>
          <h1>${state.trigger || name}</h1>
          <p class="muted">${state.run || name}</p>
        </header>
        <main>${numbers(content)}${beforeAfter(content)}${curves(content)}${explorer(
          content,
        )}${training.length > 0 &&
          html`
            <section>
              <h2>Training pictures</h2>
              <div class="tiles">${training.map((each) => picture(each, "training picture"))}</div>
            </section>
          `}${words(content)}${configuration(content)}${stages(content)}${messages(content)}</main>
        <script>${{ html: script }}</script>
      </body>
    </html>
  `.html;
}
