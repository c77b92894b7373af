// Whatever people and jobs write is shown as text and does nothing: no script runs, no dialog opens, no style or element of theirs
// gets into a page, nothing is asked of another host, and the policy that would stop it has nothing to do.

import { createHmac } from "node:crypto";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { endOf, startRun } from "../server/projects.ts";
import { watchPage } from "./browser.ts";
import { everyPage, type Seeded, seedPages, type Texts } from "./seed-pages.ts";
import { goSettled, openSettled } from "./settled.ts";
import { startWorld, type World } from "./world.ts";

/** Calls what every page of these tests reports. Marked, so that a page can be asked whether it has shown it. */
const script = (mark: string) =>
  `"'><img src=x onerror=hostileRan('${mark}')><script>hostileRan('${mark}')</script>`;
const bytes = [
  "\x1b[31mred\x1b[0m \x1b]8;;javascript:hostileRan('osc')\x07a link\x1b]8;;\x07 \x1b]0;a title\x07 \x1b[2J\x1b[999;999H",
  "\x00\x01\x02\x07\x08\x0b\x7f\x9b31m \xff\xfe \xc3\x28 \xed\xa0\x80 \xf8\x88\x80\x80\x80",
  `${script("log")} <style>*{display:none}</style> <base href=//elsewhere.example/> <iframe srcdoc="<script>1</script>"></iframe>`,
  `\x1b[31m${script("coloured log")}\x1b[0m`,
  "javascript:hostileRan('scheme') https://elsewhere.example/?x data:text/html,<script>hostileRan(1)</script>",
  `${"x".repeat(40_000)}`,
].join("\n");
const texts: Texts = {
  step: script("step"),
  pipeline: script("pipeline"),
  workflow: script("workflow"),
  environment: script("environment"),
  combination: script("combination"),
  suite: script("suite"),
  test: `${script("test")} \u202etxt.exe`,
  message: script("message"),
  file: `<img src=x onerror=hostileRan(1)>.html`,
  output: bytes,
  token: script("token"),
  branch: "<img/src=x/onerror=hostileRan(1)>",
};

let world: World;
let seeded: Seeded;
const more: string[] = [];
beforeAll(async () => {
  world = await startWorld({ flags: ["--engine", "host", "--capacity", "4"] });
  const { client } = world.server;
  seeded = await seedPages(client, texts);
  const project = { organisation: "main", project: "app" };
  const sent = await startRun(client, 'build: { steps: [{ script: { code: "true" } }] }\n');
  await endOf(client, sent);
  // Messages, branches, and files that say no more than what is wrong with them.
  for (const file of [
    `${JSON.stringify(script("key"))}: 3\nbuild: { class: ${JSON.stringify(script("class"))}, steps: [{ script: { code: "true" } }] }\n`,
    `build: { steps: [{ ${JSON.stringify(script("unknown step"))}: { code: "true" } }] }\n`,
  ]) {
    const { number } = await endOf(client, await startRun(client, file));
    more.push(`/projects/main/app/runs/${number}`);
  }
  const made = await client.createProject({
    params: { organisation: "main" },
    body: { name: "hooked", repository: "https://127.0.0.1:1/<img/src=x/onerror=hostileRan(1)>.git" },
  });
  await push(made.webhookSecret, {
    ref: `refs/heads/${texts.branch}`,
    pusher: script("pusher"),
    message: `${script("commit message")}\n${script("second line")}`,
  });
  const hooked = { organisation: "main", project: "hooked" };
  await client.createRun({
    params: hooked,
    body: { branch: texts.branch, message: script("message by hand"), workflow: script("workflow by hand") },
  });
  const { items } = await client.listRuns({ params: hooked, query: {} });
  expect(items.length).toBe(2);
  more.push(
    "/projects/main/hooked",
    "/projects/main/hooked/settings",
    ...items.map(({ number }) => `/projects/main/hooked/runs/${number}`),
  );
  await client.cancelRun({ params: { run: seeded.queued.run }, body: { reason: script("reason") } });
  expect((await client.getProject({ params: project })).lastRun).not.toBeUndefined();
}, 180_000);
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
});

/** As a git host does. */
async function push(secret: string, what: { ref: string; pusher: string; message: string }): Promise<void> {
  const body = JSON.stringify({ before: "0".repeat(40), after: "a".repeat(40), deliveryId: "one", ...what });
  const timestamp = String(Math.floor(Date.now() / 1000));
  const signature = createHmac("sha256", secret).update(`${timestamp}.${body}`).digest("hex");
  const answer = await fetch(`${world.server.url}/hooks/main/hooked`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-slipway-timestamp": timestamp,
      "x-slipway-signature": `sha256=${signature}`,
    },
    body,
  });
  expect(answer.status, await answer.text()).toBeLessThan(300);
}

