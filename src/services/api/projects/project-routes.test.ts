import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Callers, makeCallers } from "../../../auth/fixtures/callers.ts";
import { lookUpNamed } from "../../../auth/named-places.ts";
import { movedClock } from "../../../lib/fixtures/moved-clock.ts";
import { type SeedProject, seedProject, seedRun } from "../../../queue/postgres/fixtures/seed.ts";
import { startTestDatabase, type TestDatabase } from "../../../queue/postgres/fixtures/test-database.ts";
import { variablesFor } from "../../../store/variables.ts";
import { type GatedServer, serveGated, testBox } from "../fixtures/serve-gated.ts";
import { classRoutes } from "./class-routes.ts";
import { projectRoutes } from "./project-routes.ts";
import { scheduleRoutes } from "./schedule-routes.ts";
import { variableRoutes } from "./variable-routes.ts";

let database: TestDatabase;
let server: GatedServer;
let callers: Callers;
let project: SeedProject;
let other: SeedProject;
let organisation: string;
const box = testBox();
const clock = movedClock(Date.parse("2026-03-01T12:00:00Z"));

beforeAll(async () => {
  database = await startTestDatabase();
}, 60_000);
afterAll(() => database[Symbol.asyncDispose]());

beforeEach(async () => {
  const { db } = database;
  await db.query("truncate organisations, users, tokens, audit_log, idempotency_keys, classes cascade");
  project = await seedProject(db);
  other = await seedProject(db);
  organisation = project.name.split("/")[0]!;
  callers = await makeCallers(db, {
    ...{ organisationId: project.organisationId, projectId: project.projectId },
    ...{ otherOrganisationId: other.organisationId, otherProjectId: other.projectId },
  });
  const deps = {
    db,
    box,
    clock,
    baseUrl: "https://ci.example.org",
    allowFileRepositories: false,
    runDays: 90,
  };
  const routes = [projectRoutes, variableRoutes, scheduleRoutes, classRoutes].flatMap(each => each(deps));
  server = await serveGated(db, routes);
});
afterEach(() => server[Symbol.asyncDispose]());

const as = (who: keyof Callers["authorization"]) => ({ authorization: callers.authorization[who] });
const app = () => `/projects/${organisation}/app`;
const kept = async () =>
  JSON.stringify([
    server.lines,
    await database.db.query("select * from audit_log"),
    await database.db.query("select encode(value, 'escape') as value from variables"),
    await database.db.query(
      "select encode(credential, 'escape') as c, encode(webhook_secret, 'escape') as w from projects",
    ),
  ]);

