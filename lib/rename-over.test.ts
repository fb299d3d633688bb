import assert from "node:assert/strict";
import { test } from "node:test";
import { renameOver } from "./rename-over.ts";

/** A rename that is refused so often. */
function refused(times: number, code: string) {
  let tries = 0;
  const rename = () => {
    tries++;
    return tries > times
      ? Promise.resolve()
      : Promise.reject(Object.assign(new Error(code), { code }));
  };
  return { rename, tries: () => tries };
}

test("on Windows a file that somebody holds open is waited for, elsewhere nothing is", async () => {
  const passing = refused(3, "EPERM");
  await renameOver(passing.rename, "win32");
  assert.equal(passing.tries(), 4);
  const elsewhere = refused(3, "EPERM");
  await assert.rejects(renameOver(elsewhere.rename, "linux"), /EPERM/);
  assert.equal(elsewhere.tries(), 1);
  const full = refused(9, "ENOSPC");
  await assert.rejects(renameOver(full.rename, "win32"), /ENOSPC/);
  assert.equal(full.tries(), 1);
  await assert.rejects(renameOver(refused(99, "EBUSY").rename, "win32"), /EBUSY/);
});
