// What goes wrong between a worker and its cluster: no job has two Pods for it, none is taken for ended that lives, and
// nothing is left.

import type { Secret } from "kubernetes-types/core/v1.js";
import { afterEach, describe, expect, test } from "vitest";
import type { Claim } from "../../queue/queue.ts";
import { claimOfAttempt } from "../launcher.contract.ts";
import type { Launcher } from "../launcher.ts";
import type { LaunchNews } from "../news-stream.ts";
import {
  type ClusterWorld,
  eventually,
  namespace,
  objectsOf,
  openClusterWorld,
} from "./fixtures/cluster-world.ts";
import { container } from "./fixtures/launches.ts";
import { secretName } from "./labels.ts";
import type { Pod } from "./pod-launch.ts";

const never = new AbortController().signal;
const open: ClusterWorld[] = [];
afterEach(async () => {
  for (const world of open.splice(0)) await world[Symbol.asyncDispose]();
});
const worldWith = async (...options: Parameters<typeof openClusterWorld>) => {
  const world = await openClusterWorld(...options);
  open.push(world);
  return world;
};
const claims = (count: number) => Array.from({ length: count }, () => claimOfAttempt());
const launchAll = (launcher: Launcher, all: readonly Claim[]) =>
  Promise.all(all.map(claim => launcher.launch(claim, never)));
const podsOf = (world: ClusterWorld) => world.standIn.inside.list<Pod>("pods");
const changes = (world: ClusterWorld) => {
  const { standIn } = world;
  return Object.fromEntries(Object.entries(standIn.counts()).filter(([call]) => !/^(list|watch)/.test(call)));
};
/** All ends and news of a launcher, as they come. */
const told = (launcher: Launcher) => {
  const ends: { attemptId: string; end: { reason: string } }[] = [];
  const news: LaunchNews[] = [];
  void (async () => {
    for await (const end of launcher.ended) ends.push(end);
  })();
  void (async () => {
    for await (const each of launcher.news ?? []) news.push(...each);
  })();
  return { ends, news };
};

describe("creates", () => {
  test("one whose answer is lost is made again, and there is one Pod", async () => {
    const world = await worldWith();
    const launcher = await world.open();
    const all = claims(6);
    world.standIn.forgetCreateAnswers(4);
    const references = await launchAll(launcher, all);
    expect(references).not.toContain("");
    expect(podsOf(world)).toHaveLength(6);
    for (const claim of all) expect(launcher.alive(claim.attemptId)).toBe(true);
  });

  test("a storm of 429 is waited out, told, and slows the worker down", async () => {
    const world = await worldWith();
    const launcher = await world.open();
    const { news, ends } = told(launcher);
    world.standIn.answer429(30, 1);
    expect(await launchAll(launcher, claims(20))).not.toContain("");
    expect(podsOf(world)).toHaveLength(20);
    expect(news.map(({ message }) => message).join()).toContain("more to do than it can");
    expect(ends).toEqual([]);
    // Refused creates are asked for again, but not all at once.
    expect(changes(world)["create pods"]).toBeLessThanOrEqual(20 + 30);
  });

  test("without room in the quota a job waits, with the cluster's words, until there is some", async () => {
    const world = await worldWith();
    const quota = { metadata: { name: "jobs", namespace }, spec: { hard: { pods: "1" } }, status: {} };
    world.standIn.inside.put("resourcequotas", { apiVersion: "v1", kind: "ResourceQuota", ...quota });
    const launcher = await world.open();
    const { news } = told(launcher);
    const [first, second, third] = claims(3) as [Claim, Claim, Claim];
    await launcher.launch(first, never);
    const [waiting, unwanted] = [launcher.launch(second, never), launcher.launch(third, never)];
    await eventually(() => news.some(({ message }) => /exceeded quota/.test(message)), "word of the quota");
    // One that is not wanted any more does not wait on.
    await launcher.destroy(third.attemptId);
    expect(await unwanted).toBe("");
    await launcher.destroy(first.attemptId);
    expect(await waiting).not.toBe("");
    await eventually(() => news.at(-1)?.message === "", "the end of the wait");
  });

  test("the same job of two workers has one Pod", async () => {
    const world = await worldWith();
    const [one, other] = [await world.open(), await world.open()];
    const all = claims(10);
    const [ones, others] = await Promise.all([launchAll(one, all), launchAll(other, all)]);
    expect(others).toEqual(ones);
    expect(podsOf(world)).toHaveLength(10);
  });

  test("a Pod of that name that is being ended is waited for", async () => {
    const stubborn = {
      scheduleMs: 0,
      acceptMs: 0,
      startMs: 0,
      containers: { box: { onTerm: "ignored" as const } },
    };
    const world = await worldWith({ script: () => stubborn });
    const launcher = await world.open();
    const [claim] = claims(1) as [Claim];
    const reference = await launcher.launch(claim, never);
    await eventually(() => world.kubelet.starts() === 1, "its start");
    const name = objectsOf(claim).pod.metadata!.name!;
    world.standIn.inside.delete("pods", namespace, name, { gracePeriodSeconds: 1 });
    const next = await world.open();
    await launcher[Symbol.asyncDispose]();
    const again = await next.launch(claim, never);
    expect(again).not.toBe(reference);
    expect(podsOf(world)).toHaveLength(1);
  });

  test("somebody else's Pod of that name is not taken for ours", async () => {
    const world = await worldWith();
    const [claim] = claims(1) as [Claim];
    const { pod } = objectsOf(claim);
    world.standIn.inside.put("pods", { ...pod, metadata: { ...pod.metadata, labels: {} }, status: {} });
    const launcher = await world.open();
    const { ends } = told(launcher);
    expect(await launcher.launch(claim, never)).toBe("");
    expect(ends[0]?.end.reason).toBe("pod-name-taken");
    await launcher.destroy(claim.attemptId);
    expect(podsOf(world)).toHaveLength(1);
  });
});

