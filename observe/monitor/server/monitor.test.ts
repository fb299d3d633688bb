// The page's server over real sockets: what it gives, what it refuses, and that nothing a request or a
// run's files say lets it read outside a run's folder.
import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { startChild } from "../../../runtime/testing/child.ts";
import { defaultRun } from "../../../tests/synthetic-events.ts";
import { writeSyntheticRun } from "../../../tests/synthetic-run.ts";
import type { ListedRun } from "../../reading/run-list.ts";
import { type Monitor, NotForListening, startMonitor } from "./monitor.ts";

const scratch = mkdtempSync(join(tmpdir(), "gnomic-monitor-"));
const run = { ...defaultRun, steps: 40, totalSteps: 40, validateEvery: 10, pictureSize: 48 };
let monitor: Monitor;
let cookie = "";
let base: URL;
let token = "";

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

const ask = (
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> =>
  new Promise((done, failed) => {
    const { method = "GET", headers = {}, body } = options;
    const asked = request({
      host: "127.0.0.1",
      port: base.port,
      path,
      method,
      headers: { cookie, ...headers },
    }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part) => parts.push(part));
      response.on("end", () =>
        done({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(parts),
        }));
    });
    asked.on("error", failed);
    asked.end(body);
  });

const askJson = async (path: string) => JSON.parse((await ask(path)).body.toString());

const post = (id: string, body: unknown) =>
  ask(`/api/runs/${id}/control`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      origin: `http://127.0.0.1:${base.port}`,
      "x-gnomic-token": token,
    },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

before(async () => {
  await writeSyntheticRun(join(scratch, "runs", "one"), run, "one");
  await writeSyntheticRun(join(scratch, "runs", "deep", "two"), { ...run, seed: 2 }, "two");
  monitor = await startMonitor(join(scratch, "runs"), { port: 0 });
  base = new URL(monitor.address);
  const entered = await ask(base.pathname + base.search);
  assert.equal(entered.status, 303);
  cookie = String(entered.headers["set-cookie"]?.[0]).split(";")[0];
  token = (await askJson("/api/session")).token;
});
after(async () => {
  await monitor.close();
  rmSync(scratch, { recursive: true });
});

test("the page and all that it loads come from here, with a strict policy", async () => {
  const page = await ask("/");
  assert.equal(page.status, 200);
  assert.match(String(page.headers["content-security-policy"]), /^default-src 'self';/);
  assert.match(String(page.headers["content-security-policy"]), /frame-ancestors 'none'/);
  assert.equal(page.headers["x-content-type-options"], "nosniff");
  assert.equal(page.headers["access-control-allow-origin"], undefined);
  const wanted = [...page.body.toString().matchAll(/(?:src|href)="(\/[^"]*)"/g)].map(([, at]) =>
    at
  );
  assert.ok(wanted.length > 5);
  const seen = new Set<string>();
  const load = async (path: string): Promise<void> => {
    if (seen.has(path)) return;
    seen.add(path);
    const file = await ask(path);
    assert.equal(file.status, 200, path);
    if (!path.endsWith(".js")) return;
    assert.match(String(file.headers["content-type"]), /^text\/javascript/);
    for (const [, from] of file.body.toString().matchAll(/^import .*from "([^"]+)"/gm)) {
      await load(new URL(from, new URL(path, base)).pathname);
    }
  };
  for (const path of wanted) await load(path);
  assert.ok([...seen].some((path) => path.endsWith("uPlot.esm.js")));
});

test("without the cookie there is nothing, not even a picture or the page's script", async () => {
  for (
    const path of [
      ...["/", "/main.js", "/api/runs", "/api/session", "/api/runs/one/pictures/0-0-0"],
      ...["/api/sweeps", "/api/sweeps/none"],
    ]
  ) {
    assert.equal((await ask(path, { headers: { cookie: "" } })).status, 401, path);
  }
});

