import http from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type Callers, makeCallers } from "../../../auth/fixtures/callers.ts";
import { openListener } from "../../../http/listener.ts";
import { openServerLog } from "../../../http/server-log.ts";
import { systemClock } from "../../../lib/clock.ts";
import { seedProject } from "../../../queue/postgres/fixtures/seed.ts";
import { startTestDatabase, type TestDatabase } from "../../../queue/postgres/fixtures/test-database.ts";
import { type GatedServer, serveGated } from "../fixtures/serve-gated.ts";
import { createHandlerGateway } from "./handler-gateway.ts";
import { handlerRoutes } from "./handler-routes.ts";

let database: TestDatabase;
let server: GatedServer;
let callers: Callers;
let inCluster = false;
let changes = 0;

beforeAll(async () => {
  database = await startTestDatabase();
}, 60_000);
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  const { db } = database;
  await db.query("truncate organisations, users, tokens, audit_log, idempotency_keys, handlers cascade");
  const [project, other] = [await seedProject(db), await seedProject(db)];
  callers = await makeCallers(db, {
    ...{ organisationId: project.organisationId, projectId: project.projectId },
    ...{ otherOrganisationId: other.organisationId, otherProjectId: other.projectId },
  });
  changes = 0;
  const changed = () => void changes++;
  server = await serveGated(db, handlerRoutes({ db, inCluster, changed }));
});
afterEach(() => server[Symbol.asyncDispose]());

const as = (who: keyof Callers["authorization"]) => ({ authorization: callers.authorization[who] });
const set = (name: string, body: object, who: keyof Callers["authorization"] = "admin") =>
  server.call<{ path: string; code: string; url: string }>("PUT", `/handlers/${name}`, { ...as(who), body });

test("a handler is registered, listed, changed and withdrawn, and each is told and kept in the audit log", async () => {
  expect(await set("chat", { url: "http://127.0.0.1:9000/" })).toMatchObject({
    ...{ status: 200, body: { name: "chat", path: "/handlers/chat", url: "http://127.0.0.1:9000" } },
  });
  await set("chat", { url: "http://127.0.0.1:9001" });
  const { body } = await server.call<{ items: object[] }>("GET", "/handlers", as("admin"));
  expect(body.items).toMatchObject([{ name: "chat", url: "http://127.0.0.1:9001", service: null }]);
  expect((await server.call("DELETE", "/handlers/chat", as("admin"))).status).toBe(204);
  expect((await server.call("DELETE", "/handlers/chat", as("admin"))).status).toBe(404);
  expect(changes).toBe(3);
  const log = await database.db.query<{ action: string }>("select action from audit_log order by id");
  expect(log.map(({ action }) => action)).toEqual(["handler.set", "handler.set", "handler.removed"]);
});

test("only administrators may", async () => {
  for (const who of ["owner", "maintainer", "reader"] as const) {
    expect((await set("chat", { url: "http://127.0.0.1:9000" }, who)).status).toBe(403);
    expect((await server.call("GET", "/handlers", as(who))).status).toBe(403);
  }
  expect(changes).toBe(0);
});

test.each([
  [{ url: "ftp://127.0.0.1" }],
  [{ url: "http://127.0.0.1:9000/below" }],
  [{ url: "http://somebody:secret@127.0.0.1" }],
  [{ url: "nonsense" }],
  [{ service: "Chat", port: 80 }],
  [{ service: "chat", port: 0 }],
  [{ url: "http://127.0.0.1", service: "chat", port: 80 }],
  [{}],
])("%j is refused", async body => {
  expect((await set("chat", body)).status).toBe(422);
});

test("a Service needs a cluster", async () => {
  expect(await set("chat", { service: "chat", port: 80 })).toMatchObject({
    ...{ status: 409, body: { code: "no-cluster", hint: expect.stringContaining("--url") } },
  });
  inCluster = true;
  try {
    const { db } = database;
    await using other = await serveGated(db, handlerRoutes({ db, inCluster, changed: () => {} }));
    const body = { service: "chat", port: 80 };
    const put = await other.call("PUT", "/handlers/chat", { ...as("admin"), body });
    expect(put).toMatchObject({ status: 200, body: { service: "chat", port: 80, url: null } });
  } finally {
    inCluster = false;
  }
});

test("calls go to the handler with their path and without anybody's session, and its pages are boxed in", async () => {
  const seen: http.IncomingMessage[] = [];
  const stranger = http.createServer((request, response) => {
    seen.push(request);
    response.setHeader("set-cookie", "slipway=stolen; Path=/");
    response.setHeader("content-security-policy", "script-src *");
    response.end("<script>1</script>");
  });
  await new Promise<void>(resolve => stranger.listen(0, "127.0.0.1", resolve));
  const { port } = stranger.address() as AddressInfo;
  using gateway = createHandlerGateway(database.db, systemClock);
  const log = openServerLog("info", () => {});
  await using door = await openListener({
    ...{ address: "127.0.0.1:0", handlers: [gateway.handler], log, clock: systemClock, graceMs: 100 },
  });
  try {
    const ask = (path: string) => fetch(`${door.url}${path}`, { headers: { cookie: "slipway=mine" } });
    const before = await ask("/handlers/chat/push?x=1");
    expect([before.status, await before.json()]).toMatchObject([404, { code: "not-found" }]);
    await set("chat", { url: `http://127.0.0.1:${port}` });
    gateway.changed();
    const answer = await ask("/handlers/chat/push?x=1");
    expect(await answer.text()).toBe("<script>1</script>");
    expect(answer.headers.get("set-cookie")).toBeNull();
    expect(answer.headers.get("content-security-policy")).toBe("sandbox; default-src 'none'");
    expect(seen.map(({ url, headers }) => [url, headers.cookie])).toEqual([
      ["/handlers/chat/push?x=1", undefined],
    ]);
    await set("chat", { url: "http://127.0.0.1:1" });
    gateway.changed();
    expect((await ask("/handlers/chat")).status).toBe(503);
    expect((await ask("/handlers/chatter")).status).toBe(404);
    expect((await ask("/handlers/")).status).toBe(404);
  } finally {
    stranger.closeAllConnections();
    await new Promise(resolve => stranger.close(resolve));
  }
});
