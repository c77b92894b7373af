import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { emptyTables, type SeedProject, seedProject, seedRun } from "../queue/postgres/fixtures/seed.ts";
import { startTestDatabase, type TestDatabase } from "../queue/postgres/fixtures/test-database.ts";
import type { Queryable } from "./database.ts";
import { rotateSecrets, sealedColumns } from "./rotate-secrets.ts";
import { openSecretBox, type SecretBox } from "./secret-box.ts";

const [oldKey, newKey] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
const oldBox = openSecretBox([oldKey]);
const both = openSecretBox([newKey, oldKey]);
const newBox = openSecretBox([newKey]);
const noSignal = new AbortController().signal;

let database: TestDatabase;
let project: SeedProject;

beforeAll(async () => {
  database = await startTestDatabase();
}, 60_000);
afterAll(() => database[Symbol.asyncDispose]());

/** One value in every sealed column; the text is the column's name. */
beforeEach(async () => {
  const { db } = database;
  await emptyTables(db);
  await db.query("truncate idempotency_keys");
  project = await seedProject(db);
  await seedRun(db, project);
  await db.query("update projects set webhook_secret = $1, credential = $2", [
    ...[sealed(oldBox, "webhook_secret"), sealed(oldBox, "credential")],
  ]);
  await variable("NAME", sealed(oldBox, "value"));
  await db.query(
    "insert into schedules (project_id, name, cron, variables, next_at) values ($1, 'night', '0 0 * * *', $2, now())",
    [project.projectId, sealed(oldBox, "variables")],
  );
  await db.query("update runs set trigger_variables = $1", [sealed(oldBox, "trigger_variables")]);
  await db.query("update jobs set literal_secrets = $1", [sealed(oldBox, "literal_secrets")]);
  const body = JSON.stringify(sealed(oldBox, '{"secret":"answer"}').toString("base64"));
  await db.query(
    "insert into idempotency_keys (principal, key, request_hash, status, body) values ('user:1', 'k', '\\x00', 201, $1)",
    [body],
  );
});

function sealed(box: SecretBox, text: string): Buffer {
  return Buffer.from(box.seal(Buffer.from(text)));
}

async function variable(name: string, value: Buffer): Promise<void> {
  await database.db.query(
    `insert into variables (organisation_id, project_id, name, protected, value, key_id)
     values ($1, $2, $3, true, $4, $5)`,
    [project.organisationId, project.projectId, name, value, oldBox.keyId],
  );
}

const opened = (box: SecretBox, bytes: Uint8Array) => Buffer.from(box.open(bytes)).toString();

async function readAll(db: Queryable, box: SecretBox): Promise<string[]> {
  const texts: string[] = [];
  for (const { table, column } of sealedColumns) {
    const rows = await db.query<{ sealed: Buffer }>(`select ${column} as sealed from ${table} order by id`);
    texts.push(...rows.map(row => opened(box, row.sealed)));
  }
  const [answer] = await db.query<{ body: string }>("select body from idempotency_keys");
  return [...texts, opened(box, Buffer.from(answer!.body, "base64"))];
}

test("every column with bytes that are sealed is known", async () => {
  const found = await database.db.query<{ at: string }>(
    `select table_name || '.' || column_name as at from information_schema.columns
     where table_schema = 'public' and data_type = 'bytea' order by 1`,
  );
  const notSealed = [/hash$/, /^log_/, /\.sha256$/, /^blobs\./];
  expect(found.map(({ at }) => at).filter(at => !notSealed.some(pattern => pattern.test(at)))).toEqual(
    sealedColumns.map(({ table, column }) => `${table}.${column}`).sort(),
  );
});

test("everything is sealed with the newest key, which alone opens it then", async () => {
  const { db } = database;
  const before = await readAll(db, oldBox);
  const counts = { variables: 1, projects: 2, schedules: 1, runs: 1, jobs: 1, idempotency_keys: 1 };
  expect(await rotateSecrets(db, both, noSignal)).toEqual(counts);
  expect(await readAll(db, newBox)).toEqual(before);
  expect(await db.query("select distinct key_id from variables")).toEqual([{ key_id: newBox.keyId }]);
});

test("a second time there is nothing left to do", async () => {
  const { db } = database;
  await rotateSecrets(db, both, noSignal);
  const none = { variables: 0, projects: 0, schedules: 0, runs: 0, jobs: 0, idempotency_keys: 0 };
  expect(await rotateSecrets(db, both, noSignal)).toEqual(none);
  expect(await rotateSecrets(db, newBox, noSignal)).toEqual(none);
});

test("more rows than a batch has are all done", async () => {
  const { db } = database;
  await db.query(
    `insert into variables (organisation_id, project_id, name, protected, value, key_id)
     select $1, $2, 'MANY_' || n, true, $3, $4 from generate_series(1, 4100) n`,
    [project.organisationId, project.projectId, sealed(oldBox, "many"), oldBox.keyId],
  );
  expect(await rotateSecrets(db, both, noSignal)).toMatchObject({ variables: 4101 });
  const left = await db.query("select 1 from variables where key_id <> $1", [newBox.keyId]);
  expect(left).toEqual([]);
});

test("what cannot be opened is named and stays, and the rest is done", async () => {
  const { db } = database;
  const stranger = sealed(openSecretBox([Buffer.alloc(32, 3)]), "stranger");
  await variable("STRANGE", stranger);
  await variable("CUT", stranger.subarray(0, 3));
  await variable("LAST", sealed(oldBox, "last"));
  await expect(rotateSecrets(db, both, noSignal)).rejects.toMatchObject({
    code: "secrets-left",
    message: expect.stringMatching(
      /^2 sealed values cannot be opened, the first is value of variables \d+: /,
    ),
  });
  const rows = await db.query<{ name: string; value: Buffer }>(
    "select name, value from variables order by id",
  );
  expect(rows.map(({ name }) => name)).toEqual(["NAME", "STRANGE", "CUT", "LAST"]);
  expect(rows[1]!.value.equals(stranger)).toBe(true);
  expect(opened(newBox, rows[3]!.value)).toBe("last");
});

test("a value that somebody sets meanwhile is not undone", async () => {
  const { db } = database;
  const fresh = sealed(newBox, "fresh");
  const between = {
    ...db,
    async transact<T>(work: (tx: Queryable) => Promise<T>) {
      await db.query("update variables set value = $1 where name = 'NAME'", [fresh]);
      return db.transact(work);
    },
  };
  expect(await rotateSecrets(between, both, noSignal)).toMatchObject({ variables: 0, projects: 2 });
  const [row] = await db.query<{ value: Buffer }>("select value from variables");
  expect(row!.value.equals(fresh)).toBe(true);
});

test("it stops by its signal", async () => {
  const ended = AbortSignal.abort(new Error("enough"));
  await expect(rotateSecrets(database.db, both, ended)).rejects.toThrow("enough");
});
