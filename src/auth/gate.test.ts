// Each endpoint against each caller, generated from the table of endpoints, with the real gate and a real database. What
// handlers do is no matter here: whoever is let in gets 418.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Endpoint } from "../endpoints/endpoint.ts";
import { endpointList } from "../endpoints/table.ts";
import { type Listener, openListener } from "../http/listener.ts";
import { problem } from "../http/problem.ts";
import type { Principal } from "../http/route.ts";
import { createRouter } from "../http/router.ts";
import { systemClock } from "../lib/clock.ts";
import { seedProject, seedRun } from "../queue/postgres/fixtures/seed.ts";
import { startTestDatabase, type TestDatabase } from "../queue/postgres/fixtures/test-database.ts";
import { type Callers, callerNames, makeCallers } from "./fixtures/callers.ts";
import { expectedAccess } from "./fixtures/expected-access.ts";
import { createGate } from "./gate.ts";
import { startSession } from "./sessions.ts";

let database: TestDatabase;
let listener: Listener;
let callers: Callers;
let values: Record<string, string>;
let projectId: number;
const principals: Principal[] = [];
const lines: string[] = [];

beforeAll(async () => {
  database = await startTestDatabase();
  const { db } = database;
  const project = await seedProject(db);
  const other = await seedProject(db);
  const { runId, jobIds } = await seedRun(db, project);
  projectId = project.projectId;
  callers = await makeCallers(db, {
    organisationId: project.organisationId,
    projectId: project.projectId,
    otherOrganisationId: other.organisationId,
    otherProjectId: other.projectId,
  });
  const [organisation] = project.name.split("/");
  values = {
    ...{ organisation: organisation!, project: "app", run: runId, job: jobIds[0]! },
    ...{ attempt: runId, user: "reader", token: "1", name: "NAME", schedule: "night", class: "default" },
    ...{ number: "1", artifact: "1", upload: "0123456789abcdef", part: "0", handler: "receiver" },
  };
}, 60_000);
afterAll(() => database[Symbol.asyncDispose]());

beforeEach(async () => {
  const keep = (fields: Record<string, unknown>, message: string) =>
    void lines.push(`${message} ${JSON.stringify(fields)}`);
  const log = { debug: keep, info: keep, warn: keep, error: keep };
  const router = createRouter({
    routes: endpointList.map(endpoint => ({
      endpoint,
      async handle(call) {
        principals.push(call.principal);
        throw problem(418, "admitted", "Admitted", "the gate has let it in");
      },
    })),
    gate: createGate({ db: database.db, cookies: { secure: false }, origin: "https://ci.example.org" }),
    log,
  });
  const handlers = [router];
  listener = await openListener({ address: "127.0.0.1:0", handlers, log, clock: systemClock, graceMs: 50 });
});
afterEach(() => listener[Symbol.asyncDispose]());

/** Bodies are missing: whoever is let in is told so, or gets to the handler. */
const letIn = [415, 418, 422];

async function status(endpoint: Endpoint, headers: Record<string, string | undefined>): Promise<number> {
  const path = endpoint.path.replace(/\{(\w+)(\.\.\.)?\}/g, (_, name: string) => {
    expect(values, `a value for {${name}} of ${endpoint.id}`).toHaveProperty(name);
    return values[name]!;
  });
  const given = Object.entries(headers).filter((pair): pair is [string, string] => pair[1] !== undefined);
  const response = await fetch(`${listener.url}/api/v1${path}`, {
    method: endpoint.method,
    headers: Object.fromEntries(given),
  });
  const body = (await response.json()) as { code: string; detail: string };
  if (response.status === 401) expect(response.headers.get("www-authenticate")).toMatch(/^Bearer/);
  // Who sees a thing learns which role it takes; who does not, learns nothing of it.
  if (response.status === 404) expect(JSON.stringify(body)).not.toContain("app");
  return response.status;
}

describe.each([false, true])("a project that is public: %s", isPublic => {
  beforeAll(() => database.db.query("update projects set public = $1 where id = $2", [isPublic, projectId]));

  test.each(callerNames)("%s: each endpoint lets in, hides or refuses as it says", async caller => {
    for (const endpoint of endpointList) {
      const got = await status(endpoint, { authorization: callers.authorization[caller] });
      const wanted = expectedAccess(endpoint.access, caller, isPublic);
      const isRight = wanted === "in" ? letIn.includes(got) : got === wanted;
      expect(isRight, `${endpoint.id} as ${caller}: ${got}, and not ${wanted}`).toBe(true);
    }
  });
});