test("a foreign Host or Origin is refused on every kind of route", async () => {
  const routes = ["/", "/api/runs", "/api/runs/one/events", "/api/runs/one/pictures/0-0-0"];
  for (const path of [...routes, "/api/sweeps", "/api/sweeps/none"]) {
    assert.equal((await ask(path, { headers: { host: "evil.example" } })).status, 403, path);
    assert.equal(
      (await ask(path, { headers: { origin: "http://evil.example" } })).status,
      403,
      path,
    );
  }
});

test("runs are found at any depth and described from their events", async () => {
  const runs = await askJson("/api/runs");
  assert.deepEqual(runs.map(({ id }: { id: string }) => id), ["deep~two", "one"]);
  assert.deepEqual(runs.map(({ measuredOn }: ListedRun) => measuredOn?.seed), ["2", "1"]);
  const one = await askJson("/api/runs/one");
  assert.deepEqual(one.measuredOn, runs[1].measuredOn);
  assert.equal(one.state.step, 40);
  assert.equal(one.state.outcome.kind, "finished");
  assert.equal(Object.keys(one.state.validations).length, 5);
  assert.deepEqual(one.state.prompts, run.prompts);
  assert.equal(one.training.length, 4);
  const events = readFileSync(join(scratch, "runs", "one", "events.jsonl"), "utf8").trim()
    .split("\n").map((line) => JSON.parse(line));
  const best = Math.min(
    ...events.filter(({ event }) => event === "fixed-loss").map(({ loss }) => loss),
  );
  assert.equal(one.state.fixedLoss.bestLoss, best);
  const listed = runs[1].state;
  assert.deepEqual(listed.fixedLoss, one.state.fixedLoss);
  const curves = await askJson("/api/runs/one/curves?points=1000&smoothing=0");
  assert.deepEqual(
    curves.series.step.columns.loss.last,
    events.filter(({ event }) => event === "step").map(({ loss }) => loss),
  );
});

test("pictures are given by number, small on request", async () => {
  const picture = await ask("/api/runs/one/pictures/40-1-0?size=4096");
  assert.equal(picture.status, 200);
  assert.equal(picture.headers["content-type"], "image/jpeg");
  const { width, height } = await sharp(picture.body).metadata();
  assert.deepEqual([width, height], [48, 48]);
  assert.equal((await ask("/api/runs/one/pictures/training-3?size=160")).status, 200);
});

test("no address leads out of a run's folder", async () => {
  await writeFile(join(scratch, "secret.txt"), "secret");
  await writeFile(join(scratch, "runs", "one", "secret.txt"), "secret");
  const attempts = [
    "/../secret.txt",
    "/%2e%2e/secret.txt",
    "/main.js/../../secret.txt",
    "/colours.css%00.txt",
    "/api/runs/..%2f..%2fsecret.txt",
    "/api/runs/one%2f..%2ftwo",
    "/api/runs/one/pictures/..%2f..%2fsecret.txt",
    "/api/runs/one/pictures/%2fetc%2fpasswd",
    "/api/runs/one/pictures/secret.txt",
    "/api/runs/one/pictures/40-1-0%2f..%2f..",
    "/api/runs/one/secret.txt",
    "/api/runs/one/run.json",
    "/api/runs/%E0%A4%A",
    "/api/sweeps/..%2f..%2fsecret.txt",
    "/api/sweeps/none/secret.txt",
    "/%",
  ];
  for (const path of attempts) {
    const { status, body } = await ask(path);
    assert.ok(status === 404 || status === 403, `${path}: ${status}`);
    assert.equal(body.includes("secret"), false, path);
  }
});