describe("projects", () => {
  const make = (body: object, headers: Record<string, string> = {}) =>
    server.call<{ webhookSecret: string; code: string }>("POST", `/organisations/${organisation}/projects`, {
      ...{ ...as("maintainer"), body, headers },
    });

  test("are made with a repository whose credential nobody sees again", async () => {
    const { status, body } = await make({
      ...{ name: "Shop.web", repository: "https://git.example.org/shop.git", credential: "bot:hunter2" },
      ...{ defaultBranch: "trunk", pollSeconds: 60 },
    });
    expect([status, body]).toMatchObject([
      201,
      {
        ...{ organisation, name: "Shop.web", defaultBranch: "trunk", public: false, pollSeconds: 60 },
        ...{ hasCredential: true, lastRun: null },
        webhookUrl: `https://ci.example.org/hooks/${organisation}/Shop.web`,
      },
    ]);
    const { body: shown } = await server.call("GET", `/projects/${organisation}/Shop.web`, as("reader"));
    expect(shown).not.toHaveProperty("webhookSecret");
    const everything = `${await kept()}${JSON.stringify(shown)}`;
    for (const secret of ["hunter2", body.webhookSecret]) expect(everything).not.toContain(secret);
    const [row] = await database.db.query<{ credential: Buffer; webhook_secret: Buffer }>(
      "select credential, webhook_secret from projects where name = 'Shop.web'",
    );
    expect(Buffer.from(box.open(row!.credential)).toString()).toBe("bot:hunter2");
    expect(Buffer.from(box.open(row!.webhook_secret)).toString()).toBe(body.webhookSecret);
  });

  test("made again with the same key are told again, with the secret, and made once", async () => {
    const headers = { "idempotency-key": "make-it" };
    const first = await make({ name: "once" }, headers);
    expect(await make({ name: "once" }, headers)).toMatchObject({ status: 201, body: first.body });
    expect(await make({ name: "once" })).toMatchObject({ status: 409, body: { code: "project-exists" } });
    const rows = JSON.stringify(await database.db.query("select * from idempotency_keys"));
    expect(rows).not.toContain(first.body.webhookSecret);
  });

  test.each([
    "https://user:secret@git.example.org/a.git",
    "https://token@git.example.org/a.git",
    "ssh://git:secret@git.example.org/a.git",
    "file:///etc",
    "/etc/passwd",
    "../other",
    "ext::sh -c id",
    "--upload-pack=id",
    "-oProxyCommand=id@host:x",
    "git@-oProxyCommand=id:x",
    "ssh://-oProxyCommand=id/x",
    "ssh://-oProxyCommand=id@host/x",
    "git@-oProxyCommand:x",
    "ssh://%2doProxyCommand=id/x",
    "ssh://%2doProxyCommand=id@host/x",
    "ssh://git.example.org%3bid/x",
    "https:git.example.org/a",
    "https:/git.example.org/a",
    "https:\\\\git.example.org/a",
    "https://git.example.org\\@elsewhere/a",
    "git://git.example.org/a.git",
    "https://",
    "ftp://git.example.org/a",
    "https://git.example.org/a b",
    "https://git.example.org/\u001b[2J",
    "javascript:alert(1)",
  ])("may not have the repository %j", async repository => {
    const { status, body } = await make({ name: "bad", repository });
    expect([status, body.code]).toEqual([422, "repository"]);
    expect(JSON.stringify(body)).not.toContain("secret@");
  });

  test.each([
    "https://git.example.org/a/b.git",
    "http://git.example.org:8080/a",
    "ssh://git@git.example.org:2222/a/b.git",
    "git@git.example.org:a/b.git",
    "https://[2001:db8::1]/a.git",
  ])("may have the repository %j", async repository => {
    expect((await make({ name: "good", repository })).status).toBe(201);
  });

  test("change by what is told, and null takes away", async () => {
    const change = (body: object) => server.call("PATCH", app(), { ...as("maintainer"), body });
    await change({ repository: "https://git.example.org/a.git", credential: "u:hunter2", pollSeconds: 60 });
    expect((await change({ public: true })).body).toMatchObject({
      ...{ repository: "https://git.example.org/a.git", hasCredential: true, pollSeconds: 60, public: true },
    });
    expect((await change({ repository: null, credential: null, pollSeconds: null })).body).toMatchObject({
      ...{ repository: null, hasCredential: false, pollSeconds: null, public: true },
    });
    expect(await kept()).not.toContain("hunter2");
  });

  test("keep their credential for the server that it was given for", async () => {
    const change = (body: object) =>
      server.call<{ code: string; hasCredential: boolean }>("PATCH", app(), { ...as("maintainer"), body });
    await change({ repository: "https://git.example.org/a.git", credential: "u:hunter2" });
    for (const repository of [
      "https://elsewhere.example.org/a.git",
      "http://git.example.org/a.git",
      "https://git.example.org:8443/a.git",
      "git@git.example.org:a.git",
    ]) {
      const { status, body } = await change({ repository });
      expect([status, body.code], repository).toEqual([422, "credential"]);
    }
    expect((await change({ repository: "https://GIT.example.org/b.git" })).body.hasCredential).toBe(true);
    // Also not in two steps.
    expect((await change({ repository: null })).status).toBe(200);
    expect((await change({ repository: "https://elsewhere.example.org/a.git" })).status).toBe(422);
    const moved = { repository: "https://elsewhere.example.org/a.git", credential: null };
    expect((await change(moved)).body).toMatchObject({ hasCredential: false });
    expect((await change({ repository: "https://git.example.org/a.git" })).status).toBe(200);
  });

  test("keep runs, logs and artifacts as long as their maintainers say, and never longer than the server", async () => {
    const change = (body: object, who: Parameters<typeof as>[0] = "maintainer") =>
      server.call("PATCH", app(), { ...as(who), body });
    const usual = { runDays: null, logDays: null, serverRunDays: 90 };
    expect((await server.call("GET", app(), as("reader"))).body).toMatchObject(usual);
    for (const who of ["reader", "reporter", "owner of another organisation", "nobody"] as const) {
      expect((await change({ runDays: 1 }, who)).status, who).toBeGreaterThanOrEqual(401);
    }
    expect((await change({ runDays: 30, logDays: 7 })).body).toMatchObject({ runDays: 30, logDays: 7 });
    expect((await change({ public: false })).body).toMatchObject({ runDays: 30, logDays: 7 });
    expect((await change({ runDays: null })).body).toMatchObject({ runDays: null, logDays: 7 });
    for (const longer of [{ runDays: 91 }, { logDays: 91 }]) {
      expect(await change(longer)).toMatchObject({ status: 422, body: { code: "retention" } });
    }
    for (const wrong of [{ runDays: 0 }, { logDays: -1 }, { runDays: 1.5 }]) {
      expect(await change(wrong)).toMatchObject({ status: 422, body: { code: "validation" } });
    }
    expect((await make({ name: "short", logDays: 3 })).body).toMatchObject({ ...usual, logDays: 3 });
    expect((await make({ name: "long", runDays: 400 })).body).toMatchObject({ code: "retention" });
    const rows = await database.db.query("select details from audit_log where action = 'project.changed'");
    expect(rows).toContainEqual({ details: { runDays: 30, logDays: 7 } });
  });

  test("are listed for those who may see them, in pages", async () => {
    for (const name of ["b".repeat(100), "c", "Z"]) await make({ name });
    const seen = async (who: Parameters<typeof as>[0], query = "") => {
      const names: string[] = [];
      let after = "";
      do {
        const { body } = await server.call<{
          items: { organisation: string; name: string }[];
          next?: string;
        }>("GET", `/projects?limit=2${query}${after}`, as(who));
        names.push(...body.items.map(each => `${each.organisation}/${each.name}`));
        after = body.next === undefined ? "" : `&after=${encodeURIComponent(body.next)}`;
      } while (after !== "");
      return names.sort();
    };
    const own = ["Z", "app", "b".repeat(100), "c"].map(name => `${organisation}/${name}`).sort();
    expect(await seen("reader")).toEqual(own);
    expect(await seen("nobody")).toEqual([]);
    expect(await seen("worker")).toEqual([]);
    expect(await seen("project's token")).toEqual([project.name]);
    expect(await seen("owner of another organisation")).toEqual([other.name]);
    expect(await seen("admin")).toEqual([...own, other.name].sort());
    expect(await seen("admin", `&organisation=${other.name.split("/")[0]}`)).toEqual([other.name]);
    expect(await seen("reader", "&text=%25")).toEqual([]);
    expect(await seen("reader", "&text=Z")).toEqual([`${organisation}/Z`]);
    await server.call("PATCH", app(), { ...as("maintainer"), body: { public: true } });
    expect(await seen("nobody")).toEqual([project.name]);
  });

  test("show the newest run of their default branch", async () => {
    await seedRun(database.db, project);
    const { runId } = await seedRun(database.db, project);
    const { body } = await server.call("GET", app(), as("reader"));
    expect(body).toMatchObject({ lastRun: { id: runId, number: 2, state: "running", waitsFor: "worker" } });
    const standsAs = async (changes: string) => {
      await database.db.query(`update jobs set ${changes} where run_id = $1`, [runId]);
      const answer = await server.call<{ lastRun: object; recent: object[] }>("GET", app(), as("reader"));
      expect(answer.body.recent[0]).toMatchObject(answer.body.lastRun);
      return (answer.body.lastRun as { waitsFor: string | null }).waitsFor;
    };
    expect(await standsAs("state = 'running'")).toBeNull();
    expect(await standsAs("state = 'waiting', approval = 'wanted'")).toBe("approval");
    expect(await standsAs("state = 'waiting', reason = 'concurrency-group'")).toBe("other");
  });

  const lookUp = (kind: "run", params: { run: string }) =>
    lookUpNamed(database.db, kind, params, { kind: "anonymous" });

  test("are seen by nobody once they are deleted, but not while one of their runs goes on", async () => {
    const { runId } = await seedRun(database.db, project);
    expect(await lookUp("run", { run: runId })).toBeDefined();
    expect(await server.call("DELETE", app(), as("owner"))).toMatchObject({
      ...{ status: 409, body: { code: "project-runs" } },
    });
    await database.db.query("update runs set state = 'finished', outcome = 'passed' where id = $1", [runId]);
    expect((await server.call("DELETE", app(), as("owner"))).status).toBe(204);
    expect((await server.call("GET", app(), as("owner"))).status).toBe(404);
    expect(await lookUp("run", { run: runId })).toBeUndefined();
    const { body } = await server.call<{ items: unknown[] }>("GET", "/projects", as("owner"));
    expect(body.items).toEqual([]);
    expect((await server.call("GET", "/projects", as("project's token"))).status).toBe(401);
    // What is left of it keeps nobody from its name.
    expect((await make({ name: "app" })).status).toBe(201);
    expect((await server.call("DELETE", app(), as("owner"))).status).toBe(204);
    expect((await make({ name: "app" })).status).toBe(201);
  });

  test("get a new secret for webhooks, and the old one is gone", async () => {
    const { body } = await server.call<{ webhookSecret: string }>(
      "POST",
      `${app()}/webhook-secret`,
      as("maintainer"),
    );
    const [row] = await database.db.query<{ webhook_secret: Buffer }>(
      "select webhook_secret from projects where id = $1",
      [project.projectId],
    );
    expect(Buffer.from(box.open(row!.webhook_secret)).toString()).toBe(body.webhookSecret);
  });
});

