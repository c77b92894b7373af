import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Callers, makeCallers } from "../../../auth/fixtures/callers.ts";
import { createPasswords } from "../../../auth/passwords.ts";
import { createCallerAddress } from "../../../http/caller-address.ts";
import { movedClock } from "../../../lib/fixtures/moved-clock.ts";
import { seedProject } from "../../../queue/postgres/fixtures/seed.ts";
import { startTestDatabase, type TestDatabase } from "../../../queue/postgres/fixtures/test-database.ts";
import { type GatedServer, serveGated } from "../fixtures/serve-gated.ts";
import { peopleRoutes } from "./people-routes.ts";
import { createSignInLimits } from "./sign-in-limits.ts";

let database: TestDatabase;
let server: GatedServer;
let callers: Callers;
let organisation: string;
let clock = movedClock();
const passwords = createPasswords({ cost: { n: 2 ** 10, r: 8, p: 1 } });
const password = "a long enough one";
const addressOf = createCallerAddress(["127.0.0.1"]);

beforeAll(async () => {
  database = await startTestDatabase();
}, 60_000);
afterAll(() => database[Symbol.asyncDispose]());

beforeEach(async () => {
  const { db } = database;
  await db.query("truncate organisations, users, tokens, sessions, audit_log, idempotency_keys cascade");
  const project = await seedProject(db);
  const other = await seedProject(db);
  organisation = project.name.split("/")[0]!;
  callers = await makeCallers(db, {
    ...{ organisationId: project.organisationId, projectId: project.projectId },
    ...{ otherOrganisationId: other.organisationId, otherProjectId: other.projectId },
  });
  await db.query("update users set password_hash = $1 where name = 'reporter'", [
    await passwords.hash(password),
  ]);
  clock = movedClock();
  const cookies = { secure: false };
  server = await serveGated(
    db,
    peopleRoutes({ db, cookies, passwords, guesses: createSignInLimits(clock), addressOf }),
  );
});
afterEach(() => server[Symbol.asyncDispose]());

const as = (who: keyof Callers["authorization"]) => ({ authorization: callers.authorization[who] });
const audits = () =>
  database.db.query<{ actor: string; action: string; subject: string; details: object }>(
    "select actor, action, subject, details from audit_log order by id",
  );
const signIn = (name: string, given: string) =>
  server.call<{ csrf: string; code: string }>("POST", "/session", { body: { name, password: given } });

/** Calls that have done all but their line in the audit log, or wait for each other, when the first of them goes on. */
async function atOnce<T>(calls: (() => Promise<T>)[]): Promise<T[]> {
  const { db } = database;
  const answers = await db.transact(async tx => {
    await tx.query("lock table audit_log in exclusive mode");
    const running = calls.map(call => call());
    const held = "select 1 from pg_stat_activity where wait_event_type = 'Lock'";
    await expect.poll(async () => (await db.query(held)).length, { timeout: 10_000 }).toBe(calls.length);
    return running;
  });
  return Promise.all(answers);
}

