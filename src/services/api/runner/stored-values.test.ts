import { afterAll, beforeAll, expect, test } from "vitest";
import { seedRun } from "../../../queue/postgres/fixtures/seed.ts";
import { startTestDatabase, type TestDatabase } from "../../../queue/postgres/fixtures/test-database.ts";
import { startListener } from "./fixtures/listener.ts";
import { credentialFrom, storedValues } from "./stored-values.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
}, 60_000);
afterAll(() => database[Symbol.asyncDispose]());

test("variables and the credential come opened out of the tables", async () => {
  await using listener = await startListener(database.db);
  const { db } = database;
  const { box, project } = listener;
  const sealed = (text: string) => Buffer.from(box.seal(Buffer.from(text)));
  await db.query(
    `insert into variables (organisation_id, project_id, name, protected, value, key_id)
     values ($1, null, 'PLACE', false, $3, $5), ($1, $2, 'TOKEN', true, $4, $5)`,
    [project.organisationId, project.projectId, sealed("here"), sealed("t0ken"), box.keyId],
  );
  const { jobIds } = await seedRun(db, project);
  const values = storedValues(box);
  expect(await values.variablesFor(db, jobIds[0]!)).toEqual({
    plain: [{ name: "PLACE", value: "here" }],
    protected: [{ name: "TOKEN", value: "t0ken" }],
  });
  expect(await values.credentialOf(db, project.projectId)).toBeUndefined();
  await db.query("update projects set credential = $1", [sealed("user:p:w")]);
  expect(await values.credentialOf(db, project.projectId)).toEqual({
    kind: "password",
    username: "user",
    password: "p:w",
  });
});

test("a credential is a key, a name with a password, or a token", () => {
  const key = "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----\n";
  expect(credentialFrom(key)).toEqual({ kind: "ssh-key", privateKey: key });
  expect(credentialFrom("glpat-1")).toEqual({ kind: "password", username: "git", password: "glpat-1" });
});