test("there is no way around: what is not there looks like what one may not see", async () => {
  const strange = { authorization: callers.authorization["owner of another organisation"]! };
  await database.db.query("update projects set public = false where id = $1", [projectId]);
  const { organisation } = values;
  const hidden = await fetch(`${listener.url}/api/v1/projects/${organisation}/app`, { headers: strange });
  const missing = await fetch(`${listener.url}/api/v1/projects/${organisation}/none`, { headers: strange });
  expect([hidden.status, await hidden.text()]).toEqual([missing.status, await missing.text()]);
});

describe("a browser's session", () => {
  const cookie = async () => {
    const { secret, csrf } = await startSession(database.db, callers.userIds.owner);
    return { cookie: `a=b; slipway=${secret}; c=d`, csrf };
  };
  const path = () => `${listener.url}/api/v1/projects/${values.organisation}/app`;
  const codeOf = async (response: Response) => ((await response.json()) as { code: string }).code;

  test("counts for looking, and for changing only with its csrf value", async () => {
    const { cookie: value, csrf } = await cookie();
    const call = (method: string, headers: Record<string, string>) =>
      fetch(path(), { method, headers: { cookie: value, ...headers } }).then(codeOf);
    expect(await call("GET", {})).toBe("admitted");
    expect(await call("DELETE", {})).toBe("csrf");
    expect(await call("DELETE", { "x-slipway-csrf": "wrong" })).toBe("csrf");
    expect(await call("DELETE", { "x-slipway-csrf": csrf })).toBe("admitted");
    const ours = { "x-slipway-csrf": csrf, origin: "https://ci.example.org" };
    expect(await call("DELETE", ours)).toBe("admitted");
    expect(await call("DELETE", { ...ours, origin: listener.url })).toBe("admitted");
    expect(await call("DELETE", { ...ours, origin: "https://evil.example.org" })).toBe("csrf");
    expect(await call("DELETE", { ...ours, origin: "null" })).toBe("csrf");
  });

  test("of another name, another form, a run out or an ended one counts for nothing", async () => {
    const { cookie: value } = await cookie();
    const secret = value.split("slipway=")[1]!.split(";")[0]!;
    for (const wrong of [
      `__Host-slipway=${secret}`,
      `slipway=${secret}x`,
      "slipway=",
      `slipway="${secret}"`,
      "=",
      ";",
    ]) {
      expect(await codeOf(await fetch(path(), { headers: { cookie: wrong } })), wrong).toBe("sign-in");
    }
    await database.db.query("update sessions set expires_at = now() - interval '1 s'");
    expect(await codeOf(await fetch(path(), { headers: { cookie: value } }))).toBe("sign-in");
    await database.db.query("update sessions set expires_at = now() + interval '1 day'");
    expect(await codeOf(await fetch(path(), { headers: { cookie: value } }))).toBe("admitted");
    await database.db.query("delete from sessions");
    expect(await codeOf(await fetch(path(), { headers: { cookie: value } }))).toBe("sign-in");
  });

  test("does not get in the way of signing in, which no other site can do", async () => {
    const { cookie: value } = await cookie();
    const signIn = (headers: Record<string, string>) =>
      fetch(`${listener.url}/api/v1/session`, {
        method: "POST",
        headers: { cookie: value, ...headers },
      }).then(codeOf);
    expect(await signIn({})).toBe("validation");
    expect(await signIn({ origin: "https://evil.example.org" })).toBe("csrf");
  });
});

test("a token's use is written down, at most once a minute", async () => {
  const used = async () => {
    const rows = await database.db.query<{ last_used_at: Date | null }>(
      "select last_used_at from tokens where user_id = $1 and role is null and expires_at is null",
      [callers.userIds.reporter],
    );
    return rows[0]!.last_used_at;
  };
  const call = () =>
    fetch(`${listener.url}/api/v1/session`, { headers: { authorization: callers.authorization.reporter! } });
  await database.db.query("update tokens set last_used_at = now() - interval '59 seconds'");
  const before = await used();
  await call();
  expect(await used()).toEqual(before);
  await database.db.query("update tokens set last_used_at = now() - interval '61 seconds'");
  await call();
  await expect.poll(async () => Date.now() - (await used())!.getTime() < 30_000).toBe(true);
});

test("nobody's token stands in a log or in an answer, and only hashes in the database", async () => {
  const secrets = Object.values(callers.authorization).flatMap(header => header?.split(" ")[1] ?? []);
  const rows = await database.db.query("select * from tokens");
  const kept = [...lines, JSON.stringify(rows), JSON.stringify(principals)].join("\n");
  for (const secret of secrets) expect(kept.includes(secret)).toBe(false);
  expect(principals.length).toBeGreaterThan(100);
});