describe("calls", () => {
  test("a job costs one create and one delete, and nothing that reads", async () => {
    const world = await worldWith();
    const over: Record<string, number>[] = [];
    const launcher = await world.open({ runOver: (_, __, calls) => over.push(calls) });
    await eventually(() => world.standIn.openWatches() === 2, "both watches");
    const before = world.standIn.counts();
    const all = claims(5);
    await launchAll(launcher, all);
    for (const { attemptId } of all) await launcher.destroy(attemptId);
    const after = world.standIn.counts();
    expect(after["create pods"]).toBe(5);
    expect(after["delete pods"]).toBe(5);
    expect([after["list pods"], after["watch pods"]]).toEqual([before["list pods"], before["watch pods"]]);
    await launcher[Symbol.asyncDispose]();
    expect(over).toEqual([{ "create pods": 5, "delete pods": 5 }]);
  });

  test("with credentials of its own it costs four, and no Secret is left", async () => {
    const world = await worldWith();
    const credentials = { username: "u", password: "p", server: "registry.example.org" };
    const box = container({ image: "registry.example.org/app:1", credentials });
    const launcher = await world.open({ objectsOf: claim => objectsOf(claim, { box, services: [] }) });
    const [claim] = claims(1) as [Claim];
    await launcher.launch(claim, never);
    expect(world.standIn.inside.list("secrets", namespace)).toHaveLength(1);
    // Another worker knows of the Secret by the Pod.
    const next = await world.open();
    expect(await next.adopt(claim, "")).toBe(true);
    expect(launcher.takeCalls?.()).toEqual([
      { attemptId: claim.attemptId, calls: { "create secrets": 1, "create pods": 1 } },
    ]);
    await next.destroy(claim.attemptId);
    expect(next.takeCalls?.()).toEqual([
      { attemptId: claim.attemptId, calls: { "delete secrets": 1, "delete pods": 1 } },
    ]);
    expect([next.takeCalls?.(), launcher.takeCalls?.()]).toEqual([[], []]);
    expect(changes(world)).toEqual({
      ...{ "create pods": 1, "create secrets": 1, "delete pods": 1, "delete secrets": 1 },
    });
    expect(world.standIn.inside.list("secrets", namespace)).toEqual([]);
  });

  test("one that is not wanted any more before its Pod could be made leaves no Secret, whoever made that", async () => {
    const world = await worldWith();
    const credentials = { username: "u", password: "p", server: "registry.example.org" };
    const box = container({ image: "registry.example.org/app:1", credentials });
    const ofSecret = (claim: Claim) => objectsOf(claim, { box, services: [] });
    const launcher = await world.open({ objectsOf: ofSecret });
    const [claim] = claims(1) as [Claim];
    // As a worker leaves it that dies between the two creates.
    world.standIn.inside.put("secrets", ofSecret(claim).secret!);
    world.standIn.answer429(1000, 1);
    const { news } = told(launcher);
    const unwanted = new AbortController();
    const launching = launcher.launch(claim, unwanted.signal);
    await eventually(() => news.some(({ message }) => message !== ""), "word that the server is busy");
    world.standIn.answer429(0, 1);
    unwanted.abort(new Error("the job was canceled"));
    expect(await launching).toBe("");
    expect(world.standIn.inside.list("secrets", namespace)).toEqual([]);
    expect(podsOf(world)).toEqual([]);
  });

  test("of one that is over and that nobody has seen a Pod of, the Secret goes by its name, and is looked for nowhere else", async () => {
    const world = await worldWith();
    const credentials = { username: "u", password: "p", server: "registry.example.org" };
    const box = container({ image: "registry.example.org/app:1", credentials });
    const [claim, other] = claims(2) as [Claim, Claim];
    for (const each of [claim, other]) {
      world.standIn.inside.put("secrets", objectsOf(each, { box, services: [] }).secret!);
    }
    const launcher = await world.open();
    await launcher.destroy(claim.attemptId);
    await launcher.destroy(claim.attemptId);
    const left = world.standIn.inside.list<Secret>("secrets", namespace);
    expect(left.map(({ metadata }) => metadata?.name)).toEqual([secretName(other.attemptId)]);
    expect(Object.keys(world.standIn.counts()).filter(call => call.endsWith(" secrets"))).toEqual([
      "delete secrets",
    ]);
    // Of what it has launched itself it knows that there is none.
    const [mine] = claims(1) as [Claim];
    const before = changes(world)["delete secrets"];
    await launcher.launch(mine, never);
    await launcher.destroy(mine.attemptId);
    expect(changes(world)["delete secrets"]).toBe(before);
  });

  test("many that end at the same time are deleted with one call, and no other is", async () => {
    const world = await worldWith();
    const launcher = await world.open();
    const [all, [other]] = [claims(60), claims(1) as [Claim]];
    await launchAll(launcher, [...all, other]);
    await Promise.all(all.map(({ attemptId }) => launcher.destroy(attemptId)));
    expect(changes(world)).toEqual({ "create pods": 61, "deletecollection pods": 1 });
    expect(podsOf(world)).toHaveLength(1);
    expect(launcher.alive(other.attemptId)).toBe(true);
  });
});

