// The page's own files, read once at the start and served by name from that list: no request turns
// into a path. uPlot comes from its package as it is, since its module has no imports.
// The trap: the page lies at the root of its addresses, so what it imports from above itself is found there.
import { createRequire } from "node:module";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { readBytes, readNames } from "../../../lib/plain-files.ts";

export interface PageFile {
  readonly bytes: Uint8Array;
  readonly type: string;
}

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

const pageFolder = fileURLToPath(new URL("../page", import.meta.url));

/** What page and server read runs with, as paths from the page's folder. */
const shared = [
  ...[
    "curves.js",
    "fold-event.js",
    "measured-alike.js",
    "run-answers.js",
    "run-state.js",
    "run-status.js",
    "smoothing.js",
  ].map((
    name,
  ) => `../../reading/${name}`),
  "../../../inversion/metrics.js",
  "../../../lib/first-few.js",
];

/** From the address's path to the file. */
export async function loadPageFiles(): Promise<ReadonlyMap<string, PageFile>> {
  const packages = createRequire(import.meta.url);
  const sources = [
    ...(await readNames(pageFolder)).map((name) => ({
      address: name === "index.html" ? "/" : `/${name}`,
      path: join(pageFolder, name),
    })),
    ...shared.map((path) => ({
      address: path.replace(/^(\.\.\/)+/, "/"),
      path: join(pageFolder, path),
    })),
    ...["uPlot.esm.js", "uPlot.min.css"].map((name) => ({
      address: `/node_modules/uplot/dist/${name}`,
      path: packages.resolve(`uplot/dist/${name}`),
    })),
  ];
  const files = await Promise.all(
    sources.filter(({ path }) => extname(path) in types).map(async ({ address, path }) =>
      [address, { bytes: await readBytes(path), type: types[extname(path)] }] as const
    ),
  );
  return new Map(files);
}
