// A folder for one test, removed when it ends.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Runs `body` with a fresh folder. */
export async function withTemporaryFolder<A>(body: (folder: string) => A | Promise<A>): Promise<A> {
  const folder = mkdtempSync(join(tmpdir(), "gnomic-test-"));
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  let result: A;
  try {
    result = await body(folder);
  } catch (error) {
    try {
      remove();
    } catch {
      // Processes of a test that failed may still write there; why it failed is what counts.
    }
    throw error;
  }
  remove();
  return result;
}
