// Addresses of repositories, and names in them, as strangers give them: checked before git sees them, so that none is taken
// for an option, a command or a file of this machine. Pure.

import { accept, type Result, refuse } from "../core/failure.ts";

export interface RepositoryAddress {
  /** What git is given. Without a password. */
  url: string;
  kind: "http" | "ssh" | "file";
  /** As the address has it, with the port; empty for files. */
  host: string;
  /** What git may speak, in the form of GIT_ALLOW_PROTOCOL. */
  protocols: string;
}

/** Submodules may lie behind another of them. */
const network = "https:http:ssh";
const hostForm = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_][A-Za-z0-9._-]*)(:\d{1,5})?$/;
const userForm = /^[A-Za-z0-9_][A-Za-z0-9._~%+-]*$/;

/** `https://`, `http://`, `ssh://` and `user@host:path`; paths of this machine where they are allowed. */
export function parseRepository(text: string, allowFile: boolean): Result<RepositoryAddress> {
  if (text === "" || text.length > 2000 || /[\p{Cc}\s]/u.test(text) || text.startsWith("-")) return bad(text);
  const web = /^(https?|ssh):\/\/(?:([^/@]*)@)?([^/@]+)(\/.*)$/.exec(text);
  if (web !== null) return parseUrl(text, web);
  if (text.startsWith("file://") || text.startsWith("/")) return parseFile(text, allowFile);
  const short = /^(?:([^/@:]+)@)?([^/@:]+):(?!:)(.+)$/.exec(text);
  if (short === null || text.includes("://")) return bad(text);
  const [, user = "git", host = "", path = ""] = short;
  if (!userForm.test(user) || !hostForm.test(host) || path.startsWith("-")) return bad(text);
  return accept({ url: text, kind: "ssh", host, protocols: network });
}

function parseUrl(text: string, [, scheme = "", userInfo, host = "", path = ""]: RegExpExecArray) {
  const [user, password] = (userInfo ?? "").split(/:(.*)/s);
  if (password !== undefined) {
    return refuse(
      "repository-password",
      `the address of the repository at ${host} has a password in it`,
      "give it as the project's credential: addresses are written down and shown",
    );
  }
  if (!hostForm.test(host) || (user !== undefined && user !== "" && !userForm.test(user))) return bad(text);
  const at = user === undefined || user === "" ? "" : `${user}@`;
  const kind = scheme === "ssh" ? ("ssh" as const) : ("http" as const);
  return accept({
    url: `${scheme}://${at}${host}${path}`,
    kind,
    host,
    protocols: network,
  });
}

function parseFile(text: string, allowFile: boolean): Result<RepositoryAddress> {
  if (allowFile) return accept({ url: text, kind: "file", host: "", protocols: `file:${network}` });
  return refuse(
    "repository-file",
    `${text} is a path of the machine that fetches, which is not allowed`,
    "give an https or ssh address; whoever runs the platform can allow paths",
  );
}

function bad(text: string): Result<never> {
  return refuse(
    "repository-address",
    `${JSON.stringify(text.slice(0, 200))} is no address of a git repository`,
    "give https://host/path, ssh://user@host/path or user@host:path",
  );
}

/** A whole name of a commit. */
export function isCommit(text: string): boolean {
  return /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(text);
}

/** `refs/heads/x`, `refs/tags/x` and what else git takes for the full name of a ref. */
export function isRef(text: string): boolean {
  if (!/^refs\/[^/].*[^/.]$/.test(text) || text.length > 500) return false;
  if (/[\p{Cc}\s~^:?*[\\]|\.\.|\/\/|@\{/u.test(text)) return false;
  return !text
    .split("/")
    .some(part => part.startsWith(".") || part.startsWith("-") || part.endsWith(".lock"));
}
