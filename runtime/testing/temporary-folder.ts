// A folder for one test, removed when it ends.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Runs `body` with a fresh folder. */
export async function withTemporaryFolder<A>(body: (folder: string) => A | Promise<A>): Promise<A> {
  const folder = mkdtempSync(join(tmpdir(), "gnomic-test-"));
  try {
    return await body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
