// A list and watch by itself, on a server of a few lines and with a clock that is moved: what other tests see by way of Pods.

import { expect, test } from "vitest";
import { movedClock } from "../lib/fixtures/moved-clock.ts";
import type { Answer, CallOptions, KubernetesApi } from "./kubernetes-api.ts";
import { type Change, type KubernetesObject, listWatch } from "./list-watch.ts";

type Line = { type: string; object: unknown };
type Query = NonNullable<CallOptions["query"]>;

/** A watch that is open: lines are pushed, and it ends as it is told or with its signal. */
class Watch implements AsyncIterable<Line> {
  readonly from: unknown;
  #lines: Line[] = [];
  #end: { error?: Error } | undefined;
  #wake = () => {};

  constructor(from: unknown, signal: AbortSignal | undefined) {
    this.from = from;
    signal?.addEventListener("abort", () => this.end(new Error("the connection was broken off")));
  }

  push(type: string, object: unknown): void {
    this.#lines.push({ type, object });
    this.#wake();
  }

  end(error?: Error): void {
    this.#end ??= error === undefined ? {} : { error };
    this.#wake();
  }

  async *[Symbol.asyncIterator]() {
    for (;;) {
      const next = this.#lines.shift();
      if (next !== undefined) yield next;
      else if (this.#end?.error !== undefined) throw this.#end.error;
      else if (this.#end !== undefined) return;
      else await new Promise<void>(resolve => (this.#wake = resolve));
    }
  }
}

const pod = (name: string, version: number, uid = name) => ({
  metadata: { name, uid, resourceVersion: String(version), managedFields: [{}] },
});
const page = (version: number, ...items: KubernetesObject[]) => ({
  metadata: { resourceVersion: String(version) },
  items,
});
const no = (code: number, message = ""): Answer<never> => ({
  ok: false,
  code,
  status: { kind: "Status", code, message },
});

/** `lists`: what each list is answered, in turn; the last one again and again. */
function world(...lists: (object | Answer<never> | Error)[]) {
  const clock = movedClock();
  const asked: Query[] = [];
  const watches: Watch[] = [];
  const refusals: Answer<never>[] = [];
  const told: string[] = [];
  const troubles: string[] = [];
  const stop = new AbortController();
  const api: KubernetesApi = {
    namespace: undefined,
    async call<T>(_method: string, _path: string, { query = {} }: CallOptions = {}) {
      asked.push(query);
      const answer = lists.length > 1 ? lists.shift() : lists[0];
      if (answer instanceof Error) throw answer;
      if (answer !== undefined && "ok" in answer) return answer as Answer<T>;
      return { ok: true, code: 200, body: structuredClone(answer) as T, warnings: [] };
    },
    async lines<T>(_path: string, { query = {}, signal }: CallOptions = {}) {
      const refusal = refusals.shift();
      if (refusal !== undefined) return refusal;
      const watch = new Watch(query.resourceVersion, signal);
      watches.push(watch);
      return { ok: true, code: 200, body: watch as AsyncIterable<unknown> as AsyncIterable<T>, warnings: [] };
    },
    [Symbol.dispose]() {},
  };
  const say = (change: Change<KubernetesObject>) => {
    if (change.type === "listed") return "listed";
    const { name, uid, resourceVersion } = change.object.metadata;
    return `${change.type} ${uid === name ? name : uid}@${resourceVersion}`;
  };
  const reading = (async () => {
    const changes = listWatch({
      ...{ api, path: "/pods", clock, random: () => 1, signal: stop.signal },
      troubled: what => troubles.push(what),
    });
    for await (const change of changes) {
      if (change.type !== "listed") expect(change.object.metadata).not.toHaveProperty("managedFields");
      told.push(say(change));
    }
  })();
  return {
    ...{ pass: clock.pass, asked, watches, refusals, troubles },
    last: () => watches.at(-1)!,
    /** What was told since it was last asked. */
    told: () => told.splice(0),
    async [Symbol.asyncDispose]() {
      stop.abort(new Error("the test is over"));
      await reading;
    },
  };
}

test("what is there, then every change, from where the list was", async () => {
  await using at = world(page(7, pod("a", 3), pod("b", 5)));
  await at.pass(0);
  expect(at.told()).toEqual(["seen a@3", "seen b@5", "listed"]);
  expect(at.last().from).toBe("7");
  at.last().push("MODIFIED", pod("a", 8));
  at.last().push("DELETED", pod("b", 9));
  at.last().push("BOOKMARK", { metadata: { resourceVersion: "20" } });
  await at.pass(0);
  expect(at.told()).toEqual(["seen a@8", "gone b@9"]);
});

test("a watch that ends is taken up where it was, at once, and without a list", async () => {
  await using at = world(page(7));
  await at.pass(0);
  at.last().push("BOOKMARK", { metadata: { resourceVersion: "20" } });
  at.last().end();
  await at.pass(0);
  expect(at.watches.map(({ from }) => from)).toEqual(["7", "20"]);
  at.last().push("ADDED", pod("a", 21));
  at.last().end(new Error("read ECONNRESET"));
  await at.pass(1000);
  expect(at.watches.map(({ from }) => from)).toEqual(["7", "20", "21"]);
  expect([at.asked.length, at.troubles]).toEqual([1, ["read ECONNRESET"]]);
});

test("watches that end at once are begun ever more seldom, to every 15 s", async () => {
  await using at = world(page(7));
  const begun: number[] = [];
  for (let second = 0; second < 120; second++) {
    const before = at.watches.length;
    await at.pass(0);
    at.last().end();
    await at.pass(1000);
    begun.push(at.watches.length - before);
  }
  expect(at.watches.length).toBeLessThan(16);
  expect(begun.slice(-16).reduce((sum, each) => sum + each, 0)).toBeGreaterThanOrEqual(1);
  // One that tells something is a watch like any other.
  while (at.watches.length < 16) await at.pass(1000);
  at.last().push("ADDED", pod("a", 9));
  at.last().end();
  await at.pass(0);
  expect(at.watches).toHaveLength(17);
});

test("150 s without a word, and all is listed anew; what came and went meanwhile is told", async () => {
  await using at = world(
    page(7, pod("a", 3), pod("b", 4), pod("c", 5)),
    page(4, pod("a", 3), pod("b", 2, "b2")),
  );
  await at.pass(0);
  at.told();
  await at.pass(140_000);
  at.last().push("BOOKMARK", { metadata: { resourceVersion: "9" } });
  await at.pass(149_000);
  expect(at.asked).toHaveLength(1);
  await at.pass(1500);
  // The server was put back: of the same name is another one now.
  expect(at.told()).toEqual(["gone b@4", "seen b2@2", "gone c@5", "listed"]);
  expect([at.asked.length, at.last().from]).toEqual([2, "4"]);
});

test.each([
  [
    "before the stream",
    (at: ReturnType<typeof world>) => {
      at.refusals.push(no(410));
      at.last().end();
    },
  ],
  [
    "in the stream",
    (at: ReturnType<typeof world>) =>
      at.last().push("ERROR", { kind: "Status", code: 410, reason: "Expired", message: "too old" }),
  ],
])("a server that has forgotten where we were, %s, is listed anew", async (_where, forget) => {
  await using at = world(page(7, pod("a", 3)), page(900, pod("a", 3), pod("b", 850)));
  await at.pass(20_000);
  at.told();
  forget(at);
  await at.pass(2000);
  expect(at.told()).toEqual(["seen b@850", "listed"]);
  expect([at.asked.length, at.last().from, at.troubles]).toEqual([2, "900", []]);
});

test("one that forgets faster than it can be listed is asked ever more seldom", async () => {
  await using at = world(page(7));
  for (let second = 0; second < 60; second++) {
    await at.pass(0);
    at.last().push("ERROR", { kind: "Status", code: 410 });
    await at.pass(1000);
  }
  expect(at.asked.length).toBeGreaterThan(3);
  expect(at.asked.length).toBeLessThan(12);
});

test("another error in the stream is told, and the watch goes on from where it was", async () => {
  await using at = world(page(7));
  await at.pass(0);
  at.last().push("ERROR", { kind: "Status", code: 500, message: "etcd is away" });
  await at.pass(1000);
  expect(at.troubles).toEqual(["watch of /pods: 500 etcd is away"]);
  expect([at.asked.length, at.last().from]).toEqual([1, "7"]);
});

test("a list in pages whose token expires is begun again, and tells nobody twice", async () => {
  const first = { metadata: { resourceVersion: "7", continue: "next" }, items: [pod("a", 3), pod("b", 4)] };
  await using at = world(first, no(410, "the token has expired"), first, page(7, pod("c", 5)));
  await at.pass(0);
  expect(at.told()).toEqual(["seen a@3", "seen b@4"]);
  expect(at.troubles[0]).toContain("the token has expired");
  await at.pass(1000);
  expect(at.told()).toEqual(["seen c@5", "listed"]);
  expect(at.asked.map(query => query.continue)).toEqual([undefined, "next", undefined, "next"]);
});

test("a server that is away is asked ever more seldom, and nothing is told as gone", async () => {
  await using at = world(new Error("connect ECONNREFUSED"));
  await at.pass(60_000);
  expect(at.asked.length).toBeGreaterThan(5);
  expect(at.asked.length).toBeLessThan(12);
  expect(at.told()).toEqual([]);
});
