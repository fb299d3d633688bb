// The same pipeline composed in TypeScript and run by a program, with nothing of gnomic but its runner. Wiring
// that does not fit does not compile.
//   deno run -A examples/words/run.ts "a gnome in the rain"
import process from "node:process";
import { Effect, makeStopSignal, openApp, pipeline, runPipeline } from "../../runtime/mod.ts";
import count from "./count.ts";
import longest from "./longest.ts";

const words = pipeline("words")
  .stage("count", count)
  .stage("longest", longest, { counts: "count.counts" });

const [text = "The gnome sits on the lawn", output = "output"] = process.argv.slice(2);
const outcome = await Effect.runPromise(runPipeline(
  {
    pipeline: words,
    app: openApp,
    layers: { set: [`text=${text}`], output, seed: "1" },
    selectors: {},
    choice: {},
    offline: false,
    onProgress: () => {},
  },
  {
    stop: makeStopSignal(),
    observers: () => Effect.succeed([]),
    onPlan: ({ stages }) => stages.forEach(({ id, action }) => console.log(`${id}: ${action}`)),
  },
));
console.log(`${outcome.ending}: ${outcome.dir}`);
