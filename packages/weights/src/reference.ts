import { LongtabError } from "@longtab/errors";
import type { WeightsRequest } from "./contract.ts";

export const HUB_BASE = "https://huggingface.co";

/** A file on the hub; `path` may lie in folders. Names are as people write them, not URL-encoded. */
export interface HubFile {
  owner: string;
  repo: string;
  revision: string;
  path: string;
}

export interface ReferenceOptions {
  /** Another hub of the same shape: a mirror, an on-premises hub, a test's. */
  hubBase?: string;
}

/** The hub's own rule for owners and repositories; it also keeps "." and ".." out. */
const HUB_NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,95}$/;
const LONGEST_REFERENCE = 2048;
/* eslint-disable-next-line no-control-regex -- control characters are what is looked for */
const CONTROL = /[\u0000-\u001f\u007f]/;

/**
 * What a person types to name a model: "hf:owner/repo/file.gguf", "hf:owner/repo@revision/folder/file.gguf", the address of a file's
 * page on the hub, or any URL. One file has one id, however it is named.
 * @throws `invalid-option`
 */
export function parseModelReference(reference: string, { hubBase = HUB_BASE }: ReferenceOptions = {}): WeightsRequest {
  const text = reference.trim();
  if (text.length > LONGEST_REFERENCE) throw invalid("The model reference is too long", text.length, LONGEST_REFERENCE);
  if (CONTROL.test(text)) throw invalid("The model reference contains control characters", JSON.stringify(text.slice(0, 100)));
  const file = text.startsWith("hf:") ? parseHubId(text) : hubFileOf(text, hubBase);
  return file === undefined ? requestOfUrl(text) : requestOfHubFile(file, hubBase);
}

/** The hub's file that a URL names ("…/owner/repo/resolve/revision/path", or "blob" as in the address bar), if it is one. */
export function hubFileOf(url: string, hubBase: string = HUB_BASE): HubFile | undefined {
  const base = `${hubBase.replace(/\/$/, "")}/`;
  if (!url.startsWith(base)) return undefined;
  const [owner, repo, verb, revision, ...path] = url
    .slice(base.length)
    .replace(/[?#].*$/, "")
    .split("/")
    .map(decode);
  if (owner === undefined || repo === undefined || revision === undefined || path.length === 0) return undefined;
  return verb === "resolve" || verb === "blob" ? { owner, repo, revision, path: path.join("/") } : undefined;
}

export function hubUrl({ owner, repo, revision, path }: HubFile, hubBase: string = HUB_BASE): string {
  return `${hubBase.replace(/\/$/, "")}/${owner}/${repo}/resolve/${encodeURIComponent(revision)}/${path.split("/").map(encodeURIComponent).join("/")}`;
}

function parseHubId(text: string): HubFile {
  const [owner = "", repoAtRevision = "", ...path] = text.slice("hf:".length).split("/");
  const at = repoAtRevision.indexOf("@");
  const repo = at < 0 ? repoAtRevision : repoAtRevision.slice(0, at);
  const revision = at < 0 ? "main" : decode(repoAtRevision.slice(at + 1));
  return { owner, repo, revision, path: path.join("/") };
}

function requestOfHubFile(file: HubFile, hubBase: string): WeightsRequest {
  const { owner, repo, revision, path } = file;
  const segments = path.split("/");
  const sound = HUB_NAME.test(owner) && HUB_NAME.test(repo) && revision.length > 0 && segments.every(isFileName);
  if (!sound) throw invalid("The hub id does not name a file", `hf:${owner}/${repo}/${path}`);
  const version = revision === "main" ? "" : `@${encodeURIComponent(revision)}`;
  return { id: `hf:${owner}/${repo}${version}/${path}`, name: segments.at(-1) ?? path, urls: [hubUrl(file, hubBase)] };
}

function requestOfUrl(text: string): WeightsRequest {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !["https:", "http:"].includes(url.protocol))
    throw invalid("The model reference is neither a hub id nor a URL", text);
  // fetch refuses such a URL anyway, and the id would show the password.
  if (url.username !== "" || url.password !== "") throw invalid("The model's URL holds a user name or a password", url.host);
  url.hash = "";
  const name = decode(url.pathname.split("/").at(-1) ?? "");
  if (!isFileName(name)) throw invalid("The model's URL does not end in a file name", url.href);
  return { id: url.href, name, urls: [url.href] };
}

function isFileName(name: string): boolean {
  return name !== "" && name !== "." && name !== ".." && !/[\\/]/.test(name) && !CONTROL.test(name);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function invalid(what: string, value: string | number, limit?: number): LongtabError {
  const remedy = 'write "hf:owner/repository/file.gguf" or a URL that begins with https://';
  return new LongtabError({ code: "invalid-option", what, value, remedy, ...(limit === undefined ? {} : { limit }) });
}
