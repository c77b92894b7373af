// A project that is given as the URL of a tarball: downloaded and unpacked below the working directory.

import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import path from "node:path";
import { accept, messageOf, type Result, refuse, SlipwayError } from "../core/failure.ts";
import { unpackTarball } from "../lib/tar/unpack-tarball.ts";

/** More than this is no source tree. */
const mostBytes = 5 * 2 ** 30;

/** The directory that the tarball was unpacked into. An earlier download of the same name is replaced. */
export async function fetchProject(
  url: string,
  workingDir: string,
  signal: AbortSignal,
): Promise<Result<string>> {
  const projects = path.join(workingDir, "projects");
  await mkdir(projects, { recursive: true });
  const fresh = await mkdtemp(path.join(projects, ".fetching-"));
  try {
    const body = await download(url, signal);
    if (!body.ok) return body;
    const unpacked = await unpackTarball(fresh, body.value, { maxTotalBytes: mostBytes, signal });
    if (!unpacked.ok) {
      return refuse(
        "target-tarball",
        `${url}: ${unpacked.refusal.message}`,
        "the URL must lead to a tar or tar.gz file",
      );
    }
    const target = path.join(projects, nameOf(url));
    await rm(target, { recursive: true, force: true });
    await rename(fresh, target);
    return accept(target);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

async function download(url: string, signal: AbortSignal): Promise<Result<AsyncIterable<Uint8Array>>> {
  let answer: Response;
  try {
    answer = await fetch(url, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw new SlipwayError("target-unreachable", `cannot fetch ${url}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  if (answer.ok && answer.body !== null) return accept(answer.body as AsyncIterable<Uint8Array>);
  const said = `${url} answers ${answer.status} ${answer.statusText}`.trim();
  if (answer.status >= 500) throw new SlipwayError("target-unreachable", said);
  return refuse("target-tarball", said, "check the URL; a private one needs a token in it");
}

/** The last word of the URL's path, as a directory's name. */
function nameOf(url: string): string {
  const last = new URL(url).pathname.split("/").findLast(part => part !== "") ?? "project";
  const plain = last.replace(/\.(tar(\.\w+)?|tgz|zip)$/i, "").replace(/[^\w.-]/g, "-");
  return /^\.*$/.test(plain) ? "project" : plain;
}
