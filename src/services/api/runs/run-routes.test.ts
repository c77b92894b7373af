import { describe, expect, test } from "vitest";
import { seedRun } from "../../../queue/postgres/fixtures/seed.ts";
import { exchangeClaim } from "../../../queue/postgres/runner-writes.ts";
import { workerCalled } from "../../../queue/queue.contract.ts";
import { newId } from "../../../store/new-id.ts";
import { archive, useRuns } from "./fixtures/use-runs.ts";
import type { JobSummary, RunSummary } from "./run-summary.ts";

const api = useRuns();
const signal = new AbortController().signal;

describe("starting", () => {
  test("a project without a repository needs a source, and the answer says how to send one", async () => {
    const refused = await api.start({});
    expect(refused).toMatchObject({ status: 422, body: { code: "no-source" } });
    expect(refused.body.hint).toContain("slipway run --remote");
    expect(await api.db.query("select 1 from runs")).toEqual([]);
  });

  test("a run of nothing in particular is of the default branch, and waits to be planned", async () => {
    await api.withRepository();
    const { status, body } = await api.start({ variables: { TARGET: "it's; drop table runs" }, priority: 7 });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      number: 1,
      event: "manual",
      branch: "main",
      person: "somebody",
      trusted: true,
      state: "planning",
      reason: "planning",
      detail: "It is being planned.",
    });
    const [row] = await api.db.query<{ trigger_variables: Buffer; priority: number }>(
      "select trigger_variables, priority from runs",
    );
    expect(row!.trigger_variables.includes("drop table")).toBe(false);
    expect(JSON.parse(Buffer.from(api.deps.box.open(row!.trigger_variables)).toString())).toEqual({
      TARGET: "it's; drop table runs",
    });
    expect(row!.priority).toBe(7);
  });

  test("contradictions are refused", async () => {
    await api.withRepository();
    expect(await api.start({ workflow: "a", pipeline: "b" })).toMatchObject({ status: 422 });
    expect(await api.start({ branch: "a", tag: "b" })).toMatchObject({ status: 422 });
    expect(await api.start({ variables: { "1X": "" } })).toMatchObject({ status: 422 });
  });

  test("whoever is no maintainer starts trusted runs of what stands in the repository, and of nothing else", async () => {
    await api.withRepository();
    expect(await api.start({ branch: "fix" }, "reporter")).toMatchObject({ body: { trusted: true } });
    const commit = "0123456789abcdef0123456789abcdef01234567";
    expect(await api.start({ commit }, "reporter")).toMatchObject({ body: { trusted: false } });
    expect(await api.start({ commit }, "maintainer")).toMatchObject({ body: { trusted: true } });
    expect(await api.start({ commit }, "reporter")).toMatchObject({ body: { trusted: true } });
    expect(await api.start({ commit, branch: "main" }, "reporter")).toMatchObject({
      body: { trusted: false },
    });
    const { body } = await api.send(await archive());
    expect(await api.start({ source: body.source }, "reporter")).toMatchObject({ body: { trusted: false } });
    expect(await api.start({ source: body.source })).toMatchObject({ body: { trusted: true } });
  });

  test("the same again: commit, source, variables and trust stay, the person is the one who asks", async () => {
    const sent = await api.send(await archive());
    const variables = { A: "1" };
    const first = await api.start(
      { source: sent.body.source, variables, workflow: "ci", message: "try" },
      "reporter",
    );
    await api.db.query("update runs set commit_id = 'abc1234', state = 'finished', outcome = 'failed'");
    const again = await api.served.call<RunSummary>("POST", `/api/v1/runs/${first.body.id}/rerun`, {
      name: "another",
      body: {},
    });
    expect(again).toMatchObject({
      status: 201,
      body: {
        rerunOf: first.body.id,
        number: 2,
        commit: "abc1234",
        person: "another",
        trusted: false,
        workflow: "ci",
      },
    });
    const rows = await api.db.query<{ source_key: string; trigger_variables: Buffer }>(
      "select source_key, trigger_variables from runs order by id",
    );
    expect(rows[1]).toEqual(rows[0]);
  });
});

