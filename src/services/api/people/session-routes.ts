// Signing in and out, and who the caller is.

import { clearCookie, sessionSecret, setCookie, startSession } from "../../../auth/sessions.ts";
import { hashOfToken } from "../../../auth/tokens.ts";
import type { AnswerOf, Role } from "../../../endpoints/endpoint.ts";
import * as endpoints from "../../../endpoints/people.ts";
import { forbidden, invalid, problem } from "../../../http/problem.ts";
import { type Principal, type Route, route } from "../../../http/route.ts";
import { audit } from "../../../store/audit.ts";
import type { Queryable } from "../../../store/database.ts";
import type { PeopleDependencies } from "./dependencies.ts";

type Person = AnswerOf<typeof endpoints.whoAmI>;

export function sessionRoutes({ db, cookies, passwords, guesses, addressOf }: PeopleDependencies): Route[] {
  return [
    route(endpoints.signIn, async ({ body, request, response }) => {
      guesses.take(body.name, addressOf(request));
      const [user] = await db.query<{ id: number; password_hash: string | null }>(
        "select id, password_hash from users where name = $1 and not disabled",
        [body.name],
      );
      const fits = await passwords.fits(body.password, user?.password_hash ?? null);
      if (user === undefined || !fits) {
        throw problem(401, "password", "Not signed in", "the name or the password is wrong");
      }
      const session = await db.transact(async tx => {
        await audit(tx, { actor: body.name, action: "session.started", subject: body.name });
        return startSession(tx, user.id);
      });
      response.setHeader("set-cookie", setCookie(session.secret, cookies));
      return personOf(db, user.id, session.csrf);
    }),
    route(endpoints.signInWithToken, async ({ body, response }) => {
      const token = body.token.trim();
      const [user] = await db.query<{ id: number; name: string }>(
        `select users.id, users.name from tokens join users on users.id = tokens.user_id
         where hash = $1 and kind = 'personal' and role is null and (expires_at is null or expires_at > now())
           and not disabled`,
        [hashOfToken(token)],
      );
      if (user === undefined) {
        const hint = "take a personal token of yours that has not run out and is not limited to a role";
        throw problem(401, "token", "Not signed in", "with this token nobody can sign in", hint);
      }
      const session = await db.transact(async tx => {
        await audit(tx, { actor: user.name, action: "session.started", subject: user.name });
        return startSession(tx, user.id);
      });
      response.setHeader("set-cookie", setCookie(session.secret, cookies));
      return personOf(db, user.id, session.csrf);
    }),
    route(endpoints.signOut, async ({ request, response }) => {
      const secret = sessionSecret(request, cookies);
      if (secret !== undefined) await db.query("delete from sessions where hash = $1", [hashOfToken(secret)]);
      response.setHeader("set-cookie", clearCookie(cookies));
      return undefined;
    }),
    route(endpoints.whoAmI, async ({ principal, request }) => {
      const secret =
        request.headers.authorization === undefined ? sessionSecret(request, cookies) : undefined;
      const [session] =
        secret === undefined
          ? []
          : await db.query<{ csrf: string }>("select csrf from sessions where hash = $1", [
              hashOfToken(secret),
            ]);
      return personOf(db, userOf(principal).userId, session?.csrf ?? null);
    }),
    route(endpoints.changePassword, async ({ body, principal, request }) => {
      const { userId, name } = unlimited(principal);
      guesses.take(name, addressOf(request));
      const [user] = await db.query<{ password_hash: string | null }>(
        "select password_hash from users where id = $1",
        [userId],
      );
      if (!(await passwords.fits(body.current, user?.password_hash ?? null))) {
        throw invalid("password", "the current password is wrong");
      }
      const hash = await passwords.hash(body.next);
      const secret = sessionSecret(request, cookies);
      await db.transact(async tx => {
        await tx.query("update users set password_hash = $2 where id = $1", [userId, hash]);
        await tx.query("delete from sessions where user_id = $1 and hash is distinct from $2", [
          userId,
          secret === undefined ? null : hashOfToken(secret),
        ]);
        await audit(tx, { actor: name, action: "password.changed", subject: name });
      });
      return undefined;
    }),
  ];
}

/** The person behind a call that only people may make. */
export function userOf(principal: Principal): Extract<Principal, { kind: "user" }> {
  if (principal.kind === "user") return principal;
  throw forbidden("this is for people, not for tokens of projects or workers");
}

/** The same, where the token is as good as its owner: a limited one must not become more. */
export function unlimited(principal: Principal): ReturnType<typeof userOf> {
  const user = userOf(principal);
  if (user.atMost === undefined) return user;
  throw forbidden(
    "a token that is limited to a role may not change the account",
    "sign in, or use another token",
  );
}

async function personOf(db: Queryable, userId: number, csrf: string | null): Promise<Person> {
  const [user] = await db.query<{ name: string; admin: boolean }>(
    "select name, admin from users where id = $1",
    [userId],
  );
  const organisations = await db.query<{ name: string; role: Role }>(
    `select organisations.name, role from memberships join organisations on organisations.id = organisation_id
     where user_id = $1 order by organisations.name limit 1000`,
    [userId],
  );
  return { name: user!.name, admin: user!.admin, organisations, csrf };
}
