import assert from "node:assert/strict";
import { test } from "node:test";
import { Effect } from "effect";
import { renamed, renameOver } from "./rename-over.ts";

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

const asEffect = (rename: () => Promise<void>, platform: string) =>
  Effect.runPromise(renamed(
    Effect.tryPromise({ try: rename, catch: (cause) => cause as Error }),
    platform,
  ));

for (const over of [renameOver, asEffect]) {
  test(`on Windows a file that somebody holds open is waited for, elsewhere nothing is: ${over.name}`, async () => {
    const passing = refused(3, "EPERM");
    await over(passing.rename, "win32");
    assert.equal(passing.tries(), 4);
    const elsewhere = refused(3, "EPERM");
    await assert.rejects(over(elsewhere.rename, "linux"), /EPERM/);
    assert.equal(elsewhere.tries(), 1);
    const full = refused(9, "ENOSPC");
    await assert.rejects(over(full.rename, "win32"), /ENOSPC/);
    assert.equal(full.tries(), 1);
    await assert.rejects(over(refused(99, "EBUSY").rename, "win32"), /EBUSY/);
  });
}