describe("seeing", () => {
  test("a list in pages, filtered; a page of another list is refused", async () => {
    await api.withRepository();
    for (const branch of ["a", "b", "a", "a"]) await api.start({ branch });
    type Page = { items: RunSummary[]; next?: string; code: string };
    const first = await api.served.call<Page>("GET", `${api.project}/runs?branch=a&limit=2`);
    expect(first.body.items.map(({ number }) => number)).toEqual([4, 3]);
    const second = await api.served.call<Page>(
      "GET",
      `${api.project}/runs?branch=a&limit=2&after=${first.body.next}`,
    );
    expect(second.body).toEqual({ items: [expect.objectContaining({ number: 1 })] });
    const bad = await api.served.call<Page>(
      "GET",
      `${api.project}/runs?after=${encodeURIComponent("' or 1=1 --")}`,
    );
    expect(bad).toMatchObject({ status: 422, body: { code: "bad-page" } });
    expect(
      await api.served.call("GET", `${api.project}/runs?person=${encodeURIComponent("' or 1=1 --")}`),
    ).toMatchObject({
      body: { items: [] },
    });
  });

  test("a run that waits says why; its jobs do; a job has its specification", async () => {
    const { runId, jobIds } = await seedRun(api.db, api.fresh.project, [{ name: "build", class: "gpu" }]);
    const { body } = await api.served.call<RunSummary & { jobs: JobSummary[] }>(
      "GET",
      `/api/v1/runs/${runId}`,
    );
    expect(body).toMatchObject({
      state: "running",
      reason: "class-without-worker",
      jobs: [{ state: "queued", reason: "class-without-worker", attempts: [] }],
    });
    expect(body.jobs[0]!.detail).toContain("No worker serves the class gpu");
    const list = await api.served.call<{ items: RunSummary[] }>("GET", `${api.project}/runs`);
    expect(list.body.items[0]).toMatchObject({ reason: "class-without-worker" });
    const found = await api.served.call("GET", `${api.project}/runs/${body.number}`);
    expect(found.body.id).toBe(runId);
    expect(await api.served.call("GET", `${api.project}/runs/99`)).toMatchObject({ status: 404 });
    const job = await api.served.call("GET", `/api/v1/jobs/${jobIds[0]}`);
    expect(job.body).toMatchObject({ name: "build", spec: { box: { id: "alpine" } } });
    await api.fresh.queue.renew(workerCalled("w", { classes: ["gpu"] }), []);
    await api.fresh.queue.claim("w", 1, 0, signal);
    const claimed = await api.served.call<RunSummary & { jobs: JobSummary[] }>(
      "GET",
      `/api/v1/runs/${runId}`,
    );
    expect(claimed.body).toMatchObject({
      reason: "",
      jobs: [{ state: "claimed", attempts: [{ worker: "w" }] }],
    });
  });

  test("what planning found stands line by line, with what to do", async () => {
    const { runId } = await seedRun(api.db, api.fresh.project, []);
    await api.db.query(
      "update runs set state = 'finished', outcome = 'failed', reason = 'bad-file', plan = $1 where id = $2",
      [{ message: "slipway.yml:3: one\nslipway.yml:9: two", hint: "mend it" }, runId],
    );
    const { body } = await api.served.call("GET", `/api/v1/runs/${runId}`);
    expect(body).toMatchObject({
      outcome: "failed",
      reason: "bad-file",
      problems: [{ message: "slipway.yml:3: one" }, { message: "slipway.yml:9: two", hint: "mend it" }],
    });
    await api.db.query("update runs set plan = $1 where id = $2", [
      { workflow: {}, warnings: ["slipway.yml:1: old"], message: "build: exit code 1" },
      runId,
    ]);
    const planned = await api.served.call("GET", `/api/v1/runs/${runId}`);
    expect(planned.body).toMatchObject({
      detail: "build: exit code 1",
      problems: [{ message: "slipway.yml:1: old" }],
    });
  });

  test("events of the newest attempt, or of one that is named, in pages", async () => {
    const { jobIds } = await seedRun(api.db, api.fresh.project, [{}]);
    const events = `/api/v1/jobs/${jobIds[0]}/events`;
    expect(await api.served.call("GET", events)).toMatchObject({ body: { items: [] } });
    const attempts = [1, 2].map(() => newId(Date.now()));
    for (const [at, id] of attempts.entries()) {
      await api.db.query(
        `insert into attempts (id, job_id, run_id, number, state, claim_hash, events_stored)
         select $1, id, run_id, $3, 'finished', '', 3 from jobs where id = $2`,
        [id, jobIds[0], at + 1],
      );
      await api.db.query(
        "insert into events (attempt_id, seq, run_id, body) select id, n, run_id, $2 from attempts, generate_series(1, 3) n where id = $1",
        [id, { type: "notice", of: at }],
      );
    }
    type Page = { items: { seq: number; attemptId: string }[]; next: string };
    const first = await api.served.call<Page>("GET", `${events}?limit=2`);
    expect(first.body.items.map(({ seq, attemptId }) => [seq, attemptId])).toEqual([
      [1, attempts[1]],
      [2, attempts[1]],
    ]);
    const rest = await api.served.call<Page>("GET", `${events}?limit=2&after=${first.body.next}`);
    expect(rest.body.items.map(({ seq }) => seq)).toEqual([3]);
    const older = await api.served.call<Page>("GET", `${events}?attempt=${attempts[0]}`);
    expect(older.body.items).toHaveLength(3);
    expect(await api.served.call("GET", `${events}?attempt=${"0".repeat(24)}`)).toMatchObject({
      status: 404,
    });
    expect(await api.served.call("GET", `${events}?after=x`)).toMatchObject({ status: 422 });
  });
});

