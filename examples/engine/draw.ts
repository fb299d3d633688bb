// A picture from a prompt in ten lines, with nothing of gnomic but its engine: the picture's mean colour.
//   deno run -A examples/engine/draw.ts "a photo of a gnome"
import process from "node:process";
import { drawPicture, openModel, prepareEngine } from "../../engine/mod.ts";

const model = await openModel("sample_data/tiny-sdxl");
const sizes = [{ height: 16, width: 16 }]; // of the latents; eight pixels each way
const wish = { provider: "cpu", threads: 1, compute: "float32" } as const;
const engine = await prepareEngine({ ...wish, model, plans: [], sizes, batch: 1 });
const pixels = await drawPicture(engine, {
  prompt: process.argv[2] ?? "a photo of a gnome",
  negative: null,
  embeddings: [],
  ...{ seed: 1, picture: 0, sampler: "ddim", steps: 4, guidance: 5, height: 128, width: 128 },
});
await engine.close();
const area = pixels.data.length / 3;
const colour = [0, 1, 2].map((channel) => {
  const values = pixels.data.subarray(channel * area, (channel + 1) * area);
  return Math.round(127.5 * (1 + values.reduce((sum, value) => sum + value, 0) / area));
});
console.log(`${pixels.dims.join("x")}, mean colour ${colour.join(" ")}`);
