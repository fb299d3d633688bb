// The pictures of a report: before and after side by side, all steps behind a slider, and what was
// trained on.
// The trap: a run may lack any of them, and a step any of its pictures.
import { count } from "../monitor/page/format.js";
import { type Html, html } from "./html.ts";
import type { ReportContent } from "./report-content.ts";
import type { EmbeddedPicture, EmbeddedStep } from "./report-pictures.ts";

const picture = ({ uri, text }: EmbeddedPicture, alt: string): Html =>
  html`<img src="${uri}" alt="${alt}: ${text}" title="${text}">`;

/** What the pictures of a prompt show; one after the other where they are drawn in several ways. */
const captionOf = (pictures: readonly EmbeddedPicture[], prompt: string): string =>
  [...new Set(pictures.map(({ text }) => text))].join(" · ") || prompt;

/** The first pictures and those of the chosen, else the best, else the last step. */
export function beforeAfter({ state, steps }: ReportContent): Html | undefined {
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

export function stepSlider({ state, steps }: ReportContent): Html | undefined {
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
              <figcaption>${captionOf(pictures, state.prompts[row])}</figcaption>
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

export const trainingTiles = ({ training }: ReportContent): Html | undefined =>
  training.length === 0 ? undefined : html`
    <section>
      <h2>Training pictures</h2>
      <div class="tiles">${training.map((each) => picture(each, "training picture"))}</div>
    </section>
  `;
