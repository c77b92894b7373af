// Tokens of people, projects and workers. They are random, told once, and kept as their hash; the first letters say the
// kind, so that a found one can be named.

import { createHash, randomBytes } from "node:crypto";
import type { Role } from "../endpoints/endpoint.ts";
import type { Queryable } from "../store/database.ts";

export type TokenKind = "personal" | "project" | "worker";

const prefixes: Record<TokenKind, string> = { personal: "swp", project: "swt", worker: "sww" };

export function newToken(kind: TokenKind): string {
  return `${prefixes[kind]}_${randomBytes(32).toString("base64url")}`;
}

export function isToken(text: string): boolean {
  return /^sw[ptw]_[A-Za-z0-9_-]{43}$/.test(text);
}

export function hashOfToken(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

export interface NewToken {
  kind: TokenKind;
  name: string;
  userId?: number;
  projectId?: number;
  /** The most it may do; absent: all that its owner may. */
  role?: Role;
  classes?: string[];
  /** Absent: it does not run out. */
  days?: number;
}

export interface TokenRow {
  id: number;
  kind: TokenKind;
  name: string;
  role: Role | null;
  classes: string[];
  expires_at: Date | null;
  last_used_at: Date | null;
  created_at: Date;
}

/** Makes a token. `secret` is told this once. */
export async function createToken(
  tx: Queryable,
  token: NewToken,
): Promise<{ row: TokenRow; secret: string }> {
  const secret = newToken(token.kind);
  const [row] = await tx.query<TokenRow>(
    `insert into tokens (kind, hash, name, user_id, project_id, role, classes, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, now() + make_interval(days => $8))
     returning id, kind, name, role, classes, expires_at, last_used_at, created_at`,
    [
      token.kind,
      hashOfToken(secret),
      token.name,
      token.userId ?? null,
      token.projectId ?? null,
      token.role ?? null,
      token.classes ?? [],
      token.days ?? null,
    ],
  );
  return { row: row!, secret };
}
