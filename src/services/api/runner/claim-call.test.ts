import { afterAll, beforeAll, expect, test } from "vitest";
import type { ClaimAnswer } from "../../../endpoints/runner.ts";
import { viewJob } from "../../../queue/postgres/fixtures/seed.ts";
import { startTestDatabase, type TestDatabase } from "../../../queue/postgres/fixtures/test-database.ts";
import { openSecretBox } from "../../../store/secret-box.ts";
import type { JobValues } from "./dependencies.ts";
import { claimBody, startListener, type TestListener } from "./fixtures/listener.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase({ connections: 16 });
}, 60_000);
afterAll(() => database[Symbol.asyncDispose]());

const values: JobValues = {
  variablesFor: async () => ({
    plain: [
      { name: "PLACE", value: "here" },
      { name: "MATRIX_AXIS", value: "plain" },
      { name: "BOTH", value: "plain" },
    ],
    protected: [
      { name: "TOKEN", value: "t0ken" },
      { name: "BOTH", value: "protected" },
    ],
  }),
  credentialOf: async () => ({ kind: "password", username: "u", password: "git-password" }),
};

interface Given {
  trusted?: boolean;
  trigger?: object;
  literals?: object;
  spec?: object;
  classSettings?: object;
}

/** What the runner of a job is answered that was planned like this. */
async function claimed(listener: TestListener, given: Given) {
  const { db } = database;
  const { jobId, runId, claimToken } = await listener.claimed();
  const seal = (value: object | undefined) =>
    value === undefined ? null : Buffer.from(listener.box.seal(Buffer.from(JSON.stringify(value))));
  await db.query("update jobs set spec = spec || $2, literal_secrets = $3, trusted = $4 where id = $1", [
    jobId,
    given.spec ?? {},
    seal(given.literals),
    given.trusted ?? true,
  ]);
  await db.query("update runs set trigger_variables = $2 where id = $1", [runId, seal(given.trigger)]);
  await db.query(
    "insert into classes (name, settings) values ('default', $1) on conflict (name) do update set settings = $1",
    [given.classSettings ?? {}],
  );
  const answer = await listener.call("POST", "claim", { json: claimBody(claimToken) });
  return { ...answer, claim: answer.json as unknown as ClaimAnswer, jobId };
}

test("a trusted job gets what organisation, project, pipeline and trigger give, each in its place", async () => {
  await using listener = await startListener(database.db, { values });
  const { claim } = await claimed(listener, {
    spec: {
      environment: [
        { name: "CI", value: "true" },
        { name: "MATRIX_AXIS", value: "of the matrix" },
      ],
      secrets: [{ name: "SLIPWAY_CREDENTIAL_1", exported: false }],
      matrix: { axis: "of the matrix" },
    },
    literals: { SLIPWAY_CREDENTIAL_1: "hunter22" },
    trigger: { PLACE: "there", TOKEN: "from the trigger" },
  });
  const environment = Object.fromEntries(claim.job.environment.map(({ name, value }) => [name, value]));
  expect(environment).toMatchObject({ CI: "true", PLACE: "there", MATRIX_AXIS: "of the matrix" });
  expect(claim.job.secrets).toEqual([
    { name: "SLIPWAY_CREDENTIAL_1", exported: false },
    { name: "TOKEN", exported: true },
    { name: "BOTH", exported: true },
  ]);
  // Who may start runs may not put another value in the place of a protected one: secrets are exported last.
  expect(Object.fromEntries(claim.secrets.map(({ name, value }) => [name, value]))).toEqual({
    SLIPWAY_CREDENTIAL_1: "hunter22",
    TOKEN: "t0ken",
    BOTH: "protected",
  });
  expect(JSON.stringify(claim.job)).not.toMatch(/hunter22|t0ken/);
});

test("an untrusted job gets no value of its project", async () => {
  const asked: string[] = [];
  await using listener = await startListener(database.db, {
    values: {
      ...values,
      variablesFor: async (_, jobId) => {
        asked.push(jobId);
        return values.variablesFor(database.db, jobId);
      },
    },
  });
  const { claim } = await claimed(listener, { trusted: false, trigger: { MINE: "1" } });
  expect(claim).toMatchObject({ trusted: false, secrets: [], variables: [{ name: "MINE", value: "1" }] });
  expect(asked).toEqual([]);
  expect(JSON.stringify(claim)).not.toMatch(/t0ken|here/);
});

test("the way to the repository is told to the runner alone", async () => {
  await using listener = await startListener(database.db, { values });
  const { db } = database;
  await db.query("update projects set repository = 'https://git.example.org/app.git'");
  const { claimToken, jobId } = await listener.claimed();
  await db.query("update runs set source_key = null, commit_id = $1", ["a".repeat(40)]);
  const { json } = await listener.call("POST", "claim", { json: claimBody(claimToken) });
  const claim = json as unknown as ClaimAnswer;
  expect(claim.source).toEqual({
    kind: "git",
    repository: "https://git.example.org/app.git",
    commit: "a".repeat(40),
    ref: "refs/heads/main",
    credential: { kind: "password", username: "u", password: "git-password" },
  });
  expect(JSON.stringify([claim.job, claim.secrets, claim.variables])).not.toContain("git-password");
  const rows = await db.query<{ text: string }>(
    "select jobs::text || attempts::text as text from jobs join attempts on job_id = jobs.id where jobs.id = $1",
    [jobId],
  );
  expect(rows[0]!.text).not.toContain("git-password");
});

test("the class says what the job may", async () => {
  await using listener = await startListener(database.db, { values });
  const bare = await claimed(listener, {});
  expect(bare.claim.class).toEqual({
    name: "default",
    engine: "docker",
    allowDocker: false,
    allowVolumes: false,
    allowHostPorts: false,
  });
  expect(bare.claim.limits.timeoutMs).toBeUndefined();
  const classSettings = { engine: "host", allowVolumes: true, memoryBytes: 1e9, cpu: 2, timeoutMs: 5000 };
  const { claim } = await claimed(listener, { classSettings });
  expect(claim.class).toMatchObject({ engine: "host", allowVolumes: true, memoryBytes: 1e9, cpu: 2 });
  expect(claim.limits.timeoutMs).toBe(5000);
});

test("an untrusted job is never handed to a class on the host", async () => {
  await using listener = await startListener(database.db, { values });
  const answer = await claimed(listener, { trusted: false, classSettings: { engine: "host" } });
  expect(answer).toMatchObject({ status: 409, json: { code: "stale" } });
  expect(answer.bytes.toString()).not.toContain("swk_");
  expect((await viewJob(database.db, answer.jobId)).message).toContain("the job is not trusted");
});

test("a job that cannot be handed out ends, with what is wrong", async () => {
  await using listener = await startListener(database.db, { values });
  const { db } = database;
  const { claimToken, jobId } = await listener.claimed();
  const foreign = openSecretBox([Buffer.alloc(32, 9)]).seal(Buffer.from("{}"));
  await db.query("update jobs set literal_secrets = $1, max_attempts = 1", [Buffer.from(foreign)]);
  const answer = await listener.call("POST", "claim", { json: claimBody(claimToken) });
  expect(answer).toMatchObject({ status: 409, json: { code: "stale" } });
  const job = await viewJob(db, jobId);
  expect(job).toMatchObject({ outcome: "broken", reason: "secret-key-missing" });
  expect(job.message).toContain("SLIPWAY_SECRET_KEY");
  expect(listener.errors).toHaveLength(1);
});
