// The pictures of a report: few and small enough to be sent, inside the file as data URIs.
import sharp from "sharp";
import { readTrainingPictures } from "../../inversion/training-pictures.ts";
import { insideRun } from "../reading/inside-run.ts";
import { pictureText } from "../monitor/page/format.js";
import type { RunState } from "../reading/run-reader.ts";
import { pictureSteps } from "../reading/run-answers.js";
import { nearestStep, spreadSteps } from "./spread-steps.ts";

const side = 384;
const mostPictures = 240;
const mostSteps = 24;
const mostTraining = 16;

export interface EmbeddedPicture {
  readonly uri: string;
  readonly text: string;
}

export interface EmbeddedStep {
  readonly step: number;
  /** For each prompt its pictures. */
  readonly prompts: readonly (readonly EmbeddedPicture[])[];
}

async function embed(runDir: string, path: string, size: number): Promise<string | undefined> {
  const file = await insideRun(runDir, path);
  if (file === undefined) return undefined;
  const bytes = await sharp(file).resize(size, size, { fit: "inside", withoutEnlargement: true })
    .jpeg({ quality: 80 }).toBuffer().catch(() => undefined);
  return bytes && `data:image/jpeg;base64,${bytes.toString("base64")}`;
}

/** The validation pictures, of evenly spaced steps when there are too many. */
export async function embedSteps(
  runDir: string,
  { validations, prompts, chosen, fixedLoss }: RunState,
): Promise<readonly EmbeddedStep[]> {
  const all = pictureSteps({ validations });
  const best = fixedLoss === null ? undefined : nearestStep(all, fixedLoss.bestStep);
  const affordable = Math.max(2, Math.floor(mostPictures / Math.max(1, prompts.length)));
  const steps = spreadSteps(all, Math.min(mostSteps, affordable), [chosen?.step, best]);
  const perPrompt = Math.max(
    1,
    Math.floor(mostPictures / Math.max(1, steps.length * prompts.length)),
  );

  const made: EmbeddedStep[] = [];
  for (const step of steps) {
    const { pictures } = validations[step];
    const ofPrompt = async (prompt: number) => {
      const keys = Object.keys(pictures).filter((key) => key.startsWith(`${prompt}-`)).sort();
      const embedded = await Promise.all(
        keys.slice(0, perPrompt).map(async (key) => {
          const uri = await embed(runDir, pictures[key].path, side);
          return uri === undefined ? undefined : { uri, text: pictureText(pictures[key]) };
        }),
      );
      return embedded.filter((each) => each !== undefined);
    };
    made.push({ step, prompts: await Promise.all(prompts.map((_, i) => ofPrompt(i))) });
  }
  return made;
}

export async function embedTraining(runDir: string): Promise<readonly EmbeddedPicture[]> {
  const pictures = (await readTrainingPictures(runDir)).slice(0, mostTraining);
  const embedded = await Promise.all(pictures.map(async ({ path, digest = "", caption }, i) => {
    const uri = await embed(runDir, path, side / 2);
    const text = caption ?? `number ${i + 1} ${digest.slice(0, 8)}`.trim();
    return uri === undefined ? undefined : { uri, text };
  }));
  return embedded.filter((each) => each !== undefined);
}
