// The Python that has the peers: GNOMIC_PYTHON, or python3. The trap: importing torch takes
// seconds, so only whether the packages are there is looked at.
import { spawnSync } from "node:child_process";
import process from "node:process";
import { skipUnlessAsked } from "./asked.ts";

const usual = "python3";

/**
 * `skip` is false, or the reason why a test cannot run here; with GNOMIC_REQUIRE_PEERS=1 that reason
 * is thrown.
 */
export function findPython(modules: readonly string[]): { python: string; skip: string | false } {
  if (skipUnlessAsked !== false) return { python: "", skip: skipUnlessAsked };
  const python = process.env["GNOMIC_PYTHON"] ?? usual;
  const program = `import importlib.util as u, sys
sys.exit(any(u.find_spec(name) is None for name in ${JSON.stringify(modules)}))`;
  if (spawnSync(python, ["-c", program]).status === 0) return { python, skip: false };
  const skip = `no ${modules.join(", ")} for ${python}`;
  if (process.env["GNOMIC_REQUIRE_PEERS"] === "1") throw new Error(`${skip}; set GNOMIC_PYTHON`);
  return { python: "", skip };
}
