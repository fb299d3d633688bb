import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import process from "node:process";
import { test } from "node:test";
import { asFault } from "../lib/as-fault.ts";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
import { writeCrashReport } from "./crash-report.ts";

test("says what, where and with which versions, but no home or working folder and no environment", () =>
  withTemporaryFolder((folder) => {
    process.env.HF_TOKEN = "hf_secret";
    const inner = new Error(`cannot read ${homedir()}/pictures`);
    const fault = asFault(new TypeError("x is not a gnome", { cause: inner }));
    const path = writeCrashReport(fault, ["pipeline", "sdxl-ti", "--seed", "3"], folder);
    delete process.env.HF_TOKEN;
    const text = readFileSync(path, "utf8");
    assert.match(text, /x is not a gnome/);
    assert.match(text, /caused by: Error: cannot read ~\/pictures/);
    assert.match(text, /command: pipeline sdxl-ti --seed 3/);
    assert.match(text, /gnomic: \d/);
    assert.match(text, /crash-report\.test\.ts:\d+/, "the place where it arose");
    for (const secret of [homedir(), process.cwd(), "hf_secret"]) {
      assert.ok(!text.includes(secret), secret);
    }
    assert.notEqual(writeCrashReport(fault, [], folder), path);
    if (process.platform !== "win32") assert.equal(statSync(path).mode & 0o777, 0o600);
  }));

test("a root as home or working folder changes nothing, and half of a name is no folder", () =>
  withTemporaryFolder((folder) => {
    const { HOME } = process.env;
    try {
      for (
        const [home, expected] of [
          ["/", "cannot read /srv/home/pictures"],
          ["/srv/home", "cannot read ~/pictures"],
          ["/srv/ho", "cannot read /srv/home/pictures"],
        ]
      ) {
        process.env.HOME = home;
        const fault = asFault(new TypeError("cannot read /srv/home/pictures"));
        const text = readFileSync(writeCrashReport(fault, [], folder), "utf8");
        assert.ok(text.includes(expected), home);
      }
    } finally {
      process.env.HOME = HOME;
    }
  }));
