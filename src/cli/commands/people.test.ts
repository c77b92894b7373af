// What administrators and owners set and look up by command, against the stand-in.

import { mkdtempSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { callProgram } from "../fixtures/call-program.ts";
import { type StandInAnswers, startStandIn } from "../fixtures/stand-in-server.ts";

const time = "2026-01-02T03:04:05.000Z";

async function call(args: string[], answers: StandInAnswers) {
  await using server = await startStandIn(answers);
  const cwd = mkdtempSync(path.join(os.tmpdir(), "slipway-people-"));
  const env = { HOME: cwd, SLIPWAY_SERVER: server.url, SLIPWAY_TOKEN: "swp_test" };
  const called = await callProgram(args, { cwd, env });
  return { ...called, asked: server.asked };
}

test("organisations set: share and quota, and none at all", async () => {
  const answers: StandInAnswers = {
    changeOrganisation: ({ body }) => ({
      ...{ name: "shop", weight: 1, maxRunningJobs: null, createdAt: time },
      ...(body as object),
    }),
  };
  const set = await call(["organisations", "set", "shop", "weight=5", "jobs=20"], answers);
  expect(set.asked[0]).toMatchObject({
    params: { organisation: "shop" },
    body: { weight: 5, maxRunningJobs: 20 },
  });
  expect(set.stdout).toBe("shop: weight 5, at most 20 jobs at a time\n");
  const free = await call(["organisations", "set", "shop", "jobs=any"], answers);
  expect(free.asked[0]!.body).toEqual({ maxRunningJobs: null });
  expect(free.stdout).toContain("as many jobs as there is room for");
});

test.each([["jobs=0"], ["jobs=many"], ["weight=-1"], ["size=3"], [""]])(
  "organisations set refuses %j, with what there is",
  async word => {
    const args = ["organisations", "set", "shop", ...(word === "" ? [] : [word])];
    const { code, stderr, asked } = await call(args, {});
    expect([code, asked]).toEqual([2, []]);
    expect(stderr).toContain("jobs=N or jobs=any");
  },
);

const entry = (id: number) => ({
  id,
  at: time,
  actor: "somebody",
  action: "organisation.changed",
  subject: "shop",
  details: { weight: 5 },
});

test("audit: of an organisation, of the server, and no more than is asked for", async () => {
  const own = await call(["audit", "shop"], { listAudit: () => ({ items: [entry(1)] }) });
  expect(own.asked[0]!.params).toEqual({ organisation: "shop" });
  expect(own.stdout).toMatch(
    /^AT .*\n2026-01-02 03:04:05 +somebody +organisation\.changed +shop +\{"weight":5\}\n$/,
  );
  let pages = 0;
  const all: StandInAnswers = {
    listServerAudit: () => {
      pages++;
      const items = Array.from({ length: 200 }, (_, at) => ({ ...entry(at + 1), organisation: null }));
      return { items, next: "more" };
    },
  };
  const some = await call(["audit", "--limit", "250", "--json"], all);
  expect([some.stdout.trim().split("\n").length, pages]).toEqual([250, 2]);
  expect((await call(["audit"], all)).stdout.trim().split("\n")).toHaveLength(101);
  expect(await call(["audit", "--limit", "none"], all)).toMatchObject({ code: 2 });
});
