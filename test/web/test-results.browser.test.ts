// Tests of a run and of a project: failing first, what they have said, their history, and which are flaky.

import { afterAll, beforeAll, expect, test } from "vitest";
import { endOf, makeProject, startRun } from "../server/projects.ts";
import { watchPage } from "./browser.ts";
import { startWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld({ flags: ["--engine", "host", "--capacity", "2"] });
  await makeProject(world.server.client);
  const { client } = world.server;
  for (const shaky of [true, false, true, false]) await endOf(client, await startRun(client, file(shaky)));
  await endOf(client, await startRun(client, file(true, true)));
}, 180_000);
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
});

/** A report in which `shaky` and `broken` pass or fail. */
function file(shaky: boolean, broken = false): string {
  const failure = (is: boolean, text: string) => (is ? `<failure message='${text}'/>` : "");
  const cases =
    "<testcase name='adds' time='0.2'/>" +
    `<testcase name='shaky &lt;b&gt;' time='0.1'>${failure(!shaky, "it came too late")}</testcase>` +
    `<testcase name='broken'>${failure(broken, "expected 2, got 3")}</testcase>`;
  return `
build:
  reports: [report.xml]
  steps:
    - script:
        name: test
        code: |
          cat > report.xml <<'END'
          <testsuite name='unit'>${cases}</testsuite>
          END
`;
}

test("a project's tests: failing ones first, flaky ones marked, run by run", async () => {
  const page = await world.person("reading-tests", "reader");
  const wrong = watchPage(page, world.server.url);
  await world.open(page, "/projects/main/app/tests");
  await page.getByRole("heading", { name: "1 failing, 1 flaky" }).waitFor();
  const items = page.getByRole("list", { name: "Tests, failing first" }).locator(":scope > li");
  expect(await items.count()).toBe(2);
  const [broken, shaky] = [items.nth(0), items.nth(1)];
  expect(await broken.textContent()).toContain("broken");
  expect(await broken.getByText("flaky").count()).toBe(0);
  await shaky.getByText("flaky", { exact: true }).waitFor();
  await shaky.getByText("failed 2 of 5").waitFor();
  expect(
    await shaky
      .getByRole("list")
      .getByRole("link", { name: /failed$/ })
      .count(),
  ).toBe(2);
  await shaky.getByRole("button", { name: "shaky <b>" }).click();
  await shaky.getByText("it came too late").waitFor();
  await page.getByLabel("Show").selectOption("flaky");
  await broken.getByText("shaky <b>").waitFor();
  expect(await items.count()).toBe(1);
  await page.getByLabel("Show").selectOption("");
  await items.first().getByRole("link", { name: "failed in #5" }).click();
  await page.getByRole("heading", { name: "#5" }).waitFor();
  expect(wrong()).toEqual([]);
});

test("a run's tests: what failed stands open, with its history", async () => {
  const page = await world.admin();
  const wrong = watchPage(page, world.server.url);
  await world.open(page, "/projects/main/app/runs/5/tests");
  const items = page.getByRole("list", { name: "Tests, failing first" }).locator(":scope > li");
  await items.first().getByText("expected 2, got 3").waitFor();
  const history = items.first().getByRole("list").getByRole("link");
  await history.nth(4).waitFor();
  expect(await history.count()).toBe(5);
  await items.filter({ hasText: "shaky" }).getByText("flaky", { exact: true }).waitFor();
  await page.getByLabel("Outcome").selectOption("skipped");
  await page.getByText("No test came to that.").waitFor();
  expect(new URL(page.url()).search).toBe("?outcome=skipped");
  expect(wrong()).toEqual([]);
});