/** What a hostile text has got done; to be compared with `[]`. */
async function watchHostile(page: Page): Promise<() => string[]> {
  const done: string[] = [];
  await page.context().exposeBinding("hostileRan", (_, what) => void done.push(`ran: ${what}`));
  await page.context().exposeBinding("policyBroken", (_, what) => void done.push(`policy: ${what}`));
  await page.addInitScript(
    "addEventListener('securitypolicyviolation', e => policyBroken(e.violatedDirective + ' ' + e.blockedURI + ' ' + e.sample))",
  );
  page.on("dialog", dialog => {
    done.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("popup", () => done.push("a window opened"));
  page.on("framenavigated", frame => {
    if (frame !== page.mainFrame()) done.push(`a frame: ${frame.url()}`);
  });
  return () => done;
}

/** Elements and attributes that no page of ours has. */
const strange =
  '[...document.querySelectorAll(\'main img:not([src^="/badge/"]), main script, main style, main iframe, base, object, embed, a[href^="javascript" i], a[href^="data" i], [onerror], [onload], [srcdoc]\')].map(e => e.outerHTML.slice(0, 120))';

test("no text of anybody becomes more than text, on any page", async () => {
  const page = await world.admin();
  const done = await watchHostile(page);
  const wrong = watchPage(page, world.server.url, [/status of 404/]);
  const shown = new Set<string>();
  await openSettled(page, "/");
  for (const path of [...everyPage(seeded), ...more]) {
    await goSettled(page, path);
    await page.evaluate("for (const each of document.querySelectorAll('main details')) each.open = true");
    const [text, title, elements] = (await page.evaluate(
      `[document.body.innerText, document.title, ${strange}]`,
    )) as [string, string, string[]];
    expect(elements, path).toEqual([]);
    for (const [, mark] of `${text}${title}`.matchAll(/hostileRan\('([^']*)'\)/g)) shown.add(mark!);
  }
  // They were there to be seen: otherwise nothing was tried.
  expect([...shown].sort()).toEqual(
    expect.arrayContaining([
      "commit message",
      "environment",
      "log",
      "message",
      "message by hand",
      "pipeline",
      "pusher",
      "step",
      "suite",
      "test",
      "token",
      "unknown step",
      "workflow",
    ]),
  );
  expect([...done(), ...wrong()]).toEqual([]);
}, 240_000);

test("an address may hold anything as well", async () => {
  const page = await world.admin();
  const done = await watchHostile(page);
  const wrong = watchPage(page, world.server.url, [/status of 4\d\d/]);
  const bad = encodeURIComponent(script("address"));
  for (const path of [
    `/?text=${bad}&organisation=${bad}`,
    `/sign-in?to=${encodeURIComponent("javascript:hostileRan('to')")}`,
    `/projects/main/app?text=${bad}&branch=${bad}&outcome=${bad}&person=${bad}`,
    `/projects/${bad}/${bad}`,
    `/projects/main/app/runs/${bad}`,
    `/projects/main/app/runs/${seeded.passed.number}/jobs/${seeded.passed.job}?attempt=${bad}#L${bad}`,
    `/start?project=${bad}/${bad}`,
    `/queue?class=${bad}`,
    `/organisations/${bad}`,
  ]) {
    await openSettled(page, path);
    expect(await page.evaluate(strange), path).toEqual([]);
  }
  expect([...done(), ...wrong()]).toEqual([]);
}, 120_000);

test("the policy of every page has no hole, and stops what tries it", async () => {
  const page = await world.admin();
  const done = await watchHostile(page);
  for (const path of everyPage(seeded).slice(0, 12)) {
    const policy = (await page.goto(path))!.headers()["content-security-policy"]!;
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|\*|data:|blob:|https?:/);
  }
  // It really is in force: what a hole in a page would do is refused, and seen by these tests.
  await page.evaluate(
    "document.body.append(Object.assign(document.createElement('div'), { innerHTML: '<img src=x onerror=hostileRan(1)>' }))",
  );
  await expect.poll(done).toContainEqual(expect.stringContaining("script-src-attr"));
  expect(done().filter(each => each.startsWith("ran"))).toEqual([]);
});