describe("finding by text", () => {
  test("looks at messages and names, whatever the case, and goes on where it stopped", async () => {
    await api.withRepository();
    for (let count = 1; count <= 5; count++) {
      await api.start({ message: count % 2 === 0 ? `Mend the Door ${count}` : "100% of _nothing_" });
    }
    const ask = async (query: string) => {
      const { body } = await api.served.call<{ items: RunSummary[]; next?: string }>(
        "GET",
        `${api.project}/runs?${query}`,
      );
      return { numbers: body.items.map(({ number }) => number), next: body.next };
    };
    expect(await ask("text=mend+the")).toEqual({ numbers: [4, 2], next: undefined });
    const one = await ask("text=DOOR&limit=1");
    expect(one.numbers).toEqual([4]);
    expect((await ask(`text=door&limit=1&after=${one.next}`)).numbers).toEqual([2]);
    // Signs that mean something in patterns mean themselves.
    expect((await ask("text=100%25+of+_n")).numbers).toEqual([5, 3, 1]);
    expect((await ask("text=%25")).numbers).toEqual([5, 3, 1]);
    expect((await ask("text=%235")).numbers).toEqual([5]);
    expect((await ask("text=nowhere")).numbers).toEqual([]);
  });
});

describe("stopping", () => {
  test("a run is canceled with who and why; once more changes nothing", async () => {
    const { runId, jobIds } = await seedRun(api.db, api.fresh.project, [{}, {}]);
    const [claim] = await api.fresh.queue.claim("w", 1, 0, signal);
    await exchangeClaim(api.db, claim!.claimToken, "n");
    const told: string[] = [];
    api.fresh.nudges.on("attempts", id => told.push(id));
    const answer = await api.served.call("POST", `/api/v1/runs/${runId}/cancel`, {
      name: "somebody",
      body: { reason: "wrong branch" },
    });
    expect(answer.status).toBe(202);
    expect(told).toEqual([claim!.attemptId]);
    const run = await api.served.call<{ jobs: JobSummary[] }>("GET", `/api/v1/runs/${runId}`);
    const ended = run.body.jobs.find(job => job.id !== claim!.jobId);
    expect(ended).toMatchObject({ outcome: "canceled", detail: "canceled by somebody: wrong branch" });
    expect(run.body.jobs.find(job => job.id === claim!.jobId)).toMatchObject({
      state: "running",
      cancelRequested: true,
    });
    expect(await api.served.call("POST", `/api/v1/runs/${runId}/cancel`, { body: {} })).toMatchObject({
      status: 202,
    });
    const job = await api.served.call("POST", `/api/v1/jobs/${jobIds[1]}/cancel`, { body: {} });
    expect(job).toMatchObject({ status: 202 });
  });

  test("a run that is being planned is canceled at once", async () => {
    await api.withRepository();
    const { body } = await api.start({});
    const answer = await api.served.call("POST", `/api/v1/runs/${body.id}/cancel`, { body: {} });
    expect(answer.body).toMatchObject({
      state: "finished",
      outcome: "canceled",
      detail: "canceled by somebody",
    });
  });

  test("an approval that nobody asks for is refused; one that is asked for counts", async () => {
    const { jobIds } = await seedRun(api.db, api.fresh.project, [{ state: "waiting", name: "ship" }]);
    const approval = `/api/v1/jobs/${jobIds[0]}/approval`;
    expect(await api.served.call("POST", approval, { body: { decision: "approve" } })).toMatchObject({
      status: 409,
      body: { code: "not-asked" },
    });
    await api.db.query("update jobs set approval = 'wanted', reason = 'approval'");
    const list = await api.served.call<{ items: RunSummary[] }>("GET", `${api.project}/runs`);
    expect(list.body.items[0]).toMatchObject({ reason: "approval" });
    const given = await api.served.call("POST", approval, { body: { decision: "approve" } });
    expect(given).toMatchObject({ status: 200, body: { approval: "given" } });
    await api.db.query("update jobs set approval = 'wanted'");
    const refused = await api.served.call("POST", approval, { body: { decision: "refuse" } });
    expect(refused.body).toMatchObject({ outcome: "canceled", detail: "somebody did not approve it" });
  });
});
