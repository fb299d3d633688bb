// The report as one HTML document: numbers, before and after, curves, pictures, configuration. It loads
// nothing: styles, curves and pictures are inside. Its one script moves the slider over the steps.
import { html } from "./html.ts";
import type { ReportContent } from "./report-content.ts";
import { reportCurves } from "./report-curves.ts";
import { beforeAfter, stepSlider, trainingTiles } from "./report-gallery.ts";
import {
  configurationTable,
  messages,
  nearestWords,
  numbers,
  stagesTable,
} from "./report-tables.ts";

const policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; " +
  "script-src 'unsafe-inline'";

export function reportPage(content: ReportContent): string {
  const { name, state, styles, script } = content;
  const sections = [
    numbers(content),
    beforeAfter(content),
    reportCurves(content),
    stepSlider(content),
    trainingTiles(content),
    nearestWords(content),
    configurationTable(content),
    stagesTable(content),
    messages(content),
  ];
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
        <main>${sections}</main>
        <script>${{ html: script }}</script>
      </body>
    </html>
  `.html;
}