describe("variables", () => {
  const set = (name: string, body: object, query = "") =>
    server.call("PUT", `${app()}/variables/${name}${query}`, { ...as("maintainer"), body });

  test("that are protected are never shown again; plain ones are; both are sealed", async () => {
    expect((await set("PLAIN", { value: "visible" })).body).toMatchObject({
      value: "visible",
      protected: false,
    });
    expect((await set("KEY", { value: "hunter2", protected: true })).body).toMatchObject({ value: null });
    const { body } = await server.call<{ items: { name: string; value: string | null }[] }>(
      "GET",
      `${app()}/variables`,
      as("maintainer"),
    );
    expect(body.items.map(({ name, value }) => [name, value])).toEqual([
      ["PLAIN", "visible"],
      ["KEY", null],
    ]);
    const everything = await kept();
    for (const value of ["hunter2", "visible"]) expect(everything).not.toContain(value);
  });

  test("of one name: the narrowest scope counts, and only for its branches and events", async () => {
    const { jobIds } = await seedRun(database.db, project);
    const inOrganisation = (name: string, body: object) =>
      server.call("PUT", `/organisations/${organisation}/variables/${name}`, { ...as("maintainer"), body });
    await inOrganisation("A", { value: "organisation" });
    await inOrganisation("B", { value: "organisation", protected: true });
    await inOrganisation("C", { value: "organisation" });
    await set("B", { value: "project" });
    await set("C", { value: "project", branches: ["release/*"] });
    await set("D", { value: "project" });
    await set("D", { value: "pipeline", protected: true }, "?pipeline=build");
    await set("D", { value: "elsewhere" }, "?pipeline=deploy");
    await set("E", { value: "project", events: ["schedule"] });
    expect(await variablesFor(database.db, box, jobIds[0]!)).toEqual({
      plain: [
        { name: "A", value: "organisation" },
        { name: "B", value: "project" },
        { name: "C", value: "organisation" },
      ],
      protected: [{ name: "D", value: "pipeline" }],
    });
  });

  test("set again are replaced, and removed in the scope that is named alone", async () => {
    await set("A", { value: "one", protected: true });
    await set("A", { value: "two", branches: ["main"] });
    await set("A", { value: "three" }, "?pipeline=build");
    const list = async () =>
      (
        await server.call<{ items: { value: string; pipeline: string | null; branches: string[] | null }[] }>(
          "GET",
          `${app()}/variables`,
          as("maintainer"),
        )
      ).body.items.map(({ value, pipeline, branches }) => [value, pipeline, branches]);
    expect(await list()).toEqual([
      ["two", null, ["main"]],
      ["three", "build", null],
    ]);
    expect((await server.call("DELETE", `${app()}/variables/A`, as("maintainer"))).status).toBe(204);
    expect((await server.call("DELETE", `${app()}/variables/A`, as("maintainer"))).status).toBe(404);
    expect(await list()).toEqual([["three", "build", null]]);
  });

  test("have names that a shell takes", async () => {
    for (const name of ["1A", "A-B", "A%20B", "A%00", "%2e%2e", "a".repeat(256)])
      expect((await set(name, { value: "x" })).status, name).toBe(404);
  });
});

