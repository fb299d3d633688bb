// For tests: a hub that has one SDXL model, an empty cache, and resolveModel bound to both; all of it is
// gone afterwards.
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { hubTools } from "../hub-client.ts";
import { type HubSettings, hubSettings } from "../hub-settings.ts";
import { type ResolvedModel, resolveModel } from "../resolve-model.ts";
import { type FakeHub, fakeHub, type FakeRepository } from "./fake-hub.ts";
import { fakeSdxl } from "./fake-sdxl.ts";

export const id = "org/sdxl";
export const tools = { ...hubTools, sleep: () => Promise.resolve() };

export interface HubFixture {
  readonly server: FakeHub;
  readonly settings: HubSettings;
  readonly resolve: (
    name: string,
    options?: Parameters<typeof resolveModel>[1],
  ) => Promise<ResolvedModel>;
}

export async function fixture(
  run: (fixture: HubFixture) => Promise<void>,
  repositories: Record<string, FakeRepository> = {},
  env: Record<string, string> = {},
): Promise<void> {
  const cacheDir = await mkdtemp(join(tmpdir(), "gnomic-hub-"));
  const server = await fakeHub({ [id]: { files: fakeSdxl(), tags: ["v1"] }, ...repositories });
  const settings = hubSettings({
    HF_HUB_CACHE: cacheDir,
    HF_HOME: cacheDir,
    HF_ENDPOINT: server.endpoint,
    ...env,
  });
  try {
    await run({
      server,
      settings,
      resolve: (name, options) => resolveModel(name, { settings, tools, ...options }),
    });
  } finally {
    await server.close();
    await rm(cacheDir, { recursive: true });
  }
}

/** Files below a folder, links followed. */
export const filesBelow = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
    .sort();
