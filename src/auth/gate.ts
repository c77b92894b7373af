// Decides who calls and whether they may. Of what a caller may not even see, it says that it is not there.

import type { IncomingMessage } from "node:http";
import { type Access, type Role, roles } from "../endpoints/endpoint.ts";
import { forbidden, notFound, type Problem, problem } from "../http/problem.ts";
import type { Named, Principal } from "../http/route.ts";
import type { Gate } from "../http/router.ts";
import type { Database } from "../store/database.ts";
import { lookUpNamed, type Place } from "./named-places.ts";
import { type SessionCookies, sessionSecret } from "./sessions.ts";
import { hashOfToken, isToken } from "./tokens.ts";

export interface GateOptions {
  db: Database;
  cookies: SessionCookies;
  /** Origin of the server's own pages, such as `https://ci.example.org`. */
  origin: string;
}

type User = Extract<Principal, { kind: "user" }>;

export function createGate(options: GateOptions): Gate {
  return {
    async admit(request, access, params) {
      const principal = await principalOf(options, request, access);
      if (access.to === "anyone") return { principal, named: {} };
      if (access.to === "worker") {
        if (principal.kind === "anonymous") throw needs("a worker's token");
        if (principal.kind !== "worker") throw forbidden("this is for workers, with a worker's token");
        return { principal, named: {} };
      }
      if (principal.kind === "worker") throw forbidden("a worker's token is good for taking jobs only");
      if (access.to === "person" || access.to === "admin") return admitPerson(principal, access.to);
      const place = await lookUpNamed(options.db, access.to, params, principal);
      return { principal, named: admitTo(place, access, principal) };
    },
  };
}

function admitPerson(principal: Principal, to: "person" | "admin"): { principal: Principal; named: Named } {
  if (principal.kind === "anonymous") throw needs("you to sign in");
  if (principal.kind !== "user") throw forbidden("a project's token is good for that project only");
  if (to === "admin" && !(principal.admin && principal.atMost === undefined)) {
    throw forbidden("only administrators may do this, with a token that is not limited to a role");
  }
  return { principal, named: {} };
}

function admitTo(place: Place | undefined, access: Access & { role: Role }, principal: Principal): Named {
  const role = place === undefined ? undefined : roleAt(place, principal);
  if (place === undefined || role === undefined) {
    // Whoever has not signed in may simply have forgotten it.
    throw principal.kind === "anonymous"
      ? needs("you to sign in")
      : notFound("there is no such thing, or you may not see it");
  }
  if (!atLeast(role, access.role)) {
    throw principal.kind === "anonymous"
      ? needs("you to sign in")
      : forbidden(
          `this needs the role ${access.role}, and yours is ${role}`,
          "ask an owner of the organisation",
        );
  }
  return { ...place.named, role };
}

/** The greater role comes first in `roles`. */
function atLeast(role: Role, needed: Role): boolean {
  return roles.indexOf(role) <= roles.indexOf(needed);
}

function lesser(one: Role, other: Role): Role {
  return atLeast(one, other) ? other : one;
}

function roleAt({ named, membership, isPublic }: Place, principal: Principal): Role | undefined {
  const open = isPublic ? ("reader" as const) : undefined;
  if (principal.kind === "project") {
    return named.project?.id === principal.projectId ? principal.role : open;
  }
  if (principal.kind !== "user") return open;
  const own = principal.admin ? ("owner" as const) : (membership ?? open);
  if (own === undefined || principal.atMost === undefined) return own;
  return lesser(own, principal.atMost);
}

async function principalOf(
  options: GateOptions,
  request: IncomingMessage,
  access: Access,
): Promise<Principal> {
  const header = request.headers.authorization;
  if (header !== undefined) return ofToken(options.db, header);
  // Whoever signs in is nobody yet, whatever an old cookie says.
  if (access.to === "anyone" && !isSafe(request)) {
    checkOrigin(options, request);
    return { kind: "anonymous" };
  }
  const secret = sessionSecret(request, options.cookies);
  return secret === undefined ? { kind: "anonymous" } : ofSession(options, request, secret);
}

