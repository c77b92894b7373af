// The stream that all pages of a browser share, without a browser.

import http from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createHub, type FromHub, type Hub } from "../../web/src/live/hub.ts";

let server: http.Server;
let streams: { url: string; response: http.ServerResponse }[];
let hub: Hub;
/** Milliseconds that the clock is ahead of the real one. */
let ahead: number;

beforeEach(async () => {
  streams = [];
  ahead = 0;
  server = http.createServer((request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write("event: hello\ndata: {}\n\n");
    const stream = { url: request.url!, response };
    streams.push(stream);
    response.once("close", () => {
      streams = streams.filter(each => each !== stream);
    });
  });
  await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve));
  hub = createHub(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
    now: () => Date.now() + ahead,
    tickMs: 10,
  });
});
afterEach(async () => {
  hub.close();
  server.closeAllConnections();
  await new Promise(resolve => server.close(resolve));
});

function join(logs: string[] = []) {
  const heard: FromHub[] = [];
  const page = hub.join(message => heard.push(message));
  page.hear({ type: "watch", logs });
  return { page, heard };
}
async function until(is: () => boolean): Promise<void> {
  for (let tries = 0; !is(); tries++) {
    if (tries > 500) throw new Error("it takes too long");
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}
const all = ({ heard }: { heard: FromHub[] }) =>
  heard.filter(each => each.type === "changes" && each.changes.all === true).length;

test("pages share one stream, and hear the same", async () => {
  const pages = [join(), join(), join()];
  await until(() => pages.every(page => all(page) === 1));
  expect(streams).toHaveLength(1);
  const changes = { runs: [{ id: "1", organisation: "main", project: "app" }], said: [], logs: [] };
  streams[0]!.response.write(`event: changed\ndata: ${JSON.stringify(changes)}\n\n`);
  await until(() =>
    pages.every(({ heard }) => heard.some(each => each.type === "changes" && each.changes.runs.length === 1)),
  );
  for (const { heard } of pages) expect(heard).toContainEqual({ type: "state", connected: true });
});

test("the logs of all pages are asked for together, and no longer when their pages go", async () => {
  const one = join(["b".repeat(24)]);
  join(["a".repeat(24)]);
  await until(
    () => streams.length === 1 && streams[0]!.url.endsWith(`?logs=${"a".repeat(24)}%2C${"b".repeat(24)}`),
  );
  one.page.hear({ type: "bye" });
  await until(() => streams.length === 1 && streams[0]!.url.endsWith(`?logs=${"a".repeat(24)}`));
});

test("without a page there is no stream", async () => {
  const only = join();
  await until(() => streams.length === 1);
  only.page.hear({ type: "bye" });
  await until(() => streams.length === 0);
});

test("a stream that breaks is taken up again, and everybody looks at everything", async () => {
  const page = join();
  await until(() => all(page) === 1);
  streams[0]!.response.destroy();
  await until(() => all(page) === 2);
  expect(streams).toHaveLength(1);
});

test("after a sleep the stream is another one, and everybody looks at everything", async () => {
  const pages = [join(), join()];
  await until(() => pages.every(page => all(page) === 1));
  const [before] = streams;
  ahead = 3_600_000;
  await until(() => pages.every(page => all(page) === 2));
  await until(() => streams.length === 1 && streams[0] !== before);
});

test("a page that was forgotten, or had said good-bye, looks at everything when it is back", async () => {
  const [kept, stopped] = [join(), join()];
  await until(() => all(kept) === 1 && all(stopped) === 1);
  const [before] = streams;
  // Not a sleep: the machine has been awake, and only one of the pages has said anything.
  for (let minutes = 0; minutes < 4; minutes++) {
    for (let steps = 0; steps < 4; steps++) {
      ahead += 15_000;
      await new Promise(resolve => setTimeout(resolve, 25));
    }
    kept.page.hear({ type: "watch", logs: [] });
  }
  streams[0]!.response.write('event: changed\ndata: {"runs":[],"said":["missed"],"logs":[]}\n\n');
  await until(() => kept.heard.some(each => each.type === "changes" && each.changes.said.length === 1));
  expect(stopped.heard.some(each => each.type === "changes" && each.changes.said.length === 1)).toBe(false);
  stopped.page.hear({ type: "watch", logs: [] });
  await until(() => all(stopped) === 2);
  stopped.page.hear({ type: "bye" });
  stopped.page.hear({ type: "watch", logs: [] });
  await until(() => all(stopped) === 3);
  expect(all(kept)).toBe(1);
  expect(streams).toEqual([before]);
});

test("another person's stream is another one", async () => {
  const page = join();
  await until(() => all(page) === 1);
  page.page.hear({ type: "reopen" });
  await until(() => all(page) === 2);
  await until(() => streams.length === 1);
});
