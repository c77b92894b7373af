// The first answer of a creating call, again for whoever repeats it with the same `Idempotency-Key`. Kept for a day, and
// sealed: some answers hold a secret that is shown once.

import { SlipwayError } from "../core/failure.ts";
import { conflict, invalid, Problem } from "../http/problem.ts";
import type { Principal } from "../http/route.ts";
import type { Idempotency } from "../http/router.ts";
import { type Database, isDatabaseAway } from "../store/database.ts";
import type { SecretBox } from "../store/secret-box.ts";

interface Answer {
  status: number;
  body: unknown;
}

interface Remembered {
  request_hash: Buffer;
  status: number | null;
  body: string | null;
  is_old: boolean;
}

const beginStatement = `insert into idempotency_keys (principal, key, request_hash) values ($1, $2, $3)
  on conflict do nothing returning key`;
const readStatement = `select request_hash, status, body, created_at < now() - interval '2 minutes' as is_old
  from idempotency_keys where principal = $1 and key = $2`;

export function createIdempotency({ db, box }: { db: Database; box: SecretBox }): Idempotency {
  return {
    async once(principal, key, requestHash, work) {
      const owner = ownerOf(principal);
      const begun = await db.query(beginStatement, [owner, key, requestHash]);
      if (begun.length === 0) return again(db, box, owner, key, requestHash);
      let answer: Answer;
      try {
        answer = await work();
      } catch (error) {
        // Without an effect the key is free again: what was wrong may be mended. Where nobody knows whether a commit came
        // through, the key stays taken, so that nothing is done twice.
        if (!isDatabaseAway(error)) await forget(db, owner, key);
        throw error;
      }
      // It has been done; that its answer is not kept only means that a repetition is refused.
      await remember(db, box, owner, key, answer).catch(() => undefined);
      return answer;
    },
  };
}

async function forget(db: Database, owner: string, key: string): Promise<void> {
  await db
    .query("delete from idempotency_keys where principal = $1 and key = $2 and status is null", [owner, key])
    .catch(() => undefined);
}

async function remember(
  db: Database,
  box: SecretBox,
  owner: string,
  key: string,
  { status, body }: Answer,
): Promise<void> {
  const sealed =
    body === undefined ? null : Buffer.from(box.seal(Buffer.from(JSON.stringify(body)))).toString("base64");
  await db.query("update idempotency_keys set status = $3, body = $4 where principal = $1 and key = $2", [
    ...[owner, key, status, sealed === null ? null : JSON.stringify(sealed)],
  ]);
}

async function again(
  db: Database,
  box: SecretBox,
  owner: string,
  key: string,
  requestHash: Buffer,
): Promise<Answer> {
  const [row] = await db.query<Remembered>(readStatement, [owner, key]);
  if (row !== undefined && !row.request_hash.equals(requestHash)) {
    throw invalid(
      "idempotency-key",
      `the Idempotency-Key "${key}" was used for another request`,
      "use a new one for each request",
    );
  }
  if (row?.status == null) throw row?.is_old === true ? unknownOutcome(key) : underWay(key);
  return { status: row.status, body: row.body === null ? undefined : opened(box, key, row.body) };
}

function opened(box: SecretBox, key: string, sealed: string): unknown {
  let bytes: Uint8Array;
  try {
    bytes = box.open(Buffer.from(sealed, "base64"));
  } catch (error) {
    // The key that sealed it is not there any more.
    if (!(error instanceof SlipwayError)) throw error;
    throw conflict(
      "answer-gone",
      `the request with Idempotency-Key "${key}" was done, but its answer cannot be read any more`,
      "look at what it has made",
    );
  }
  return JSON.parse(Buffer.from(bytes).toString("utf8"));
}

function underWay(key: string): Problem {
  return conflict(
    "in-progress",
    `the request with Idempotency-Key "${key}" is still under way`,
    "wait a moment, and repeat it",
  );
}

function unknownOutcome(key: string): Problem {
  return conflict(
    "outcome-unknown",
    `the server was cut off while it worked at the request with Idempotency-Key "${key}"`,
    "look whether it has been done; if not, repeat it with a new key",
  );
}

function ownerOf(principal: Principal): string {
  // What a limited token is told must not be an answer that it could not have had.
  if (principal.kind === "user")
    return `user:${principal.userId}${principal.atMost === undefined ? "" : `:${principal.atMost}`}`;
  if (principal.kind === "anonymous")
    throw new Problem({ status: 401, code: "sign-in", title: "Not signed in", detail: "sign in first" });
  return `${principal.kind}:${principal.tokenId}`;
}