describe("signing in", () => {
  test("gives a cookie that scripts do not see, and only its hash is kept", async () => {
    const { status, body, headers } = await signIn("reporter", password);
    expect([status, body]).toMatchObject([
      201,
      { name: "reporter", admin: false, organisations: [{ name: organisation, role: "reporter" }] },
    ]);
    const [cookie] = headers.getSetCookie();
    expect(cookie).toMatch(/^slipway=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=1209600$/);
    const secret = cookie!.slice("slipway=".length, cookie!.indexOf(";"));
    expect(JSON.stringify(await database.db.query("select * from sessions"))).not.toContain(secret);
    const me = await server.call("GET", "/session", { headers: { cookie: `slipway=${secret}` } });
    expect(me.body).toMatchObject({ name: "reporter", csrf: body.csrf });
    expect(headers.get("cache-control")).toBe("no-store");
    expect(await audits()).toMatchObject([{ actor: "reporter", action: "session.started" }]);
  });

  test("behind https the cookie is bound to host and https", async () => {
    const { db } = database;
    const routes = peopleRoutes({
      ...{ db, cookies: { secure: true }, passwords, guesses: createSignInLimits(clock), addressOf },
    });
    await using secure = await serveGated(db, routes, { secure: true, origin: "https://ci.example.org" });
    const { headers } = await secure.call("POST", "/session", { body: { name: "reporter", password } });
    expect(headers.getSetCookie()[0]).toMatch(/^__Host-slipway=[\w-]{43}; Path=\/; HttpOnly; .*; Secure$/);
  });

  test("a wrong name, a wrong password, no password and a disabled account are told alike", async () => {
    await database.db.query("update users set password_hash = $1 where name = 'disabled'", [
      await passwords.hash(password),
    ]);
    const texts = new Set<string>();
    for (const name of ["reporter", "unheard-of", "owner", "disabled", "x' or '1'='1"]) {
      const { status, body } = await signIn(name, name === "disabled" ? password : "wrong");
      expect(status).toBe(401);
      texts.add(JSON.stringify(body));
    }
    expect(texts.size).toBe(1);
  });

  test("guesses are counted by name and address; another name is not locked out", async () => {
    for (let count = 0; count < 10; count++) expect((await signIn("reporter", "wrong")).status).toBe(401);
    const { status, body, headers } = await signIn("reporter", password);
    expect([status, body.code, headers.get("retry-after")]).toEqual([429, "too-many", "6"]);
    expect((await signIn("owner", "wrong")).status).toBe(401);
    const elsewhere = { body: { name: "reporter", password }, headers: { "x-forwarded-for": "203.0.113.7" } };
    expect((await server.call("POST", "/session", elsewhere)).status).toBe(201);
    clock.move(6000);
    expect((await signIn("reporter", password)).status).toBe(201);
  });

  test("a personal token without a limit signs in; no other one does, nor a disabled person's", async () => {
    const withToken = (token: string) =>
      server.call<{ name: string; code: string }>("POST", "/session/token", { body: { token } });
    const plain = (who: keyof Callers["authorization"]) => callers.authorization[who]!.replace("Bearer ", "");
    const { status, body, headers } = await withToken(` ${plain("reporter")}\n`);
    expect([status, body.name]).toEqual([201, "reporter"]);
    const cookie = headers.getSetCookie()[0]!.split(";")[0]!;
    expect((await server.call("GET", "/session", { headers: { cookie } })).status).toBe(200);
    expect(await audits()).toMatchObject([{ actor: "reporter", action: "session.started" }]);
    for (const who of [
      "admin limited to reporter",
      "owner limited to reader",
      "project's token",
      "worker",
      "token that has run out",
      "token of a disabled account",
      "unknown token",
    ] as const) {
      const refused = await withToken(plain(who));
      expect([who, refused.status, refused.body.code, refused.headers.getSetCookie()]).toEqual([
        who,
        401,
        "token",
        [],
      ]);
    }
  });

  test("signing out ends the session", async () => {
    const { body, headers } = await signIn("reporter", password);
    const cookie = headers.getSetCookie()[0]!.split(";")[0]!;
    const out = await server.call("DELETE", "/session", { headers: { cookie, "x-slipway-csrf": body.csrf } });
    expect(out.status).toBe(204);
    expect(out.headers.getSetCookie()[0]).toContain("Max-Age=0");
    expect((await server.call("GET", "/session", { headers: { cookie } })).status).toBe(401);
  });

  test("a new password ends the other sessions and not this one", async () => {
    const sessions = [await signIn("reporter", password), await signIn("reporter", password)];
    const [mine, theirs] = sessions.map(({ headers }) => headers.getSetCookie()[0]!.split(";")[0]!);
    const headers = { cookie: mine!, "x-slipway-csrf": sessions[0]!.body.csrf };
    const change = (current: string, next: string) =>
      server.call("PUT", "/session/password", { headers, body: { current, next } });
    expect((await change("wrong", "another long one")).status).toBe(422);
    expect((await change(password, "short")).status).toBe(422);
    expect((await change(password, "another long one")).status).toBe(204);
    expect((await server.call("GET", "/session", { headers: { cookie: mine! } })).status).toBe(200);
    expect((await server.call("GET", "/session", { headers: { cookie: theirs! } })).status).toBe(401);
    expect((await signIn("reporter", password)).status).toBe(401);
    expect((await signIn("reporter", "another long one")).status).toBe(201);
  });
});

