// Each page as each role sees it: nobody is offered what the server would refuse, no page asks what its reader may not know, and who may
// more is offered all that others are.

import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { everyPage, type Seeded, seedPages } from "./seed-pages.ts";
import { goSettled, openSettled } from "./settled.ts";
import { startWorld, type World } from "./world.ts";

const roles = ["stranger", "reader", "reporter", "maintainer", "owner", "admin"] as const;
type Role = (typeof roles)[number];

/** Buttons that change something, by their names, and who may press them at all. Everything else only shows things. */
const actions: [name: RegExp, from: Role, but?: RegExp][] = [
  [/^(Run again|Cancel|Start a run)$/, "reporter"],
  [/^(Approve|Refuse)$/, "maintainer"],
  [/^Add a project$|^Make the project$/, "maintainer"],
  [
    /^(Add|New|Set|Change|Edit|Remove|Delete|Save|Rotate|Make|Revoke|Turn|Pause|Disable|Enable|Invite)\b/i,
    "maintainer",
    /^\/(account|queue|workers|server)/,
  ],
  [/\b(member|role)\b/i, "owner"],
  [/^Delete (the |this )?project/i, "owner"],
  [/\b(class|account|user|quota|worker token|organisation)\b/i, "admin", /^\/(account|queue|$)/],
];
/** Names that only sound so. */
const harmless = /^(Colours: |Copy |Sign (in|out)|Show |Clear |Close)/;

let world: World;
let seeded: Seeded;
const pages = new Map<Role, Page>();
beforeAll(async () => {
  world = await startWorld({ flags: ["--engine", "host", "--capacity", "4"] });
  seeded = await seedPages(world.server.client);
  await world.server.client.changeProject({
    params: { organisation: "main", project: "app" },
    body: { repository: "https://127.0.0.1:1/app.git", public: true },
  });
  for (const role of roles) pages.set(role, await pageOf(role));
}, 180_000);
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
});

function pageOf(role: Role): Promise<Page> {
  if (role === "stranger") return world.stranger();
  return role === "admin" ? world.admin() : world.person(`the-${role}`, role);
}

/** Names of all that can be pressed in the page itself, and of links that look like buttons. */
async function offered(page: Page): Promise<string[]> {
  const names = (await page.evaluate(`[...document.querySelectorAll("main button, main a.button")]
    .filter(each => each.checkVisibility())
    .map(each => (each.getAttribute("aria-label") ?? each.innerText).trim())`)) as string[];
  return [...new Set(names)].filter(name => !harmless.test(name));
}

const atLeast = (role: Role, needed: Role) => roles.indexOf(role) >= roles.indexOf(needed);

test.each(roles)(
  "what %s is offered is what the server would do, on every page",
  async role => {
    const page = pages.get(role)!;
    const wrong: string[] = [];
    const seen = new Set<string>();
    let at = "";
    page.on("response", response => {
      const { pathname } = new URL(response.url());
      // Asking who one is is how a page learns that nobody has signed in.
      if ([401, 403].includes(response.status()) && pathname !== "/api/v1/session")
        wrong.push(`${at} asked ${pathname} and was told ${response.status()}`);
    });
    await openSettled(page, "/");
    for (const path of everyPage(seeded)) {
      at = path;
      await goSettled(page, path);
      for (const name of await offered(page)) {
        seen.add(name);
        for (const [action, needed, but] of actions) {
          if (action.test(name) && but?.test(path) !== true && !atLeast(role, needed))
            wrong.push(`${path} offers "${name}"`);
        }
      }
    }
    expect(wrong).toEqual([]);
    // The rule of each would hold for pages without any button as well.
    const known = {
      reporter: ["Run again", "Cancel"],
      maintainer: ["Approve", "Refuse", "Add a project", "Add a variable", "Add a schedule", "New secret"],
      owner: ["Add a member", "Delete the project"],
      admin: ["Add a class", "Make an account"],
    };
    for (const [needed, names] of Object.entries(known)) {
      for (const name of names) expect(seen.has(name), name).toBe(atLeast(role, needed as Role));
    }
  },
  120_000,
);

test.each(roles)("what is not for %s says so, and nothing of it is there", async role => {
  const page = pages.get(role)!;
  await world.server.client.changeProject({
    params: { organisation: "main", project: "app" },
    body: { public: false },
  });
  await openSettled(page, "/projects/main/app");
  const text = await page.locator("main").textContent();
  expect(text!.includes("#1 build")).toBe(role !== "stranger");
  await openSettled(page, "/server");
  const says = page.getByText("This is for administrators of the server.");
  expect(await says.count()).toBe(role === "stranger" || role === "admin" ? 0 : 1);
  const link = page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Server" });
  expect(await link.count()).toBe(role === "admin" ? 1 : 0);
});