test("paths in a run's own files cannot lead out of it either", async () => {
  const dir = join(scratch, "runs", "strange");
  await writeSyntheticRun(dir, { ...run, steps: 1, totalSteps: 9 }, "strange");
  await sharp({ create: { width: 8, height: 8, channels: 3, background: "red" } })
    .jpeg().toFile(join(scratch, "outside.jpg"));
  symlinkSync(join(scratch, "outside.jpg"), join(dir, "validation", "link.jpg"));
  await writeFile(join(dir, "validation", "text.jpg"), "no picture");
  const paths = [
    "../../outside.jpg",
    join(scratch, "outside.jpg"),
    "validation/link.jpg",
    "validation/text.jpg",
    "validation/gone.jpg",
    "..",
    "",
  ];
  for (const [i, path] of paths.entries()) {
    const event = { event: "validation-picture", at: 1, step: 5, epoch: 1, prompt: i, image: 0 };
    const line = JSON.stringify({ ...event, text: "x", path, width: 8, height: 8 });
    appendFileSync(join(dir, "events.jsonl"), `${line}\n`);
  }
  mkdirSync(join(dir, "training"), { recursive: true });
  await writeFile(
    join(dir, "training", "pictures.json"),
    JSON.stringify([{ path: "../../../outside.jpg", name: "x", caption: null }]),
  );
  for (const i of paths.keys()) {
    assert.equal((await ask(`/api/runs/strange/pictures/5-${i}-0`)).status, 404, paths[i]);
  }
  assert.equal((await ask("/api/runs/strange/pictures/training-0")).status, 404);
  assert.equal((await ask("/api/runs/strange/pictures/0-0-0")).status, 200);
  const report = (await ask("/api/runs/strange/report.html")).body.toString();
  assert.match(report, /<title>gnome_bruce/);
});

test("a half-written event line is skipped and counted", async () => {
  const dir = join(scratch, "runs", "torn");
  await writeSyntheticRun(dir, { ...run, steps: 3, totalSteps: 9 }, "torn");
  appendFileSync(join(dir, "events.jsonl"), '{"event":"step","at":17,"ste\n');
  const stopped = { event: "run-stopped", at: 1, step: 3, reason: "asked" };
  appendFileSync(join(dir, "events.jsonl"), `${JSON.stringify(stopped)}\n{"event":"no`);
  const torn = await askJson("/api/runs/torn");
  assert.equal(torn.unreadable, 2);
  assert.equal(torn.state.step, 3);
  assert.equal(torn.state.outcome.kind, "stopped");
});

test("live events go on behind the last one that was received", async () => {
  const file = join(scratch, "runs", "one", "events.jsonl");
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  const bytes = (count: number) => Buffer.byteLength(lines.slice(0, count).join("\n")) + 1;
  const receive = (path: string, headers: Record<string, string>, wanted: number) =>
    new Promise<{ id: number; data: unknown }[]>((done, failed) => {
      let text = "";
      const asked = request(
        { host: "127.0.0.1", port: base.port, path, headers: { cookie, ...headers } },
        (response) => {
          response.on("error", () => undefined);
          response.on("data", (part) => {
            text += part;
            const found = [...text.matchAll(/^id: (\d+)\ndata: (.*)\n\n/gm)];
            if (found.length < wanted && !text.includes("event: reset")) return;
            asked.destroy();
            done(found.map(([, id, data]) => ({ id: Number(id), data: JSON.parse(data) })));
          });
        },
      );
      asked.on("error", failed);
      asked.end();
    });
  const from = bytes(lines.length - 4);
  const wanted = lines.slice(-4).map((line) => JSON.parse(line));
  const byQuery = await receive(`/api/runs/one/events?from=${from}`, {}, 4);
  assert.deepEqual(byQuery.map(({ data }) => data), wanted);
  assert.equal(byQuery.at(-1)?.id, bytes(lines.length));
  const byHeader = await receive(
    "/api/runs/one/events?from=0",
    { "last-event-id": String(bytes(lines.length - 2)) },
    2,
  );
  assert.deepEqual(byHeader.map(({ data }) => data), wanted.slice(-2));
  const stale = await receive(`/api/runs/one/events?from=${from + 3}`, {}, 1);
  assert.deepEqual(stale, []);
});

