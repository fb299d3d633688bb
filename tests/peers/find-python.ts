// The Python that has the peers: GNOMIC_PYTHON, or the first usual one. The trap: importing torch takes
// seconds, so only whether the packages are there is looked at.
import { spawnSync } from "node:child_process";
import process from "node:process";

const usual = ["/opt/peers/bin/python", "python3"];

/**
 * `skip` is false, or the reason why a test cannot run here; with GNOMIC_REQUIRE_PEERS=1 that reason
 * is thrown.
 */
export function findPython(modules: readonly string[]): { python: string; skip: string | false } {
  const own = process.env["GNOMIC_PYTHON"];
  const candidates = own === undefined ? usual : [own];
  const program = `import importlib.util as u, sys
sys.exit(any(u.find_spec(name) is None for name in ${JSON.stringify(modules)}))`;
  const python = candidates.find((path) => spawnSync(path, ["-c", program]).status === 0);
  if (python !== undefined) return { python, skip: false };
  const skip = `no ${modules.join(", ")} for ${candidates.join(" or ")}`;
  if (process.env["GNOMIC_REQUIRE_PEERS"] === "1") throw new Error(`${skip}; set GNOMIC_PYTHON`);
  return { python: "", skip };
}
