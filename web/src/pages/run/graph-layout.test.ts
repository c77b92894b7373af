import { expect, test } from "vitest";
import type { Job } from "../../api/client.ts";
import { criticalPath, layOut } from "./graph-layout.ts";

const job = (name: string, requires: string[] = [], more: Partial<Job> = {}): Job =>
  ({ id: `id-${name}`, name, requires, combination: "", startedAt: null, finishedAt: null, ...more }) as Job;

test("a job stands right of all that it requires, and cards of a column do not overlap", () => {
  const jobs = [
    job("lint"),
    job("build"),
    job("test", ["build"], { id: "t1", combination: "os=a" }),
    job("test", ["build"], { id: "t2", combination: "os=b" }),
    job("deploy", ["test", "lint"]),
  ];
  const { cards, edges, width, height } = layOut(jobs);
  const at = Object.fromEntries(cards.map(card => [card.name, card]));
  expect(at.lint!.x).toBe(at.build!.x);
  expect(at.test!.x).toBeGreaterThan(at.build!.x);
  expect(at.deploy!.x).toBeGreaterThan(at.test!.x);
  expect(at.test!.jobs.map(({ id }) => id)).toEqual(["t1", "t2"]);
  expect(Math.abs(at.lint!.y - at.build!.y)).toBeGreaterThanOrEqual(
    Math.min(at.lint!.height, at.build!.height),
  );
  expect(edges.map(({ from, to }) => `${from}>${to}`).sort()).toEqual([
    "build>test",
    "lint>deploy",
    "test>deploy",
  ]);
  for (const card of cards) {
    expect(card.y).toBeGreaterThanOrEqual(0);
    expect(card.y + card.height).toBeLessThanOrEqual(height);
    expect(card.x + 236).toBeLessThanOrEqual(width);
  }
});

test("a line passes no card that it has nothing to do with", () => {
  const { cards, edges } = layOut([
    job("build"),
    job("lint"),
    job("test", ["build"]),
    job("scan", ["build"]),
    job("deploy", ["test", "lint", "build"]),
  ]);
  for (const { from, to, path } of edges) {
    for (const [, left, y, right] of path.matchAll(/ ([\d.]+) ([\d.]+)H([\d.]+)/g)) {
      const crossed = cards.filter(
        card =>
          card.x < Number(right) &&
          card.x + 236 > Number(left) &&
          card.y < Number(y) &&
          card.y + card.height > Number(y),
      );
      expect(
        crossed.map(({ name }) => name),
        `${from} to ${to}`,
      ).toEqual([]);
    }
  }
  expect(edges.find(({ from, to }) => from === "lint" && to === "deploy")!.path).toContain("H");
  expect(edges.find(({ from, to }) => from === "test" && to === "deploy")!.path).not.toContain("H");
});

test("a circle or a name that is not there does not hang the page", () => {
  expect(layOut([job("a", ["b"]), job("b", ["a"]), job("c", ["gone"])]).cards).toHaveLength(3);
  expect(layOut([]).cards).toEqual([]);
});

test("the critical path goes back over what each job waited for longest", () => {
  const time = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();
  const ran = (name: string, requires: string[], from: number, to: number) =>
    job(name, requires, { startedAt: time(from), finishedAt: time(to) });
  const jobs = [
    ran("fast", [], 0, 1),
    ran("slow", [], 0, 5),
    ran("test", ["fast", "slow"], 5, 7),
    ran("docs", ["fast"], 1, 3),
    job("skipped", ["docs"]),
  ];
  expect(criticalPath(jobs, 0)).toEqual(["id-slow", "id-test"]);
  expect(criticalPath(jobs.slice(0, 1), 0)).toEqual([]);
});