describe("schedules", () => {
  const set = (body: object, name = "night") =>
    server.call("PUT", `${app()}/schedules/${name}`, { ...as("maintainer"), body });

  test("are due by their time zone, and keep their variables sealed", async () => {
    const { status, body } = await set({
      ...{ cron: "30 4 * * *", timeZone: "Europe/Berlin", branch: "main", variables: { KEY: "hunter2" } },
    });
    expect([status, body]).toMatchObject([
      200,
      { name: "night", nextAt: "2026-03-02T03:30:00.000Z", enabled: true, lastRunId: null },
    ]);
    const [row] = await database.db.query<{ variables: Buffer }>("select variables from schedules");
    expect(row!.variables.toString("latin1")).not.toContain("hunter2");
    expect(JSON.parse(Buffer.from(box.open(row!.variables)).toString())).toEqual({ KEY: "hunter2" });
    expect(await kept()).not.toContain("hunter2");
    await set({ cron: "0 5 * * *" });
    const list = await server.call<{ items: unknown[] }>("GET", `${app()}/schedules`, as("reader"));
    expect(list.body.items).toMatchObject([
      { nextAt: "2026-03-02T05:00:00.000Z", timeZone: "UTC", branch: null },
    ]);
    expect((await server.call("DELETE", `${app()}/schedules/night`, as("maintainer"))).status).toBe(204);
    expect((await server.call("DELETE", `${app()}/schedules/night`, as("maintainer"))).status).toBe(404);
  });

  test.each([
    [{ cron: "* * * * * *" }],
    [{ cron: "61 * * * *" }],
    [{ cron: "0 0 30 2 *" }],
    [{ cron: "@daily" }],
    [{ cron: "2026-01-01T00:00:00" }],
    [{ cron: "0 4 * * *", timeZone: "Nowhere/Never" }],
  ])("%j is refused", async body => {
    expect(await set(body)).toMatchObject({ status: 422, body: { code: "cron" } });
  });
});

describe("classes", () => {
  test("are set by administrators and seen by everybody, with how many workers serve them", async () => {
    const settings = { engine: "docker", allowDocker: true, memoryBytes: 1024 };
    const put = { ...as("admin"), body: settings };
    expect((await server.call("PUT", "/classes/large", put)).body).toEqual({
      name: "large",
      settings,
      workers: 0,
    });
    await database.db.query(
      `insert into workers (id, name, classes, capacity, lease_until) values
         ('w1', 'one', '{large,default}', 1, now() + interval '8 s'), ('w2', 'two', '{large}', 1, now() - interval '1 s')`,
    );
    const { body } = await server.call("GET", "/classes", as("reader"));
    expect(body).toEqual({ items: [{ name: "large", settings, workers: 1 }] });
    await database.db.query("truncate workers");
  });
});
