import { expect, test } from "vitest";
import type { Answer, KubernetesApi } from "../../kubernetes/kubernetes-api.ts";
import { movedClock } from "../../lib/fixtures/moved-clock.ts";
import { place } from "./fixtures/launches.ts";
import { createWarmKeeper } from "./pod-warm-keeper.ts";

/** A clock whose time is told, and an API that keeps names. */
function world() {
  const clock = movedClock();
  const pods = new Set<string>();
  const troubles: string[] = [];
  let room = Number.POSITIVE_INFINITY;
  const no = (code: number, reason: string): Answer<never> => ({
    ok: false,
    code,
    status: { kind: "Status", code, reason, message: reason },
  });
  const api = {
    async call(method: string, path: string, options: { body?: { metadata: { name: string } } } = {}) {
      const name = options.body?.metadata.name ?? path.split("/").at(-1)!;
      if (method === "DELETE") return pods.delete(name) ? { ok: true, code: 200 } : no(404, "NotFound");
      if (pods.has(name)) return no(409, "AlreadyExists");
      if (pods.size >= room) return no(403, "exceeded quota");
      pods.add(name);
      return { ok: true, code: 201 };
    },
  } as unknown as KubernetesApi;
  const keeper = createWarmKeeper({
    api,
    place,
    priorityClassName: "low",
    clock,
    troubled: what => troubles.push(what),
  });
  return {
    ...{ pods, troubles, keeper },
    limit: (most: number) => (room = most),
    async pass(ms: number) {
      await clock.pass(ms);
      await keeper.keep();
    },
  };
}

const claim = (warm: number) => ({ class: "gpu", classSettings: { pod: { warm } } });

test("as many placeholders as the class says, made anew when they have given way, and removed when it says fewer", async () => {
  const { pods, keeper, pass } = world();
  keeper.note(claim(3));
  await keeper.keep();
  expect(pods.size).toBe(3);
  pods.delete([...pods][1]!);
  await pass(30_000);
  expect(pods.size).toBe(3);
  keeper.note(claim(1));
  await pass(30_000);
  expect(pods.size).toBe(1);
  await pass(25 * 60 * 60_000);
  expect(pods.size).toBe(0);
});

test("nothing for a class that asks for none, and what has no room is said", async () => {
  const { pods, keeper, troubles, limit } = world();
  keeper.note(claim(0));
  await keeper.keep();
  expect(pods.size).toBe(0);
  limit(1);
  keeper.note(claim(3));
  await keeper.keep();
  expect(pods.size).toBe(1);
  expect(troubles.join()).toContain("exceeded quota");
});
