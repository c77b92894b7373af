// Takes a working tree that is sent for a run: a tar archive packed with zstd, as it comes, bounded. It is the sender's
// alone until a run of theirs names it; what no run names goes after a day, with its row.

import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { SlipwayError } from "../../../core/failure.ts";
import { invalid, problem } from "../../../http/problem.ts";
import type { Queryable } from "../../../store/database.ts";
import { streamBody } from "../runner/wire.ts";
import { callerKey } from "./caller.ts";
import type { RunDependencies } from "./dependencies.ts";
import { looksLikePackedTar } from "./packed-tar.ts";
import type { Starting } from "./start-run.ts";

/** Bytes of sources that no run has named yet, of one project. */
const mostWaitingBytes = 20 * 2 ** 30;

export const waitingStatement = `
  select (coalesce((select sum(bytes) from sent_sources join blobs on blobs.key = blob_key
      where project_id = $1 and unnamed_since is not null), 0)
    + coalesce((select sum(bytes) from blobs where key >= $2 and key < $2 || '~'), 0))::bigint as bytes`;

/** Throws a Problem: 413 for too much, 422 for what is no archive, 429 for too much that no run has named. */
export async function keepSource(
  deps: SourceDependencies,
  starting: Starting,
  request: IncomingMessage,
  limits: { maxBytes: number; signal: AbortSignal },
): Promise<KeptSource> {
  const { maxBytes } = limits;
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) throw tooLarge(maxBytes);
  return keepContent(deps, starting, streamBody(request, deps.clock), limits);
}

export type SourceDependencies = Pick<RunDependencies, "db" | "blobs" | "clock" | "random">;

export interface KeptSource {
  source: string;
  bytes: number;
}

/** The same of a source whose bytes are here already. */
export async function keepContent(
  { db, blobs, random }: SourceDependencies,
  { principal, named }: Starting,
  content: AsyncIterable<Uint8Array>,
  { maxBytes, signal }: { maxBytes: number; signal: AbortSignal },
): Promise<KeptSource> {
  const projectId = named.project!.id;
  await refuseTooMany(db, projectId);
  const key = `source/${random()}`;
  const hash = createHash("sha256");
  try {
    const { bytes } = await blobs.put(
      key,
      checked(content, part => hash.update(part)),
      { maxBytes, signal },
    );
    await db.query(
      `with kept as (insert into blobs (key, bytes, sha256) values ($1, $2, $3) returning key)
       insert into sent_sources (blob_key, project_id, person) select key, $4, $5 from kept`,
      [key, bytes, hash.digest(), projectId, callerKey(principal)],
    );
    return { source: key, bytes };
  } catch (error) {
    if (error instanceof SlipwayError && error.code === "blob-too-large") throw tooLarge(maxBytes);
    throw error;
  }
}

/** Throws a Problem where a project has too much that no run has named. */
export async function refuseTooMany(db: Queryable, projectId: number): Promise<void> {
  const [waiting] = await db.query<{ bytes: number }>(waitingStatement, [projectId, partsOf(projectId)]);
  if (waiting!.bytes >= mostWaitingBytes) throw tooManyWaiting();
}

/** What keys of a project's parts begin with. */
export function partsOf(projectId: number): string {
  return `upload/${projectId}/`;
}

/** What is needed to see that it is an archive; no more is held. */
const headBytes = 192 * 1024;

async function* checked(
  content: AsyncIterable<Uint8Array>,
  seen: (part: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  let head: Uint8Array[] | undefined = [];
  let held = 0;
  for await (const part of content) {
    seen(part);
    if (head === undefined) {
      yield part;
      continue;
    }
    head.push(part);
    held += part.length;
    if (held < headBytes) continue;
    yield await checkedHead(head);
    head = undefined;
  }
  if (head !== undefined) yield await checkedHead(head);
}

async function checkedHead(parts: Uint8Array[]): Promise<Uint8Array> {
  const head = Buffer.concat(parts);
  if (await looksLikePackedTar(head)) return head;
  throw invalid(
    "not-an-archive",
    "the body is no tar archive packed with zstd",
    "pack it with `tar --zstd`, or let `slipway run --remote` do so",
  );
}

function tooLarge(maxBytes: number) {
  const megabytes = Math.floor(maxBytes / 2 ** 20);
  return problem(
    413,
    "too-large",
    "Too large",
    `the source is over ${megabytes} MiB`,
    "leave out what the run does not need with a `.slipwayignore`",
  );
}

function tooManyWaiting() {
  return problem(
    429,
    "sources-waiting",
    "Too many",
    `${mostWaitingBytes / 2 ** 30} GiB of sources were sent for this project that no run has named`,
    "start runs of them, or wait: each goes after a day",
  );
}