describe("the watch", () => {
  test("cut, ended and expired it goes on, and what came meanwhile is seen", async () => {
    const world = await worldWith();
    const launcher = await world.open();
    const { ends } = told(launcher);
    const all = claims(4) as [Claim, Claim, Claim, Claim];
    await launchAll(launcher, all);
    const gone = async (claim: Claim) => {
      const { pod } = objectsOf(claim);
      world.standIn.inside.delete("pods", namespace, pod.metadata!.name!, { gracePeriodSeconds: 0 });
      await eventually(() => ends.some(({ attemptId }) => attemptId === claim.attemptId), "word of it");
    };
    world.standIn.cutWatches();
    await gone(all[0]);
    world.standIn.expireWatches();
    await gone(all[1]);
    world.standIn.endWatches();
    await gone(all[2]);
    expect(ends.map(({ end }) => end.reason)).toEqual(["pod-deleted", "pod-deleted", "pod-deleted"]);
    expect(launcher.alive(all[3].attemptId)).toBe(true);
  });

  test("an API server that is away ends no job; what was asked for meanwhile is done when it is back", async () => {
    const world = await worldWith();
    const launcher = await world.open();
    const { ends, news } = told(launcher);
    const [lives, comes] = claims(2) as [Claim, Claim];
    await launcher.launch(lives, never);
    await world.standIn.away();
    const launching = launcher.launch(comes, never);
    await eventually(() => news.some(({ message }) => message !== ""), "word that it is away");
    expect(launcher.alive(lives.attemptId)).toBe(true);
    await world.standIn.back();
    expect(await launching).not.toBe("");
    expect(ends).toEqual([]);
    await launcher.destroy(lives.attemptId);
    await launcher.destroy(comes.attemptId);
    expect(podsOf(world)).toEqual([]);
  });

  test("a worker that starts while it is away believes what it was told, until it can look", async () => {
    const world = await worldWith();
    const first = await world.open();
    const [lives, dies] = claims(2) as [Claim, Claim];
    const [one, two] = await launchAll(first, [lives, dies]);
    await first[Symbol.asyncDispose]();
    await world.standIn.away();
    const next = await world.open();
    const { ends } = told(next);
    expect(await next.adopt(lives, one!)).toBe(true);
    expect(await next.adopt(dies, two!)).toBe(true);
    world.standIn.inside.delete("pods", namespace, objectsOf(dies).pod.metadata!.name!, {
      gracePeriodSeconds: 0,
    });
    await world.standIn.back();
    await eventually(() => ends.length > 0, "the end of the one that is gone");
    expect(ends).toMatchObject([{ attemptId: dies.attemptId, end: { reason: "pod-deleted" } }]);
    expect(next.alive(lives.attemptId)).toBe(true);
  });

  test("500 live jobs are adopted at once, without a call for any of them", async () => {
    const world = await worldWith();
    const first = await world.open();
    const all = claims(500);
    const references = await launchAll(first, all);
    await first[Symbol.asyncDispose]();
    world.standIn.forgetCalls();
    const next = await world.open();
    const { ends } = told(next);
    const began = performance.now();
    for (const [at, claim] of all.entries()) expect(await next.adopt(claim, references[at]!)).toBe(true);
    expect(performance.now() - began).toBeLessThan(5000);
    expect(changes(world)).toEqual({});
    expect(all.every(({ attemptId }) => next.alive(attemptId))).toBe(true);
    expect(ends).toEqual([]);
  }, 60_000);
});
