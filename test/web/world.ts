// A server with its pages, a browser, and people who have signed in: what every test of a page begins with.

import type { BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { buildWebIfStale } from "../../scripts/build-web.ts";
import {
  type ServerProcess,
  type ServerProcessOptions,
  startServerProcess,
} from "../server/server-process.ts";
import { startBrowser, type TestBrowser } from "./browser.ts";

export interface World extends AsyncDisposable {
  server: ServerProcess;
  browser: TestBrowser;
  /** A page of the administrator of the first start, signed in. */
  admin(options?: BrowserContextOptions): Promise<Page>;
  /** A page of a new person with a role in `main`, signed in. */
  person(name: string, role: "owner" | "maintainer" | "reporter" | "reader"): Promise<Page>;
  /** A page of somebody who has not signed in. */
  stranger(): Promise<Page>;
  /** Opens an address of the server. */
  open(page: Page, path: string): Promise<void>;
}

const password = "a long enough password";

export async function startWorld(options: ServerProcessOptions = {}): Promise<World> {
  await buildWebIfStale();
  const stack = new AsyncDisposableStack();
  try {
    const server = stack.use(await startServerProcess(options));
    const browser = stack.use(await startBrowser());
    const stranger = async (more: BrowserContextOptions = {}) =>
      (await browser.person({ baseURL: server.url, ...more })).newPage();
    return {
      server,
      browser,
      stranger: () => stranger(),
      admin: async options => {
        const page = await stranger(options);
        await signIn(page.context(), server.url, "session/token", { token: server.token });
        return page;
      },
      person: async (name, role) => {
        await server.client.createUser({ body: { name, password } });
        await server.client.setMember({ params: { organisation: "main", user: name }, body: { role } });
        const page = await stranger();
        await signIn(page.context(), server.url, "session", { name, password });
        return page;
      },
      open: async (page, path) => {
        await page.goto(path);
        await page.locator("main h1").first().waitFor();
      },
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

/** Without the form: most tests are of something else. */
async function signIn(context: BrowserContext, url: string, path: string, data: object): Promise<void> {
  const answer = await context.request.post(`${url}/api/v1/${path}`, { data });
  if (!answer.ok()) throw new Error(`signing in: ${answer.status()} ${await answer.text()}`);
}
