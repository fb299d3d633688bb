// Who may do what in the database of a fleet, and what commands say when they may not: no tables yet, tables
// of a newer version, no right, no TLS, a file that others can read. Run by `deno task test:fleet`.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { gnomic } from "../end-to-end/project.ts";
import { fleetTests, type Postgres, startPostgres } from "./postgres.ts";

const postgres: Postgres | null = fleetTests.skip === false
  ? await startPostgres({ bare: true })
  : null;
after(() => postgres?.remove());

const list = (folder: string, address: string, ...more: string[]) =>
  gnomic(["sweep", "list", "--output", folder, ...more], { env: { GNOMIC_FLEET: address } });

const oneLine = (stderr: string, wanted: RegExp) => {
  assert.match(stderr, wanted);
  assert.equal(stderr.trim().split("\n").length, 1, stderr);
  assert.doesNotMatch(stderr, /gnome@|:gnome/);
};

test(
  "tables are the owner's; workers have their rows and nothing else",
  fleetTests,
  () =>
    withTemporaryFolder(async (folder) => {
      const { address, owner, sql } = postgres!;
      const none = await list(folder, address);
      assert.equal(none.code, 2);
      oneLine(none.stderr, /fleet migrate/);
      // A worker's role cannot make them.
      const refused = await gnomic(["fleet", "migrate"], { env: { GNOMIC_FLEET: address } });
      assert.equal(refused.code, 3);
      oneLine(refused.stderr, /permission denied/);

      const migrate = () =>
        gnomic(["fleet", "migrate", "--grant", "worker"], { env: { GNOMIC_FLEET: owner } });
      const made = await migrate();
      assert.equal(made.code, 0, made.stderr);
      assert.match(made.stdout, /Made: .*workers/);
      assert.match((await migrate()).stdout, /up to date/);
      assert.match((await list(folder, address)).stdout, /no sweeps/);

      const may = (what: string) =>
        sql(`SELECT has_table_privilege('worker', 'gnomic_runs', '${what}')`).trim();
      assert.deepEqual(
        ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"].map(may),
        ["t", "t", "t", "t", "f", "f", "f"],
      );
      assert.equal(sql("SELECT has_schema_privilege('worker', 'public', 'CREATE')").trim(), "f");

      sql("INSERT INTO gnomic_migrations (migration_id, name) VALUES (999, 'of_tomorrow')");
      const newer = await list(folder, address);
      assert.equal(newer.code, 2);
      oneLine(newer.stderr, /newer.*999/);
      const back = await migrate();
      assert.equal(back.code, 2, "a newer version's tables are left alone");
      sql("DELETE FROM gnomic_migrations WHERE migration_id = 999");
      sql("REVOKE ALL ON gnomic_sweeps FROM worker");
      const denied = await list(folder, address);
      assert.equal(denied.code, 3);
      oneLine(denied.stderr, /permission denied/);
      sql("GRANT ALL ON gnomic_sweeps TO worker");
    }),
);

test(
  "the address comes from a file that only its owner reads, never from the command line",
  fleetTests,
  () =>
    withTemporaryFolder(async (folder) => {
      const { address } = postgres!;
      const file = join(folder, "fleet.url");
      writeFileSync(file, `${address}\n`);
      chmodSync(file, 0o644);
      const open = await list(folder, "", "--fleet", file);
      assert.equal(open.code, 2);
      oneLine(open.stderr, /mode 644.*chmod 600/);
      chmodSync(file, 0o600);
      assert.match((await list(folder, "", "--fleet", file)).stdout, /no sweeps/);
      assert.match(
        (await list(folder, file)).stdout,
        /no sweeps/,
        "GNOMIC_FLEET may name the file",
      );
      const shown = await list(folder, "", "--fleet", address);
      assert.equal(shown.code, 2);
      oneLine(shown.stderr, /everybody on this machine can see/);
    }),
);

test(
  "TLS: verified where it is asked for, and not given up",
  fleetTests,
  () =>
    withTemporaryFolder(async (folder) => {
      const { address } = postgres!;
      const plain = await list(folder, `${address}?sslmode=verify-full`);
      assert.equal(plain.code, 3);
      oneLine(plain.stderr, /TLS/);
      const far = address.replace("127.0.0.1", "192.0.2.1");
      const refused = await list(folder, `${far}?sslmode=disable`);
      assert.equal(refused.code, 2);
      oneLine(refused.stderr, /--insecure/);

      const [key, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
      const made = spawnSync("openssl", [
        ...[
          "req",
          "-x509",
          "-newkey",
          "rsa:2048",
          "-nodes",
          "-days",
          "2",
          "-subj",
          "/CN=localhost",
        ],
        ...["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
        ...["-keyout", key, "-out", certificate],
      ], { encoding: "utf8" });
      assert.equal(made.status, 0, made.stderr);
      const secured = await startPostgres({
        certificate: {
          key: readFileSync(key, "utf8"),
          certificate: readFileSync(certificate, "utf8"),
        },
      });
      try {
        const unknown = await list(folder, `${secured.address}?sslmode=verify-full`);
        assert.equal(unknown.code, 3);
        oneLine(unknown.stderr, /self.signed/i);
        const known = await list(
          folder,
          `${secured.address}?sslmode=verify-full&sslrootcert=${encodeURIComponent(certificate)}`,
        );
        assert.match(known.stdout, /no sweeps/, known.stderr);
      } finally {
        secured.remove();
      }
    }),
);
