// Who ends the program from within (`process.exit` or `Deno.exit` in a stage, or in what it imports) leaves no word
// and an exit code that may say "done": both are set right here, on the way out.
// The trap: on the way out nothing is waited for, so this is loaded beforehand.
import process from "node:process";
import { UnexpectedError } from "../lib/as-fault.ts";
import { exitCodeOf } from "../runtime/execute/outcome.ts";
import { exitingStage } from "../runtime/pipeline/stage-fault.ts";
import { printFault } from "./print-fault.ts";

/** From now on, until the result is called, an end of the process is not the program's own. */
export function watchExits(args: readonly string[]): () => void {
  const onExit = () => {
    release();
    const found = `an end of the whole program from within (exit code ${process.exitCode ?? 0})`;
    const call = new Error(found);
    const fault = exitingStage(call) ?? new UnexpectedError({
      wanted: "to work to the end",
      found,
      fix: "This is a defect of gnomic; please report it with this text.",
      cause: call,
    });
    printFault(fault, args);
    process.exitCode = exitCodeOf(fault);
  };
  // Deno's own way, which `process.exit` takes, too; Node has no such event.
  const deno = "Deno" in globalThis ? globalThis : null;
  const release = () => {
    process.off("exit", onExit);
    deno?.removeEventListener("unload", onExit);
  };
  process.on("exit", onExit);
  deno?.addEventListener("unload", onExit);
  return release;
}
