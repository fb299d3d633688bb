// What a hub's "no" means: its X-Error-Code says more than the status, and a bare 401 may mean a missing
// repository, a private one or a bad token, so each text covers what it may be and says how to get in.
import type { Fault } from "../lib/fault.ts";
import {
  HubAccessFault,
  HubFileNotFound,
  HubUnreachable,
  plainAddress,
  RepositoryNotFound,
  RevisionNotFound,
} from "./hub-fault.ts";
import type { HubSettings } from "./hub-settings.ts";
import type { Repository } from "./repo-name.ts";

/** What a request is about, for the texts of its faults. */
export interface About {
  readonly repo: Repository;
  readonly revision?: string;
  readonly path?: string;
}

/** The fault for an answer that trying again will not change. */
export function refusal(
  settings: HubSettings,
  { status, headers }: Response,
  url: URL,
  about: About,
): Fault {
  const { id, type } = about.repo;
  const { endpoint, token } = settings;
  const page = `${endpoint}/${type === "dataset" ? "datasets/" : ""}${id}`;
  const code = headers.get("X-Error-Code");
  const login = `make a token with read access at ${endpoint}/settings/tokens and set HF_TOKEN ` +
    "(or run `hf auth login`)";
  if (code === "GatedRepo") {
    return new HubAccessFault({
      key: id,
      wanted: `to read ${id}, which is gated`,
      found: token === undefined ? "no token" : "a token whose account has not been let in",
      fix: token === undefined
        ? `Accept its conditions at ${page}, then ${login}.`
        : `Accept its conditions at ${page} with the account of the token; some owners let people in by hand.`,
    });
  }
  if (code === "RevisionNotFound") {
    return new RevisionNotFound({
      key: id,
      wanted: `revision ${about.revision} of ${id}`,
      found: "no such branch, tag or commit",
      fix: `See ${page}/tree/main.`,
    });
  }
  if (code === "EntryNotFound" || (status === 404 && code === null && about.path !== undefined)) {
    return new HubFileNotFound({
      key: id,
      wanted: `${about.path} in ${id} at ${about.revision}`,
      found: "no such file",
      fix: `See ${page}/tree/${about.revision}.`,
    });
  }
  if (status === 401 && token !== undefined && code !== "RepoNotFound") {
    return new HubAccessFault({
      key: id,
      wanted: `to read ${id}`,
      found: "a token that the hub does not know (401)",
      fix: `The token may have expired: ${login}, or unset HF_TOKEN if the repository is public.`,
    });
  }
  if (status === 403) {
    return new HubAccessFault({
      key: id,
      wanted: `to read ${id}`,
      found: "the hub's refusal (403)",
      fix: token === undefined
        ? `If it is private or gated: ${login}.`
        : `Give the token read access to ${id} at ${endpoint}/settings/tokens.`,
    });
  }
  if (status === 401 || status === 404) {
    return new RepositoryNotFound({
      key: id,
      wanted: `the ${type} ${id} on ${url.host}`,
      found: token === undefined
        ? "none that is public (without a token the hub does not tell private ones from missing ones)"
        : "none that this token may see",
      fix: `Check the spelling${
        token === undefined ? `; if it is private or gated, ${login}` : ""
      }.`,
    });
  }
  return new HubUnreachable({
    wanted: `an answer from ${plainAddress(url)}`,
    found: `status ${status}`,
    fix: "Check HF_ENDPOINT and any proxy.",
  });
}
