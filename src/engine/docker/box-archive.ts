// Files of the box through the daemon's archive calls, with the differences between daemons and the refusals that
// are the image's or the disk's doing.

import { posix } from "node:path";
import { accept, type Result, refuse } from "../../core/failure.ts";
import { type DaemonCall, type DaemonClient, DaemonError } from "./daemon-client.ts";

export interface ArchivePlace {
  client: DaemonClient;
  /** The container. */
  id: string;
  /** For messages. */
  shownImage: string;
}

/** Unpacks below the directory `at`; owners are those of the archive. */
export async function putArchive(
  place: ArchivePlace,
  archive: AsyncIterable<Uint8Array>,
  at: string,
  signal: AbortSignal,
): Promise<Result<void>> {
  try {
    await place.client.call({
      method: "PUT",
      path: `/containers/${place.id}/archive`,
      query: { path: at, copyUIDGID: false },
      upload: archive,
      signal,
    });
    return accept(undefined);
  } catch (error) {
    if (!(error instanceof DaemonError)) throw error;
    return putRefusal(error, at, place.shownImage);
  }
}

function putRefusal(error: DaemonError, at: string, image: string): Result<void> {
  const { text } = error;
  if (/no space left on device|disk quota exceeded/i.test(text)) {
    return refuse(
      "no-space",
      `there is no space left for files at ${at} of the box: ${text}`,
      "make room where the container daemon keeps its data (docker system df), or give the volume more",
    );
  }
  if (/read-only/i.test(text)) {
    return refuse(
      "read-only-root",
      `the box cannot take files at ${at}: its root file system is read-only`,
      `image ${image} has to run with a writable root, or with a writable volume at ${at}`,
    );
  }
  if (error.status === 404 || /not a directory|no such file/i.test(text)) {
    return refuse(
      "no-such-directory",
      `the box has no directory ${at} to put files into: ${text}`,
      "a step may have removed it",
    );
  }
  throw error;
}

/** A tar stream of what lies at `path`; a link comes as a link. Undefined where nothing is. */
export async function getArchive(
  place: ArchivePlace,
  path: string,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array> | undefined> {
  const { client } = place;
  if (client.info.product === "podman") {
    const link = await linkAt(place, path, signal);
    if (link !== undefined) return link;
  }
  try {
    return (await client.open(archiveCall(place, "GET", path, signal))).body;
  } catch (error) {
    if (isNothing(error)) return undefined;
    throw error;
  }
}

function archiveCall(
  place: ArchivePlace,
  method: "GET" | "HEAD",
  path: string,
  signal: AbortSignal,
): DaemonCall {
  return { method, path: `/containers/${place.id}/archive`, query: { path }, signal };
}

/** A path below a file is as little there as one that does not exist. */
function isNothing(error: unknown): boolean {
  if (!(error instanceof DaemonError)) return false;
  return error.status === 404 || /not a directory|no such file/i.test(error.text);
}

/** The bit of a symbolic link in the mode that the stat header carries. */
const linkMode = 0x800_0000;

/** Podman follows a link where Docker gives the link itself: look first, and fetch the link from its directory. */
async function linkAt(
  place: ArchivePlace,
  path: string,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array> | undefined> {
  const stat = await statOf(place, path, signal);
  if (stat === undefined || (stat.mode & linkMode) === 0) return undefined;
  const target = (await targetIn(place, path, signal)) ?? stat.linkTarget;
  const { pack } = await import("tar-stream");
  const archive = pack();
  archive.entry({ name: posix.basename(path), type: "symlink", linkname: target, mode: 0o777 });
  archive.finalize();
  return archive as AsyncIterable<unknown> as AsyncIterable<Uint8Array>;
}

interface PathStat {
  mode: number;
  /** Resolved: not what the link itself says. */
  linkTarget: string;
}

async function statOf(place: ArchivePlace, path: string, signal: AbortSignal): Promise<PathStat | undefined> {
  let headers: Record<string, unknown>;
  try {
    headers = (await place.client.open(archiveCall(place, "HEAD", path, signal))).headers;
  } catch (error) {
    if (!isNothing(error)) throw error;
    // A link that leads nowhere is not found, and described all the same.
    headers = (error as DaemonError).headers;
  }
  const text = headers["x-docker-container-path-stat"];
  if (typeof text !== "string") return undefined;
  const { mode, linkTarget } = JSON.parse(Buffer.from(text, "base64").toString("utf8")) as Partial<PathStat>;
  return { mode: Number(mode ?? 0), linkTarget: String(linkTarget ?? "") };
}

/** So much of the link's directory is read for the link's own words; beyond it the resolved target serves. */
const readLimit = 64 * 1024 * 1024;

async function targetIn(place: ArchivePlace, path: string, signal: AbortSignal): Promise<string | undefined> {
  const { extract } = await import("tar-stream");
  const directory = posix.dirname(path);
  const name = posix.basename(path);
  const answer = await place.client.open(archiveCall(place, "GET", directory, signal));
  const reader = extract();
  let target: string | undefined;
  let read = 0;
  reader.on("entry", (header, content, next) => {
    const parts = header.name.split("/").filter(part => part !== "" && part !== ".");
    // The directory's own name comes first, but for the root's.
    const own = parts.at(-1) === name && parts.length === (directory === "/" ? 1 : 2);
    if (own && header.type === "symlink") target = header.linkname ?? undefined;
    content.resume();
    content.on("end", next);
  });
  for await (const chunk of answer.body) {
    read += chunk.length;
    reader.write(Buffer.from(chunk));
    if (target !== undefined || read > readLimit) break;
    // The reader tells of entries a turn later.
    await new Promise(resolve => setImmediate(resolve));
  }
  reader.destroy();
  return target;
}
