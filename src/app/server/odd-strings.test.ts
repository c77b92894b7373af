// Every endpoint of the roles api and logs, as they are put together for a server, with odd text at every place where it
// takes text: nothing fails, nothing of it is taken for SQL, and every answer is as the OpenAPI document says.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { type Callers, makeCallers } from "../../auth/fixtures/callers.ts";
import { createPasswords } from "../../auth/passwords.ts";
import { openFileBlobs } from "../../blobs/file-blobs.ts";
import type { Endpoint } from "../../endpoints/endpoint.ts";
import { endpointList } from "../../endpoints/table.ts";
import { createMetrics } from "../../http/metrics.ts";
import { openApiDocument } from "../../http/openapi.ts";
import type { Route } from "../../http/route.ts";
import { openServerLog } from "../../http/server-log.ts";
import { systemClock } from "../../lib/clock.ts";
import { type SeedProject, seedProject, seedRun } from "../../queue/postgres/fixtures/seed.ts";
import { startTestDatabase, type TestDatabase } from "../../queue/postgres/fixtures/test-database.ts";
import { openNudges } from "../../queue/postgres/nudges.ts";
import { openRunnerKeys } from "../../queue/postgres/runner-keys.ts";
import { type GatedServer, serveGated, testBox } from "../../services/api/fixtures/serve-gated.ts";
import { peopleRoutes } from "../../services/api/people/people-routes.ts";
import { createSignInLimits } from "../../services/api/people/sign-in-limits.ts";
import { openApiRole } from "./api-role.ts";
import { exampleOf, type JsonSchema } from "./fixtures/example-values.ts";
import { openLogsRole } from "./logs-role.ts";
import { type Platform, random } from "./platform.ts";
import { readSettings } from "./settings.ts";

const odd = [
  "'; drop table users; --",
  '\\\' or ""="" $1 $$ %s %_ ${x} {{x}}',
  "../../../../etc/passwd",
  "<script>\u202eabc\ufeff\u{1f4a9}</script>",
  "line\r\nx-evil: 1",
  // PostgreSQL takes no such text.
  "a\0b",
  "-1",
  "9".repeat(40),
  "A".repeat(5000),
];

let database: TestDatabase;
let stack: AsyncDisposableStack;
let routes: Route[];
let callers: Callers;
let project: SeedProject;
let values: Record<string, string>;
const directory = mkdtempSync(path.join(tmpdir(), "slipway-odd-"));

