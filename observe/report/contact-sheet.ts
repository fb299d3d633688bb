// `validation/sheet.jpg`: all prompts by all steps in one picture, for those who only open folders.
// The trap: a prompt becomes part of an SVG label here, so it is escaped like everywhere else.
import { dirname, join } from "node:path";
import { Effect } from "effect";
import sharp from "sharp";
import { atomicWrite, makeFolder } from "../../lib/atomic-write.ts";
import { ask } from "../edge.ts";
import { insideRun } from "../reading/inside-run.ts";
import type { RunState } from "../reading/run-reader.ts";
import { pictureSteps } from "../reading/run-answers.js";
import { escape } from "./html.ts";
import { nearestStep, spreadSteps } from "./spread-steps.ts";

const mostColumns = 40;
const mostRows = 24;
const gap = 6;
const margin = 18;
const labelWidth = 190;
const labelHeight = 26;
const longestSide = 12_000;

/** Lines of at most `length` characters. */
function wrap(text: string, length: number, mostLines: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= length) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else lines.push(word.slice(0, length));
  }
  return lines.length <= mostLines
    ? lines
    : [...lines.slice(0, mostLines - 1), `${lines[mostLines - 1].slice(0, length - 1)}…`];
}

interface Sheet {
  readonly steps: readonly number[];
  readonly prompts: readonly string[];
  readonly cell: number;
}

function labels({ steps, prompts, cell }: Sheet, width: number, height: number): Buffer {
  const text = (x: number, y: number, content: string, anchor: string, kind: string) =>
    `<text x="${x}" y="${y}" text-anchor="${anchor}" class="${kind}">${escape(content)}</text>`;
  const columns = steps.map((step, i) =>
    text(
      margin + labelWidth + i * (cell + gap) + cell / 2,
      margin + labelHeight - 9,
      i === 0 ? `step ${step}` : String(step),
      "middle",
      "step",
    )
  );
  const rows = prompts.flatMap((prompt, i) =>
    wrap(prompt, 26, Math.max(1, Math.floor(cell / 17))).map((line, at) =>
      text(margin, margin + labelHeight + i * (cell + gap) + 14 + at * 17, line, "start", "prompt")
    )
  );
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><style>` +
      `text{font-family:sans-serif;font-size:13px;fill:#23282d}.step{font-weight:600}</style>${
        [...columns, ...rows].join("")
      }</svg>`,
  );
}

/**
 * Writes the sheet of what has been validated so far. Gives its path, or nothing when there are no
 * pictures.
 */
export async function writeContactSheet(
  runDir: string,
  state: RunState,
): Promise<string | undefined> {
  const all = pictureSteps(state);
  const best = state.fixedLoss === null ? undefined : nearestStep(all, state.fixedLoss.bestStep);
  const steps = spreadSteps(all, mostColumns, [state.chosen?.step, best]);
  const prompts = state.prompts.slice(0, mostRows);
  if (steps.length === 0 || prompts.length === 0) return undefined;
  const room = Math.floor((longestSide - labelWidth - 2 * margin) / steps.length) - gap;
  const cell = Math.min(256, Math.max(64, room));
  const width = 2 * margin + labelWidth + steps.length * (cell + gap) - gap;
  const height = 2 * margin + labelHeight + prompts.length * (cell + gap) - gap;

  const cells = await Promise.all(steps.flatMap((step, column) =>
    prompts.map(async (_, row) => {
      const path = state.validations[step].pictures[`${row}-0`]?.path;
      const file = path === undefined ? undefined : await insideRun(runDir, path);
      const input = file === undefined ? undefined : await sharp(file)
        .resize(cell, cell, { fit: "contain", background: "#f6f5f1" }).toBuffer()
        .catch(() => undefined);
      const left = margin + labelWidth + column * (cell + gap);
      const top = margin + labelHeight + row * (cell + gap);
      return input === undefined ? undefined : { input, left, top };
    })
  ));
  const sheet = join(runDir, "validation", "sheet.jpg");
  const bytes = await sharp({ create: { width, height, channels: 3, background: "#f6f5f1" } })
    .composite([
      { input: labels({ steps, prompts, cell }, width, height), left: 0, top: 0 },
      ...cells.filter((each) => each !== undefined),
    ])
    .jpeg({ quality: 88 }).toBuffer();
  const what = "the sheet of pictures";
  await ask(Effect.andThen(makeFolder(dirname(sheet)), atomicWrite(sheet, bytes, { what })));
  return sheet;
}
