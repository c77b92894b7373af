// A working tree that is sent in parts, since proxies that nobody has told otherwise let no larger bodies through. Parts are
// blobs that nothing names: what is never put together goes after a day.

import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { SlipwayError } from "../../../core/failure.ts";
import { sendSourcePart } from "../../../endpoints/sources.ts";
import { problem } from "../../../http/problem.ts";
import { streamBody } from "../runner/wire.ts";
import { callerKey } from "./caller.ts";
import {
  type KeptSource,
  keepContent,
  partsOf,
  refuseTooMany,
  type SourceDependencies,
} from "./keep-source.ts";
import type { Starting } from "./start-run.ts";

const partBytes = sendSourcePart.maxBytes ?? 2 ** 20;
const partStatement = `
  insert into blobs (key, bytes, sha256) values ($1, $2, $3)
  on conflict (key) do update set bytes = excluded.bytes, sha256 = excluded.sha256, unnamed_since = now()`;
const presentStatement = "select key from blobs where key = any($1)";

/** Keeps one part. The same part again replaces it. */
export async function keepPart(
  { db, blobs, clock }: SourceDependencies,
  starting: Starting,
  { upload, part }: { upload: string; part: string },
  { request, signal }: { request: IncomingMessage; signal: AbortSignal },
): Promise<{ bytes: number }> {
  await refuseTooMany(db, starting.named.project!.id);
  const hash = createHash("sha256");
  const key = keyOf(starting, upload, Number(part));
  const content = (async function* () {
    for await (const piece of streamBody(request, clock)) {
      hash.update(piece);
      yield piece;
    }
  })();
  const { bytes } = await blobs.put(key, content, { maxBytes: partBytes, signal }).catch(partProblem);
  await db.query(partStatement, [key, bytes, hash.digest()]);
  return { bytes };
}

/** Puts the parts together; they go when it has worked. */
export async function finishUpload(
  deps: SourceDependencies,
  starting: Starting,
  { upload, parts }: { upload: string; parts: number },
  limits: { maxBytes: number; signal: AbortSignal },
): Promise<KeptSource> {
  const { db, blobs } = deps;
  const keys = Array.from({ length: parts }, (_, part) => keyOf(starting, upload, part));
  const rows = await db.query<{ key: string }>(presentStatement, [keys]);
  const present = new Set(rows.map(({ key }) => key));
  const absent = keys.findIndex(key => !present.has(key));
  if (absent !== -1) throw missing(absent, parts);
  const content = (async function* () {
    for (const [part, key] of keys.entries()) {
      const piece = await blobs.get(key, { signal: limits.signal });
      if (piece === undefined) throw missing(part, parts);
      yield* piece;
    }
  })();
  const kept = await keepContent(deps, starting, content, limits);
  // The rows last: the sweep finds by them what was not removed.
  await blobs.remove(keys);
  await db.query("delete from blobs where key = any($1)", [keys]);
  return kept;
}

/** Of one sender's upload: nobody else can add to it or finish it. */
function keyOf({ principal, named }: Starting, upload: string, part: number): string {
  const own = createHash("sha256")
    .update(`${callerKey(principal)}\n${upload}`)
    .digest("hex")
    .slice(0, 40);
  return `${partsOf(named.project!.id)}${own}/${String(part).padStart(4, "0")}`;
}

function partProblem(error: unknown): never {
  if (!(error instanceof SlipwayError) || error.code !== "blob-too-large") throw error;
  throw problem(
    413,
    "too-large",
    "Too large",
    `a part is over ${partBytes / 2 ** 20} MiB`,
    "send the tree in smaller parts",
  );
}

function missing(part: number, parts: number) {
  return problem(
    409,
    "incomplete",
    "Incomplete",
    `part ${part} of ${parts} is not here`,
    "send it, and finish the upload again",
  );
}