describe("accounts", () => {
  test("are made once, listed in pages, and keep their password to themselves", async () => {
    const make = (name: string) =>
      server.call("POST", "/users", { ...as("admin"), body: { name, password: "twelve letters" } });
    expect(await make("new-one")).toMatchObject({ status: 201, body: { name: "new-one", disabled: false } });
    expect(await make("new-one")).toMatchObject({ status: 409, body: { code: "user-exists" } });
    const names: string[] = [];
    let after = "";
    do {
      const { body } = await server.call<{ items: { name: string }[]; next?: string }>(
        "GET",
        `/users?limit=3${after}`,
        as("admin"),
      );
      names.push(...body.items.map(({ name }) => name));
      after = body.next === undefined ? "" : `&after=${body.next}`;
    } while (after !== "");
    expect(names).toEqual([...new Set(names)].sort());
    expect(names).toContain("new-one");
    expect(JSON.stringify(await audits())).not.toContain("twelve letters");
    expect(server.lines.join()).not.toContain("twelve letters");
  });

  test("that are disabled lose their sessions and the use of their tokens", async () => {
    const { headers } = await signIn("reporter", password);
    const cookie = headers.getSetCookie()[0]!.split(";")[0]!;
    const change = { ...as("admin"), body: { disabled: true } };
    expect((await server.call("PATCH", "/users/reporter", change)).status).toBe(200);
    expect((await server.call("GET", "/session", { headers: { cookie } })).status).toBe(401);
    expect((await server.call("GET", "/session", as("reporter"))).status).toBe(401);
  });

  test("one administrator stays, also when two take it from each other at once", async () => {
    const only = { ...as("admin"), body: { admin: false } };
    expect((await server.call("PATCH", "/users/admin", only)).status).toBe(409);
    await server.call("PATCH", "/users/owner", { ...as("admin"), body: { admin: true } });
    await atOnce([
      () => server.call("PATCH", "/users/admin", { ...as("owner"), body: { admin: false } }),
      () => server.call("PATCH", "/users/owner", { ...as("admin"), body: { admin: false } }),
    ]);
    const left = await database.db.query("select name from users where admin and not disabled");
    expect(left).toHaveLength(1);
  });
});

describe("members", () => {
  const path = (user: string) => `/organisations/${organisation}/members/${user}`;

  test("are given roles and lose them, with a line in the audit log", async () => {
    const given = await server.call("PUT", path("stranger"), { ...as("owner"), body: { role: "reader" } });
    expect(given.body).toEqual({ user: "stranger", role: "reader" });
    expect((await server.call("DELETE", path("stranger"), as("owner"))).status).toBe(204);
    expect((await server.call("DELETE", path("stranger"), as("owner"))).status).toBe(404);
    const unknown = await server.call("PUT", path("nobody-here"), {
      ...as("owner"),
      body: { role: "reader" },
    });
    expect(unknown.status).toBe(404);
    const { body } = await server.call<{ items: { action: string; details: object }[] }>(
      "GET",
      `/organisations/${organisation}/audit`,
      as("owner"),
    );
    expect(body.items).toMatchObject([
      { actor: "owner", action: "member.removed", subject: "stranger" },
      { actor: "owner", action: "member.set", subject: "stranger", details: { role: "reader" } },
    ]);
  });

  test("the last owner stays: not removed, not made less, not by two at once", async () => {
    await database.db.query(
      "delete from memberships using users where users.id = user_id and users.name = 'disabled'",
    );
    expect((await server.call("DELETE", path("owner"), as("owner"))).status).toBe(409);
    const less = { ...as("owner"), body: { role: "maintainer" } };
    expect((await server.call("PUT", path("owner"), less)).status).toBe(409);
    await server.call("PUT", path("reader"), { ...as("owner"), body: { role: "owner" } });
    const answers = await atOnce([
      () => server.call("DELETE", path("owner"), as("reader")),
      () => server.call("DELETE", path("reader"), as("owner")),
    ]);
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(1);
    const { items } = (
      await server.call<{ items: { role: string }[] }>(
        "GET",
        `/organisations/${organisation}/members`,
        as("admin"),
      )
    ).body;
    expect(items.filter(({ role }) => role === "owner")).toHaveLength(1);
  });
});

test("an administrator sees what was changed on the whole server, page by page", async () => {
  await server.call("POST", "/users", { ...as("admin"), body: { name: "new-one" } });
  const path = `/organisations/${organisation}/members/new-one`;
  await server.call("PUT", path, { ...as("owner"), body: { role: "reader" } });
  const first = await server.call<{ items: object[]; next: string }>("GET", "/audit?limit=1", as("admin"));
  expect(first.body.items).toMatchObject([{ actor: "owner", action: "member.set", organisation }]);
  const second = await server.call<{ items: object[]; next?: string }>(
    ...(["GET", `/audit?limit=1&after=${first.body.next}`, as("admin")] as const),
  );
  expect(second.body).toMatchObject({
    items: [{ actor: "admin", action: "user.created", organisation: null }],
  });
  expect(second.body.next).toBe(undefined);
});