beforeAll(async () => {
  database = await startTestDatabase();
  stack = new AsyncDisposableStack();
  const { db, url } = database;
  const read = readSettings({ flags: {}, env: {} });
  if (!read.ok) throw new Error(read.refusal.message);
  const platform: Platform = {
    ...{ settings: read.value.settings, directory, databaseUrl: url, db, box: testBox(), clock: systemClock },
    nudges: stack.use(await openNudges(db, systemClock)),
    blobs: stack.use(await openFileBlobs(path.join(directory, "blobs"), random)),
    log: openServerLog("error", () => undefined),
    metrics: createMetrics(),
    random,
  };
  const keys = openRunnerKeys(db, systemClock);
  // Guesses of passwords cost what they should; here they would be most of the time.
  const passwords = createPasswords({ cost: { n: 2, r: 8, p: 1 } });
  const guesses = createSignInLimits(systemClock);
  const people = peopleRoutes({ db, cookies: { secure: false }, passwords, guesses, addressOf: () => "" });
  const cheap = new Map(people.map(route => [route.endpoint.id, route]));
  routes = [
    ...openApiRole(platform, keys, "http://ci.example.org", stack).routes,
    ...(await openLogsRole(platform, keys, stack)).routes,
  ].map(route => cheap.get(route.endpoint.id) ?? route);
}, 60_000);
afterAll(async () => {
  await stack.disposeAsync();
  await database[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

let isFresh = false;

/** Calls that only look leave it as it is. */
async function freshPlaces(): Promise<void> {
  if (isFresh) return;
  const { db } = database;
  await db.query(
    "truncate organisations, users, tokens, workers, blobs, classes, audit_log, idempotency_keys cascade",
  );
  project = await seedProject(db);
  const other = await seedProject(db);
  const { runId, jobIds } = await seedRun(db, project);
  callers = await makeCallers(db, {
    ...{ organisationId: project.organisationId, projectId: project.projectId },
    ...{ otherOrganisationId: other.organisationId, otherProjectId: other.projectId },
  });
  const [organisation] = project.name.split("/");
  values = {
    ...{ organisation: organisation!, project: "app", run: runId, job: jobIds[0]!, attempt: runId },
    ...{
      user: "reader",
      token: "1",
      name: "NAME",
      schedule: "night",
      class: "default",
      number: "1",
      artifact: "1",
    },
  };
  isFresh = true;
}

const schemaOf = (schema: z.ZodType) =>
  z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as JsonSchema;

interface OddCall {
  what: string;
  path: string;
  body: unknown;
}

/** The plain call; one with odd text everywhere; and for each parameter of path and query one with odd text just there. */
function callsOf(endpoint: Endpoint, text: string | undefined): OddCall[] {
  const fill = (params: Record<string, string>) =>
    endpoint.path.replace(/\{(\w+)(\.\.\.)?\}/g, (_, name: string) =>
      encodeURIComponent(params[name] ?? "x"),
    );
  const query = exampleOf(schemaOf(endpoint.query), text) as Record<string, unknown>;
  const queryText = (fields: Record<string, unknown>) => {
    const search = new URLSearchParams(
      Object.entries(fields).map(([name, each]): [string, string] => [name, String(each)]),
    );
    return `?${search}`;
  };
  const hasBody = !(endpoint.body instanceof z.ZodUndefined);
  const body = hasBody ? exampleOf(schemaOf(endpoint.body), text) : undefined;
  const calls: OddCall[] = [{ what: "body", path: fill(values), body }];
  for (const name of Object.keys(query)) {
    const value = text ?? String(query[name]);
    calls.push({ what: `query ${name}`, path: fill(values) + queryText({ [name]: value }), body });
  }
  if (Object.keys(query).length > 0)
    calls.push({ what: "query", path: fill(values) + queryText(query), body });
  if (text !== undefined) {
    for (const [, name] of endpoint.path.matchAll(/\{(\w+)/g))
      calls.push({ what: `path ${name}`, path: fill({ ...values, [name!]: text }), body });
  }
  return calls;
}

interface Operation {
  responses: Record<string, { content?: Record<string, { schema: object }> }>;
}
const document = openApiDocument(endpointList, "1.0.0") as {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: { Problem: object } };
};
const ajv = new Ajv2020({ strict: false, validateFormats: false });
const isProblem = ajv.compile(document.components.schemas.Problem);

/** By an independent mind, from the document alone. */
function answerCheck({ path: template, method, status = 200 }: Endpoint): ValidateFunction | undefined {
  const operation = document.paths[`/api/v1${template.replaceAll("...}", "}")}`]![method.toLowerCase()]!;
  const schema = operation.responses[status]?.content?.["application/json"]?.schema;
  return schema === undefined ? undefined : ajv.compile(schema);
}

/** What of the answer is not as the document says. */
async function faultOf(response: Response, check: ValidateFunction | undefined): Promise<string | undefined> {
  const type = response.headers.get("content-type");
  if (type !== "application/json" && type !== "application/problem+json") {
    // A stream of events that does not end is left.
    await response.body?.cancel();
    return undefined;
  }
  const validate = response.ok ? check : isProblem;
  const body: unknown = await response.json();
  if (validate === undefined) return "the document knows of no answer";
  return validate(body) ? undefined : ajv.errorsText(validate.errors);
}

async function answerOf(server: GatedServer, endpoint: Endpoint, call: OddCall): Promise<Response> {
  const who = endpoint.access.to === "worker" ? "worker" : "admin";
  const stream = endpoint.streams?.request;
  return fetch(`${server.url}/api/v1${call.path}`, {
    method: endpoint.method,
    headers: {
      authorization: callers.authorization[who]!,
      "content-type": stream ?? "application/json",
    },
    ...(call.body === undefined && stream === undefined ? {} : { body: stream ?? JSON.stringify(call.body) }),
  });
}

test("there is a handler for every endpoint", () => {
  expect(routes.map(({ endpoint }) => endpoint.id).sort()).toEqual(endpointList.map(({ id }) => id).sort());
});

test.each(endpointList.map(endpoint => [endpoint.id, endpoint] as const))(
  "%s takes odd text for text",
  { timeout: 30_000 },
  async (_, endpoint) => {
    await freshPlaces();
    isFresh = endpoint.method === "GET";
    const { db } = database;
    const users = () =>
      db.query("select name from users where name in ('owner', 'admin', 'reader') order by name");
    const before = await users();
    await using server = await serveGated(db, routes);
    const calls = [undefined, ...odd].flatMap(text => callsOf(endpoint, text));
    const check = answerCheck(endpoint);
    const wrong: string[] = [];
    const next = async () => {
      for (let call = calls.pop(); call !== undefined; call = calls.pop()) {
        const response = await answerOf(server, endpoint, call);
        const { status } = response;
        const isRight = status >= 200 && status < 500 && !notLetIn(endpoint, status);
        const fault = await faultOf(response, check);
        if (!isRight || fault !== undefined)
          wrong.push(`${status} for ${call.what}: ${fault ?? ""} ${JSON.stringify(call).slice(0, 200)}`);
      }
    };
    await Promise.all([next(), next(), next(), next()]);
    expect(wrong.slice(0, 3)).toEqual([]);
    expect(server.lines.join("\n")).toBe("");
    expect(await users()).toEqual(before);
  },
);

/** The caller may do all of it, but for what the call itself gets wrong. */
function notLetIn({ id }: Endpoint, status: number): boolean {
  if (id === "signIn" || id === "signInWithToken") return status === 403;
  return status === 401 || (status === 403 && id !== "workerRenew" && id !== "workerClaim");
}
