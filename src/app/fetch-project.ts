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
  const place = placeOf(url);
  if (place === undefined) return refuse("usage", `target '${shownUrl(url)}' is no URL`);
  const projects = path.join(workingDir, "projects");
  await mkdir(projects, { recursive: true });
  const fresh = await mkdtemp(path.join(projects, ".fetching-"));
  try {
    const body = await download(place, signal);
    if (!body.ok) return body;
    const unpacked = await unpackTarball(fresh, body.value, { maxTotalBytes: mostBytes, signal });
    if (!unpacked.ok) {
      return refuse(
        "target-tarball",
        `${place.shown}: ${unpacked.refusal.message}`,
        "the URL must lead to a tar or tar.gz file",
      );
    }
    const target = path.join(projects, nameOf(place.shown));
    await rm(target, { recursive: true, force: true });
    await rename(fresh, target);
    return accept(target);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

interface Place {
  url: string;
  headers: Record<string, string>;
  /** Without user, password and query, for messages. */
  shown: string;
}

/** User and password go where they belong: into a header, and into no message. */
function placeOf(text: string): Place | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const login = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  url.username = "";
  url.password = "";
  const headers =
    login === ":" ? undefined : { authorization: `Basic ${Buffer.from(login).toString("base64")}` };
  return { url: url.href, headers: headers ?? {}, shown: shownUrl(url.href) };
}

/** A query may hold a token. */
function shownUrl(url: string): string {
  return url.replace(/\?.*$/s, "").replace(/\/\/[^/]*@/, "//");
}

async function download(
  { url, headers, shown }: Place,
  signal: AbortSignal,
): Promise<Result<AsyncIterable<Uint8Array>>> {
  let answer: Response;
  try {
    answer = await fetch(url, { headers, signal });
  } catch (error) {
    signal.throwIfAborted();
    throw new SlipwayError("target-unreachable", `cannot fetch ${shown}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  if (answer.ok && answer.body !== null) return accept(answer.body as AsyncIterable<Uint8Array>);
  const said = `${shown} answers ${answer.status} ${answer.statusText}`.trim();
  if (answer.status >= 500) throw new SlipwayError("target-unreachable", said);
  return refuse("target-tarball", said, "check the URL; a private one needs a token in it");
}

/** The last word of the URL's path, as a directory's name. */
function nameOf(url: string): string {
  const last = new URL(url).pathname.split("/").findLast(part => part !== "") ?? "project";
  const plain = last.replace(/\.(tar(\.\w+)?|tgz|zip)$/i, "").replace(/[^\w.-]/g, "-");
  return /^\.*$/.test(plain) ? "project" : plain;
}