describe("organisations", () => {
  test("are seen by those who belong to them, and by administrators all of them", async () => {
    const names = async (who: "reader" | "admin") =>
      (await server.call<{ items: { name: string }[] }>("GET", "/organisations", as(who))).body.items.map(
        ({ name }) => name,
      );
    expect(await names("reader")).toEqual([organisation]);
    const made = { ...as("admin"), body: { name: "another" } };
    expect((await server.call("POST", "/organisations", made)).status).toBe(201);
    expect((await server.call("POST", "/organisations", made)).status).toBe(409);
    expect(await names("admin")).toHaveLength(3);
    const changed = { ...as("admin"), body: { weight: 7, maxRunningJobs: null } };
    expect((await server.call("PATCH", "/organisations/another", changed)).body).toMatchObject({
      ...{ weight: 7, maxRunningJobs: null },
    });
    expect((await server.call("PATCH", "/organisations/none", changed)).status).toBe(404);
  });

  test("made twice with one key are made once", async () => {
    const call = () =>
      server.call("POST", "/organisations", {
        ...{ ...as("admin"), body: { name: "once" }, headers: { "idempotency-key": "k-1" } },
      });
    const first = await call();
    expect(first.status).toBe(201);
    expect(await call()).toMatchObject({ status: 201, body: first.body });
  });
});

describe("tokens", () => {
  const make = (who: "reporter" | "owner limited to reader", body: object = {}) =>
    server.call<{ id: number; secret: string }>("POST", "/tokens", {
      ...as(who),
      body: { name: "laptop", ...body },
    });

  test("are told once, and do what they say until they are revoked", async () => {
    const { status, body } = await make("reporter", { role: "reader", days: 3 });
    expect([status, body.secret]).toEqual([201, expect.stringMatching(/^swp_[\w-]{43}$/)]);
    const use = () => server.call("GET", "/session", { authorization: `Bearer ${body.secret}` });
    expect((await use()).status).toBe(200);
    const { body: list } = await server.call<{ items: { id: number; role: string; expiresAt: string }[] }>(
      "GET",
      "/tokens",
      as("reporter"),
    );
    expect(JSON.stringify(list)).not.toContain(body.secret);
    const mine = list.items.find(({ id }) => id === body.id)!;
    expect(mine.role).toBe("reader");
    expect(Math.abs(Date.parse(mine.expiresAt) - Date.now() - 3 * 86_400_000)).toBeLessThan(60_000);
    expect((await server.call("DELETE", `/tokens/${body.id}`, as("owner"))).status).toBe(404);
    expect((await server.call("DELETE", `/tokens/${body.id}`, as("reporter"))).status).toBe(204);
    expect((await use()).status).toBe(401);
  });

  test("that are limited change nothing of the account, but may end themselves", async () => {
    expect((await make("owner limited to reader")).status).toBe(403);
    const { body } = await make("reporter", { role: "reader" });
    const { body: full } = await make("reporter");
    const limited = { authorization: `Bearer ${body.secret}` };
    expect((await server.call("DELETE", `/tokens/${full.id}`, limited)).status).toBe(403);
    const change = { ...limited, body: { current: password, next: "another long one" } };
    expect((await server.call("PUT", "/session/password", change)).status).toBe(403);
    expect((await server.call("DELETE", `/tokens/${body.id}`, limited)).status).toBe(204);
  });

  test("of workers and of projects are made by those who may, and are of their kind", async () => {
    const worker = await server.call<{ secret: string; id: number; classes: string[] }>(
      "POST",
      "/worker-tokens",
      {
        ...{ ...as("admin"), body: { name: "w", classes: ["default", "large"], days: null } },
      },
    );
    expect(worker.body).toMatchObject({ kind: "worker", classes: ["default", "large"], expiresAt: null });
    expect(worker.body.secret).toMatch(/^sww_/);
    expect((await server.call("DELETE", `/worker-tokens/${worker.body.id}`, as("admin"))).status).toBe(204);
    const path = `/projects/${organisation}/app/tokens`;
    const project = await server.call<{ secret: string; id: number }>("POST", path, {
      ...{ ...as("maintainer"), body: { name: "deploy" } },
    });
    expect(project.body).toMatchObject({ kind: "project", role: "reporter" });
    expect(project.body.secret).toMatch(/^swt_/);
    expect((await server.call("DELETE", `/tokens/${project.body.id}`, as("maintainer"))).status).toBe(404);
    expect((await server.call("GET", path, as("maintainer"))).body.items).toHaveLength(2);
    expect((await server.call("DELETE", `${path}/${project.body.id}`, as("maintainer"))).status).toBe(204);
    const kept = JSON.stringify([
      await audits(),
      server.lines,
      await database.db.query("select * from tokens"),
    ]);
    for (const { secret } of [worker.body, project.body]) expect(kept).not.toContain(secret);
  });
});
