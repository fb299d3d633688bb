// Which addresses are refused before anything is connected to, and that none of them is said again.
import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import process from "node:process";
import { Effect, Result } from "effect";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
import { fleetAt } from "./connection.ts";

const at = (file: string | null, insecure = false) =>
  Effect.runSync(Effect.result(fleetAt("out", { file, insecure })));

const written = (folder: string, text: string): string => {
  const file = join(folder, "fleet.url");
  writeFileSync(file, text);
  chmodSync(file, 0o600);
  return file;
};

test("without an address it is a file of the folder of runs", () => {
  assert.equal(process.env.GNOMIC_FLEET ?? "", "");
  const found = Result.getOrThrow(at(null));
  assert.deepEqual([found.shared, found.shown], [false, join("out", ".gnomic-fleet.db")]);
});

test("TLS to other machines is not given up by itself", () =>
  withTemporaryFolder((folder) => {
    const shown = (text: string, insecure = false) => {
      const result = at(written(folder, text), insecure);
      return Result.isSuccess(result) ? result.success.shown : result.failure;
    };
    const address = "postgres://me:hush@db.example:6000/fleet";
    assert.equal(shown(address), "postgres://db.example:6000/fleet");
    assert.match(String(shown(`${address}?sslmode=disable`)), /wanted TLS.*--insecure/);
    assert.equal(shown(`${address}?sslmode=disable`, true), "postgres://db.example:6000/fleet");
    assert.match(String(shown(`${address}?sslmode=prefer`)), /always verified/);
    for (const here of ["localhost", "127.0.0.1", "[::1]"]) {
      const text = `postgres://me:hush@${here}/fleet?sslmode=disable`;
      assert.equal(shown(text), `postgres://${here}/fleet`);
    }
    assert.equal(
      shown("postgres://me@localhost/fleet?host=/var/run/postgresql&sslmode=disable"),
      "postgres:///var/run/postgresql/fleet",
    );
    for (const wrong of ["mysql://me:hush@db/fleet", "hush", `${address}?sslrootcert=/none`]) {
      const said = String(shown(wrong));
      assert.match(said, /wanted/);
      assert.doesNotMatch(said, /hush/);
    }
  }));

test("a file that others can read, that is missing, or an address in its place", () =>
  withTemporaryFolder((folder) => {
    const said = (file: string) => {
      const result = at(file);
      return Result.isFailure(result) ? result.failure.message : "";
    };
    const file = written(folder, "postgres://me:hush@localhost/fleet");
    if (process.platform !== "win32") {
      chmodSync(file, 0o640);
      assert.match(said(file), /found mode 640\. chmod 600/);
    }
    assert.match(said(join(folder, "none")), /ENOENT/);
    const typed = said("postgres://me:hush@localhost/fleet");
    assert.match(typed, /--fleet: wanted a file/);
    assert.doesNotMatch(typed, /hush/);
  }));
