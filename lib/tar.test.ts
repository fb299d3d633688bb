// The archive against the system's own tar, and against what an attacker would write.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Effect, Stream } from "effect";
import { Tar } from "effect/encoding";
import * as fc from "fast-check";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
import { ArchiveFault, packed, readTar, unpacked as unpackedBytes, writeTar } from "./tar.ts";

const toPack = (path: string, content: Uint8Array) => ({
  path,
  bytes: content.length,
  chunks: () => [content.subarray(0, 7), content.subarray(7)],
});

async function unpacked(archive: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  await Effect.runPromise(
    readTar(archive, ({ path, content }) =>
      Effect.map(Stream.runCollect(content), (parts) => {
        found[path] = Buffer.concat([...parts]).toString("hex");
      })),
  );
  return found;
}

const hasTar = (() => {
  try {
    return execFileSync("tar", ["--version"]).length > 0;
  } catch {
    return false;
  }
})();

const long = `${"deep/".repeat(28)}${"x".repeat(90)}.txt`;

test("the system's tar unpacks what we pack, long and foreign names included", {
  skip: !hasTar,
}, () =>
  withTemporaryFolder(async (folder) => {
    const archive = join(folder, "a.tar");
    const files = { "run.json": "{}", "a/empty": "", [long]: "deep", "grün/Größe.txt": "ü" };
    await writeTar(
      archive,
      Object.entries(files).map(([path, text]) => toPack(path, new TextEncoder().encode(text))),
    );
    execFileSync("tar", ["-xf", archive, "-C", folder]);
    for (const [path, text] of Object.entries(files)) {
      assert.equal(readFileSync(join(folder, path), "utf8"), text);
    }
  }));

test(
  "we list and read what the system's tar packs",
  { skip: !hasTar },
  () =>
    withTemporaryFolder(async (folder) => {
      mkdirSync(join(folder, "in"));
      const content = Buffer.alloc(5000, 0xab);
      writeFileSync(join(folder, "in", "one"), content);
      const archive = join(folder, "a.tar");
      execFileSync("tar", ["--format=ustar", "-cf", archive, "-C", folder, "in/one"]);
      assert.deepEqual(await unpacked(archive), { "in/one": content.toString("hex") });
    }),
);

test("any files come back as they were", () =>
  withTemporaryFolder(async (folder) => {
    const archive = join(folder, "a.tar");
    const name = fc.string({ minLength: 1, maxLength: 20, unit: "grapheme-composite" })
      .filter((text) =>
        !/[\\/:\0]/.test(text) && text !== "." && text !== ".." && text.isWellFormed()
      );
    const files = fc.dictionary(
      fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/")),
      fc.uint8Array({ maxLength: 1200 }),
      { maxKeys: 4, noNullPrototype: true },
    );
    await fc.assert(
      fc.asyncProperty(files, async (given) => {
        const all = Object.entries(given);
        await writeTar(archive, all.map(([path, content]) => toPack(path, content)));
        assert.equal(statSync(archive).size % 512, 0);
        const expected = all.map(([path, bytes]) => [path, Buffer.from(bytes).toString("hex")]);
        assert.deepEqual(await unpacked(archive), Object.fromEntries(expected));
      }),
      { numRuns: 30 },
    );
  }));

