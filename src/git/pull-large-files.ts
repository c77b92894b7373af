// The content of large files (git-lfs) in a checkout. git-lfs is a program beside git: it has to be told of its own filters,
// since nothing of a user's or machine's configuration is read, and what a repository names as its server is looked at first.

import { accept, type Result, refuse, SlipwayError } from "../core/failure.ts";
import type { GitAccess } from "./git-access.ts";
import { refusalOf } from "./git-failure.ts";

/** Without them git-lfs fetches and leaves the files as they are. */
const filters = [
  "filter.lfs.clean=git-lfs clean -- %f",
  "filter.lfs.smudge=git-lfs smudge -- %f",
  "filter.lfs.process=git-lfs filter-process",
  "filter.lfs.required=true",
].flatMap(setting => ["-c", setting]);

/** Name and password, for each of the files that are fetched side by side. */
const mostAnswers = 40;

/**
 * Puts the content in place of what stands for it. Refuses what the server refuses or does not have (`git-auth`, `git-lfs`),
 * and a server that may not be reached from here (`git-protocol`). Throws SlipwayError `git-lfs-missing`.
 */
export async function pullLargeFiles(
  access: GitAccess,
  directory: string,
  signal: AbortSignal,
): Promise<Result<void>> {
  const run = (...args: string[]) =>
    access.run([...filters, ...args], { cwd: directory, signal, mostAnswers });
  const about = await run("lfs", "env");
  if (about.status !== 0) {
    throw new SlipwayError(
      "git-lfs-missing",
      "the checkout wants large files, and git-lfs is not installed",
      {
        hint: "install git-lfs where the runner runs, or take `lfs` out of `checkout`",
      },
    );
  }
  const what = `large files of ${access.address.url}`;
  for (const server of serversIn(about.stdout.toString("utf8"))) {
    if (mayBeReached(server, access)) continue;
    const message = `${what}: the repository's .lfsconfig names ${server.slice(0, 200)} as their server`;
    return refuse("git-protocol", message, "only https and ssh are allowed here");
  }
  const output = await run("lfs", "pull");
  if (output.status === 0) return accept(undefined);
  const oid = /\[([0-9a-f]{64})\].*(?:does not exist|not found|\[404\])/i.exec(output.stderr)?.[1];
  if (oid === undefined) return { ok: false, refusal: refusalOf(output, what) };
  const listed = await run("lfs", "ls-files", "--long");
  const file = fileOf(listed.stdout.toString("utf8"), oid) ?? oid;
  const message = `${what}: the server does not have the content of ${file}`;
  return refuse("git-lfs", message, "push it from where it is: git lfs push --all origin");
}

/** `OID * path`, of what is there, or `OID - path`. */
function fileOf(listing: string, oid: string): string | undefined {
  const line = listing.split("\n").find(each => each.startsWith(`${oid} `));
  return line?.slice(oid.length + 3).slice(0, 200);
}

/** `Endpoint=https://... (auth=none)`, one for each remote. */
function serversIn(listing: string): string[] {
  return [...listing.matchAll(/^Endpoint(?: \(.*?\))?=(\S+)/gm)].map(([, server]) => server ?? "");
}

/** Files of this machine only where the repository itself may be one. */
function mayBeReached(server: string, { address }: GitAccess): boolean {
  const protocol = /^([a-z][a-z0-9+.-]*):\/\//i.exec(server)?.[1]?.toLowerCase();
  const allowed = address.protocols.split(":");
  if (protocol === undefined) return allowed.includes("file") || /^[\w.-]+@[\w.-]+:/.test(server);
  return allowed.includes(protocol) || protocol === "https" || protocol === "ssh";
}
