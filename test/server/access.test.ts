// Each endpoint against each caller, generated from the table of endpoints, on a whole server: what is put together for
// people lets nobody through who should not be, and shows nobody what they may not see.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RunningServer } from "../../src/app/server/running-server.ts";
import { serve } from "../../src/app/server/serve.ts";
import { readSettings, type ServerSettings } from "../../src/app/server/settings.ts";
import { type CallerName, type Callers, callerNames, makeCallers } from "../../src/auth/fixtures/callers.ts";
import { expectedAccess } from "../../src/auth/fixtures/expected-access.ts";
import type { Endpoint } from "../../src/endpoints/endpoint.ts";
import { endpointList } from "../../src/endpoints/table.ts";
import { openServerLog } from "../../src/http/server-log.ts";
import { seedProject, seedRun } from "../../src/queue/postgres/fixtures/seed.ts";
import { startTestDatabase, type TestDatabase } from "../../src/queue/postgres/fixtures/test-database.ts";
import { migrate } from "../../src/store/migrate.ts";
import { openSecretBox } from "../../src/store/secret-box.ts";

const secretKey = Buffer.alloc(32, 7);
const directory = mkdtempSync(path.join(tmpdir(), "slipway-access-"));
const lines: string[] = [];
let database: TestDatabase;
let settings: ServerSettings;
let callers: Callers;
let values: Record<string, string>;
let projectId: number;

beforeAll(async () => {
  database = await startTestDatabase();
  const { db, url } = database;
  await db.query("drop schema public cascade; create schema public");
  await migrate(db);
  const env = {
    SLIPWAY_ROLES: "api,logs",
    SLIPWAY_LISTEN: "127.0.0.1:0",
    SLIPWAY_RUNNER_LISTEN: "127.0.0.1:0",
    SLIPWAY_DATA_DIR: directory,
    SLIPWAY_DATABASE_URL: url,
    SLIPWAY_SECRET_KEY: secretKey.toString("base64"),
  };
  const read = readSettings({ flags: {}, env, file: undefined });
  if (!read.ok) throw new Error(read.refusal.message);
  settings = read.value.settings;
  const project = await seedProject(db);
  const other = await seedProject(db);
  const secret = Buffer.from(openSecretBox([secretKey]).seal(Buffer.from("hook")));
  await db.query("update projects set webhook_secret = $1", [secret]);
  const { runId, jobIds } = await seedRun(db, project);
  projectId = project.projectId;
  callers = await makeCallers(
    db,
    {
      ...{ organisationId: project.organisationId, projectId },
      ...{ otherOrganisationId: other.organisationId, otherProjectId: other.projectId },
    },
    "some-",
  );
  const [organisation] = project.name.split("/");
  values = {
    ...{ organisation: organisation!, project: "app", run: runId, job: jobIds[0]!, attempt: runId },
    ...{ user: "some-reader", token: "1", name: "NAME", schedule: "night", class: "default" },
    ...{ number: "1", artifact: "1", handler: "chat", upload: "an-upload-of-one", part: "0" },
  };
}, 120_000);
afterAll(async () => {
  await database?.[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

function start(): Promise<RunningServer> {
  const log = openServerLog("debug", line => void lines.push(line));
  return serve({ settings, log, version: "test", environment: {} });
}

const pathOf = ({ path: template }: Endpoint) =>
  template.replace(/\{(\w+)(\.\.\.)?\}/g, (_, name: string) => values[name]!);

async function call(url: string, endpoint: Endpoint, caller: CallerName): Promise<[number, string]> {
  const authorization = callers.authorization[caller];
  const response = await fetch(url, {
    method: endpoint.method,
    headers: authorization === undefined ? {} : { authorization },
  });
  if (response.headers.get("content-type")?.startsWith("text/event-stream") === true) {
    await response.body?.cancel();
    return [response.status, ""];
  }
  return [response.status, await response.text()];
}

/** What is wrong with the answers of all endpoints to all callers. */
async function wrongAnswers(
  isPublic: boolean,
  endpoints: readonly Endpoint[],
  query: string,
  isIn: (status: number, text: string) => boolean,
): Promise<string[]> {
  await database.db.query("update projects set public = $1 where id = $2", [isPublic, projectId]);
  await using server = await start();
  const wrong: string[] = [];
  const left = [...callerNames];
  const next = async () => {
    for (let caller = left.pop(); caller !== undefined; caller = left.pop()) {
      for (const endpoint of endpoints) {
        const url = `${server.url}/api/v1${pathOf(endpoint)}${query}`;
        const [status, text] = await call(url, endpoint, caller);
        const wanted = expectedAccess(endpoint.access, caller, isPublic);
        if (wanted === "in" ? isIn(status, text) : status === wanted) continue;
        wrong.push(`${endpoint.id} for ${caller}: ${status} instead of ${wanted}: ${text.slice(0, 200)}`);
      }
    }
  };
  await Promise.all([next(), next(), next(), next()]);
  return wrong;
}

test.each([false, true])(
  "of a project that is public: %s, everybody may what the table says",
  async isPublic => {
    // Nothing is done: who is let in is told that no endpoint knows this.
    const unknown = (status: number, text: string) => status === 422 && text.includes("no-such-field");
    expect(await wrongAnswers(isPublic, endpointList, "?no-such-field=1", unknown)).toEqual([]);
  },
);

test.each([false, true])("of a project that is public: %s, everybody reads what they may", async isPublic => {
  const read = endpointList.filter(({ method }) => method === "GET");
  const isAnswer = (status: number) => [200, 204, 404, 410, 422].includes(status);
  expect(await wrongAnswers(isPublic, read, "", isAnswer)).toEqual([]);
});

test("the runners' listener knows no endpoint of people, whoever asks", async () => {
  await using server = await start();
  const wrong: string[] = [];
  for (const endpoint of endpointList) {
    for (const caller of ["nobody", "admin", "worker", "runner's key"] as const) {
      const [status] = await call(`${server.runnerUrl}/api/v1${pathOf(endpoint)}`, endpoint, caller);
      if (status !== 404) wrong.push(`${endpoint.id} for ${caller}: ${status}`);
    }
  }
  expect(wrong).toEqual([]);
});

test("nobody's token stands in the log, and nothing has failed", () => {
  const log = lines.join("");
  for (const authorization of Object.values(callers.authorization)) {
    const secret = authorization?.split(" ")[1];
    if (secret !== undefined && secret.length > 20) expect(log.includes(secret)).toBe(false);
  }
  expect(lines.filter(line => /"level":"error"/.test(line))).toEqual([]);
});
