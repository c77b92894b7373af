// The first answer of a creating call, again for whoever repeats it with the same `Idempotency-Key`. Kept for a day.

import { conflict, invalid, Problem } from "../http/problem.ts";
import type { Principal } from "../http/route.ts";
import type { Idempotency } from "../http/router.ts";
import type { Database } from "../store/database.ts";

interface Remembered {
  request_hash: Buffer;
  status: number | null;
  body: unknown;
  abandoned: boolean;
}

export function createIdempotency(db: Database): Idempotency {
  return {
    async once(principal, key, requestHash, work) {
      const owner = ownerOf(principal);
      const begun = await db.query(
        // A server that was killed in the middle has left a key without an answer: it counts as never used.
        `insert into idempotency_keys (principal, key, request_hash) values ($1, $2, $3)
         on conflict (principal, key) do update set request_hash = excluded.request_hash, created_at = now()
           where idempotency_keys.status is null and idempotency_keys.created_at < now() - interval '2 minutes'
         returning key`,
        [owner, key, requestHash],
      );
      if (begun.length === 0) return again(db, owner, key, requestHash);
      try {
        const answer = await work();
        await db.query(
          "update idempotency_keys set status = $3, body = $4 where principal = $1 and key = $2",
          [owner, key, answer.status, answer.body === undefined ? null : JSON.stringify(answer.body)],
        );
        return answer;
      } catch (error) {
        // It has had no effect, so the key is free: what was wrong may be mended and tried again.
        await db.query("delete from idempotency_keys where principal = $1 and key = $2 and status is null", [
          owner,
          key,
        ]);
        throw error;
      }
    },
  };
}

async function again(
  db: Database,
  owner: string,
  key: string,
  requestHash: Buffer,
): Promise<{ status: number; body: unknown }> {
  const [row] = await db.query<Remembered>(
    "select request_hash, status, body from idempotency_keys where principal = $1 and key = $2",
    [owner, key],
  );
  if (row !== undefined && !row.request_hash.equals(requestHash)) {
    throw invalid(
      "idempotency-key",
      `the Idempotency-Key "${key}" was used for another request`,
      "use a new one for each request",
    );
  }
  if (row?.status == null) {
    throw conflict(
      "in-progress",
      `the request with Idempotency-Key "${key}" is still under way`,
      "wait a moment, and repeat it",
    );
  }
  return { status: row.status, body: row.body ?? undefined };
}

function ownerOf(principal: Principal): string {
  if (principal.kind === "user") return `user:${principal.userId}`;
  if (principal.kind === "anonymous")
    throw new Problem({ status: 401, code: "sign-in", title: "Not signed in", detail: "sign in first" });
  return `${principal.kind}:${principal.tokenId}`;
}