test("actions are refused where no training runs, and when they make no sense", async () => {
  for (const asked of [{ request: "stop" }, { request: "save" }, { request: "validate" }]) {
    const { status, body } = await post("one", asked);
    assert.equal(status, 409);
    assert.match(body.toString(), /no training runs/);
  }
  const senseless = [
    "no json",
    "[]",
    {},
    { request: "format the disk" },
    { request: "validate", prompts: [] },
    { request: "validate", prompts: [" "] },
    { request: "validate", prompts: ["x".repeat(2001)] },
    { request: "validate", prompts: Array.from({ length: 17 }, () => "x") },
    { request: "validate", prompts: "../../etc" },
    { request: "choose", step: "40" },
    "x".repeat(70_000),
  ];
  for (const asked of senseless) assert.equal((await post("one", asked)).status, 400);
  assert.equal((await post("one", { request: "choose", step: 7 })).status, 409);
  assert.equal((await post("none", { request: "stop" })).status, 404);
});

test("a finished run's checkpoint can be marked as chosen", async () => {
  assert.equal((await post("deep~two", { request: "choose", step: 30 })).status, 202);
  const { state } = await askJson("/api/runs/deep~two");
  assert.equal(state.chosen.step, 30);
  assert.match(state.chosen.path, /step_00000030\.safetensors$/);
});

test("a running training gets what was asked through its control file, prompts as data", async () => {
  const dir = join(scratch, "runs", "busy");
  await writeSyntheticRun(dir, { ...run, steps: 3, totalSteps: 9 }, "busy");
  const holder = fileURLToPath(new URL("../../../runtime/testing/hold-lock.ts", import.meta.url));
  const child = startChild(holder, [dir]);
  try {
    await child.line("locked");
    assert.equal((await askJson("/api/runs/busy")).alive, true);
    const prompts = ["../../etc/passwd", "<script>alert(1)</script>", '";\n{"request":"stop"}'];
    assert.equal((await post("busy", { request: "validate", prompts })).status, 202);
    assert.equal((await post("busy", { request: "save" })).status, 202);
    const asked = readFileSync(join(dir, "control.jsonl"), "utf8").trim().split("\n")
      .map((line) => JSON.parse(line).ask);
    assert.deepEqual(asked, [{ request: "validate", prompts }, { request: "save" }]);
  } finally {
    child.process.kill("SIGKILL");
    await child.ended;
  }
  assert.equal((await askJson("/api/runs/busy")).alive, false);
});

test("a port in use is passed over, and that is said", async () => {
  const taken = createServer();
  await new Promise<void>((done) => taken.listen(0, "127.0.0.1", done));
  const { port } = taken.address() as { port: number };
  const other = await startMonitor(scratch, { port });
  try {
    assert.ok(other.port > port);
    assert.equal(other.otherPort, true);
    assert.equal(monitor.otherPort, false);
  } finally {
    await other.close();
    await new Promise((done) => taken.close(done));
  }
});

test("an address that is not this machine's, or none at all, is the user's fault", async () => {
  for (const host of ["203.0.113.7", "no such name"]) {
    await assert.rejects(
      startMonitor(scratch, { host, port: 0 }),
      (error: unknown) =>
        error instanceof NotForListening && error.kind === "user" &&
        error.message.startsWith(`--host: wanted an address of this machine, found ${host} (`),
    );
  }
});

test("who begins a request and says no more is sent away, under either runtime", {
  timeout: 60_000,
}, async () => {
  const socket = connect(Number(base.port), "127.0.0.1");
  const answered = new Promise<string>((done) => {
    let text = "";
    socket.on("data", (part) => text += String(part));
    socket.on("error", () => undefined);
    socket.on("close", () => done(text));
  });
  socket.write("GET / HTTP/1.1\r\nHost: x\r\n");
  assert.match(await answered, /^(?:HTTP\/1\.1 408|$)/);
});