/** An archive whose one header was changed, its checksum made right again. */
async function altered(change: (header: Uint8Array) => void): Promise<Uint8Array> {
  const one = Stream.fromIterable([Tar.file("run/a.txt", new Uint8Array(4))]);
  const chunks = await Effect.runPromise(
    Stream.runCollect(Stream.pipeThroughChannel(one, Tar.encode())),
  );
  const archive = Buffer.concat([...chunks]);
  const header = archive.subarray(0, 512);
  change(header);
  header.fill(0x20, 148, 156);
  const sum = header.reduce((all, byte) => all + byte, 0);
  header.set(new TextEncoder().encode(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
  return archive;
}
const named = (path: string) => (header: Uint8Array) => {
  header.fill(0, 0, 100);
  header.set(new TextEncoder().encode(path));
};

const attacks: Record<string, (header: Uint8Array) => void> = {
  "a path upwards": named("../../etc/passwd"),
  "a path upwards in the middle": named("run/../../x"),
  "an absolute path": named("/etc/passwd"),
  "a path with backslashes": named("..\\..\\x"),
  "a drive": named("C:x"),
  "a path upwards in the prefix": (header) => header.set(new TextEncoder().encode(".."), 345),
  "a symbolic link": (header) => header[156] = "2".charCodeAt(0),
  "a hard link": (header) => header[156] = "1".charCodeAt(0),
  "a device": (header) => header[156] = "3".charCodeAt(0),
  "a size beyond the end": (header) => header.set(new TextEncoder().encode("77777777777"), 124),
};

for (const [name, change] of Object.entries(attacks)) {
  test(`refused: ${name}`, () =>
    withTemporaryFolder(async (folder) => {
      const archive = join(folder, "a.tar");
      writeFileSync(archive, await altered(() => {}));
      assert.deepEqual(await unpacked(archive), { "run/a.txt": "00000000" });
      writeFileSync(archive, await altered(change));
      await assert.rejects(unpacked(archive), ArchiveFault);
    }));
}

test("refused: cut short anywhere, and other files", () =>
  withTemporaryFolder(async (folder) => {
    const archive = join(folder, "a.tar");
    const content = new Uint8Array(700).fill(1);
    await writeTar(archive, [toPack("one", content), toPack("two", content)]);
    const whole = readFileSync(archive);
    for (const length of [0, 100, 512, 1100, 1536, 2100, 3000, whole.length - 1024]) {
      writeFileSync(archive, whole);
      truncateSync(archive, length);
      await assert.rejects(unpacked(archive), ArchiveFault, `cut to ${length}`);
    }
    writeFileSync(archive, "PK\x03\x04".padEnd(2000, "zip"));
    await assert.rejects(unpacked(archive), ArchiveFault);
    await assert.rejects(unpacked(join(folder, "missing.tar")), ArchiveFault);
  }));

test("refused: one file twice, and a path that leaves its folder", () =>
  withTemporaryFolder(async (folder) => {
    const content = new Uint8Array(4);
    const archive = join(folder, "a.tar");
    await writeTar(archive, [toPack("one", content), toPack("one", content)]);
    await assert.rejects(unpacked(archive), ArchiveFault);
    await assert.rejects(writeTar(archive, [toPack("../one", content)]), ArchiveFault);
  }));

test("a path of 300 bytes goes both ways, by the system's tar too", () =>
  withTemporaryFolder(async (folder) => {
    const archive = join(folder, "a.tar");
    const path = `${"d".repeat(150)}/${"e".repeat(149)}`;
    await writeTar(archive, [toPack(path, new TextEncoder().encode("far down"))]);
    assert.deepEqual(Object.keys(await unpacked(archive)), [path]);
    if (!hasTar) return;
    mkdirSync(join(folder, "out"));
    execFileSync("tar", ["-xf", archive, "-C", join(folder, "out")]);
    assert.equal(readFileSync(join(folder, "out", path), "utf8"), "far down");
    execFileSync("tar", ["--format=pax", "-cf", archive, "-C", join(folder, "out"), path]);
    assert.deepEqual(Object.keys(await unpacked(archive)), [path]);
  }));

test("a member of 9 GiB goes both ways, a piece at a time", { timeout: 120_000 }, async () => {
  const piece = new Uint8Array(64 << 20);
  const bytes = 9 * 2 ** 30;
  const chunks = function* () {
    for (let left = bytes; left > 0; left -= piece.length) yield piece;
  };
  let counted = 0;
  const members: unknown[] = [];
  const stream = Stream.orDie(
    packed([{ path: "big", bytes, chunks }, toPack("z", piece.slice(0, 9))]),
  );
  await Effect.runPromise(unpackedBytes("big.tar", stream, ({ path, bytes, content }) => {
    members.push([path, bytes]);
    return Stream.runForEach(content, (part) => Effect.sync(() => counted += part.length));
  }));
  assert.deepEqual(members, [["big", bytes], ["z", 9]]);
  assert.equal(counted, bytes + 9);
});

test("a file that changes while it is packed leaves no archive", () =>
  withTemporaryFolder(async (folder) => {
    const archive = join(folder, "a.tar");
    const shrunk = { path: "a", bytes: 10, chunks: () => [new Uint8Array(4)] };
    await assert.rejects(writeTar(archive, [shrunk]), ArchiveFault);
    await assert.rejects(unpacked(archive), /ENOENT|no such file/i);
  }));
