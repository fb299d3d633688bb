// Requests as browsers, other sites, other programs and name-rebinding attacks send them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Asked, newGate } from "./request-guard.ts";

const requestGuard = newGate("127.0.0.1", 7373);
const host = "127.0.0.1:7373";
const token = new URL(requestGuard.address).searchParams.get("token") as string;
const cookie = `other=1; gnomic_7373=${token}`;

const verdict = (headers: Asked["headers"], url = "/api/runs", method = "GET") => {
  const checked = requestGuard.check({ method, url, headers });
  return checked.verdict === "refuse" ? checked.status : checked.verdict;
};

test("the address from the terminal lets in and leaves no token behind", () => {
  const checked = requestGuard.check({ method: "GET", url: `/?token=${token}`, headers: { host } });
  assert.equal(checked.verdict, "enter");
  assert.match(
    checked.verdict === "enter" ? checked.cookie : "",
    /^gnomic_7373=\S+; HttpOnly; SameSite=Strict; Path=\/$/,
  );
});

test("whoever has the cookie passes, under each name of this machine", () => {
  for (const name of ["127.0.0.1", "localhost", "[::1]", "LOCALHOST"]) {
    assert.equal(verdict({ host: `${name}:7373`, cookie }), "pass");
  }
  assert.equal(verdict({ host, cookie, origin: `http://${host}` }), "pass");
  assert.equal(verdict({ host, cookie, "sec-fetch-site": "same-origin" }), "pass");
});

test("without the cookie, or with a wrong one, nothing is given", () => {
  assert.equal(verdict({ host }), 401);
  assert.equal(verdict({ host, cookie: "gnomic_7373=guess" }), 401);
  assert.equal(verdict({ host, cookie: `gnomic_7374=${token}` }), 401);
  assert.equal(verdict({ host }, "/?token=guess"), 401);
  assert.equal(verdict({ host }, `/api/runs?token=${token}`), 401);
  assert.equal(verdict({ host, cookie: `gnomic_7373=${newGate("127.0.0.1", 7373).address}` }), 401);
});

test("foreign or missing hosts are refused, with the cookie or not", () => {
  for (
    const foreign of [
      undefined,
      "evil.example:7373",
      "127.0.0.1",
      "127.0.0.1:80",
      "127.0.0.1.evil.example:7373",
      "127.0.0.1:7373.evil.example",
      "192.168.0.10:7373",
      "",
    ]
  ) {
    assert.equal(verdict({ host: foreign, cookie }), 403, String(foreign));
    assert.equal(verdict({ host: foreign, cookie }, `/?token=${token}`), 403, String(foreign));
  }
  assert.equal(verdict({ host, cookie }, "http://evil.example/api/runs"), 403);
  assert.equal(verdict({ host, cookie }, "//evil.example/api/runs"), 403);
});

test("foreign origins and other sites are refused on every route", () => {
  for (
    const origin of ["http://evil.example", "null", "https://127.0.0.1:7373", "http://127.0.0.1"]
  ) {
    assert.equal(verdict({ host, cookie, origin }), 403, origin);
  }
  for (const site of ["cross-site", "same-site"]) {
    const headers = { host, cookie, "sec-fetch-site": site };
    assert.equal(verdict(headers), 403);
    assert.equal(verdict(headers, "/api/runs/x/events"), 403);
  }
});

test("a link to the page may be followed from elsewhere", () => {
  const headers = { host, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" };
  assert.equal(verdict(headers, `/?token=${token}`), "enter");
  assert.equal(verdict(headers, "/"), 401);
  assert.equal(verdict(headers, "/api/runs"), 403);
});

test("an action needs JSON, the exact origin and the action token", () => {
  const good = {
    host,
    cookie,
    origin: `http://${host}`,
    "content-type": "application/json",
    "x-gnomic-token": requestGuard.actionToken,
  };
  const post = (headers: Asked["headers"]) => verdict(headers, "/api/runs/x/control", "POST");
  assert.equal(post(good), "pass");
  assert.equal(post({ ...good, "content-type": "text/plain" }), 403);
  assert.equal(post({ ...good, "content-type": "application/x-www-form-urlencoded" }), 403);
  assert.equal(post({ ...good, origin: undefined }), 403);
  assert.equal(post({ ...good, origin: "http://localhost:7373" }), 403);
  assert.equal(post({ ...good, "x-gnomic-token": undefined }), 403);
  assert.equal(post({ ...good, "x-gnomic-token": token }), 403);
  assert.equal(post({ ...good, cookie: undefined }), 401);
});

test("other methods are refused", () => {
  for (const method of ["PUT", "DELETE", "OPTIONS", "CONNECT"]) {
    assert.equal(verdict({ host, cookie }, "/", method), 405);
  }
});

test("another address is served only when it was asked for", () => {
  const open = newGate("192.168.0.10", 80);
  const ask = (name: string) =>
    open.check({ method: "GET", url: "/", headers: { host: `${name}:80` } });
  assert.deepEqual(ask("192.168.0.11"), { verdict: "refuse", status: 403, why: "foreign host" });
  assert.equal((ask("192.168.0.10") as { status: number }).status, 401);
});