interface TokenOwner {
  id: number;
  kind: "personal" | "project" | "worker";
  name: string;
  role: Role | null;
  classes: string[];
  project_id: number | null;
  user_id: number | null;
  user_name: string | null;
  admin: boolean | null;
  disabled: boolean | null;
  stale: boolean;
}

async function ofToken(db: Database, header: string): Promise<Principal> {
  const token = /^Bearer (\S+)$/i.exec(header)?.[1] ?? "";
  if (!isToken(token)) throw unknownToken();
  const [row] = await db.query<TokenOwner>(
    `select tokens.id, tokens.kind, tokens.name, tokens.role, tokens.classes, tokens.project_id, tokens.user_id,
       users.name as user_name, users.admin, users.disabled,
       coalesce(last_used_at < now() - interval '1 minute', true) as stale
     from tokens left join users on users.id = tokens.user_id
     where hash = $1 and (expires_at is null or expires_at > now())`,
    [hashOfToken(token)],
  );
  if (row === undefined || row.disabled === true) throw unknownToken();
  // Not waited for: a call does not take longer because it is remembered.
  if (row.stale)
    db.query("update tokens set last_used_at = now() where id = $1", [row.id]).catch(() => undefined);
  if (row.kind === "worker") return { kind: "worker", tokenId: row.id, name: row.name, classes: row.classes };
  if (row.kind === "project") {
    return {
      kind: "project",
      tokenId: row.id,
      projectId: row.project_id!,
      name: row.name,
      role: row.role ?? "reader",
    };
  }
  return {
    kind: "user",
    userId: row.user_id!,
    name: row.user_name!,
    admin: row.admin === true,
    tokenId: row.id,
    ...(row.role === null ? {} : { atMost: row.role }),
  };
}

async function ofSession(
  options: GateOptions,
  request: IncomingMessage,
  secret: string,
): Promise<User | { kind: "anonymous" }> {
  const [row] = await options.db.query<SessionUser>(
    `select users.id, users.name, users.admin, csrf from sessions join users on users.id = sessions.user_id
     where hash = $1 and expires_at > now() and not users.disabled`,
    [hashOfToken(secret)],
  );
  if (row === undefined) return { kind: "anonymous" };
  if (!isSafe(request)) {
    checkOrigin(options, request);
    if (request.headers["x-slipway-csrf"] !== row.csrf)
      throw forgery("the call does not repeat the session's csrf value", "reload the page");
  }
  return { kind: "user", userId: row.id, name: row.name, admin: row.admin };
}

interface SessionUser {
  id: number;
  name: string;
  admin: boolean;
  csrf: string;
}

function isSafe({ method }: IncomingMessage): boolean {
  return method === "GET" || method === "HEAD";
}

/** Browsers say which page a call comes from. Programs do not, and have no cookie that could be misused. */
function checkOrigin({ origin }: GateOptions, { headers }: IncomingMessage): void {
  const from = headers.origin;
  if (from === undefined || from === origin) return;
  // The same server under another name.
  if (URL.canParse(from) && new URL(from).host === headers.host) return;
  throw forgery(`the call comes from a page of ${from.slice(0, 100)}`, `open ${origin}`);
}

function forgery(detail: string, hint: string): Problem {
  return problem(403, "csrf", "Not allowed", detail, hint);
}

function unknownToken(): Problem {
  return problem(
    401,
    "token",
    "Not signed in",
    "the token is unknown, revoked or has run out",
    "run `slipway login`",
  );
}

function needs(what: string): Problem {
  return problem(
    401,
    "sign-in",
    "Not signed in",
    `this needs ${what}`,
    "run `slipway login`, or send a token: Authorization: Bearer TOKEN",
  );
}
