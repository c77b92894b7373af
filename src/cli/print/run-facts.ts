// A run for people: what it is, its jobs as a tree of what follows what, why they wait or how they ended, and their tries.

import { plainText } from "../../lib/plain-text.ts";
import { type Job, jobName, type Run } from "../find-run.ts";
import { factLines } from "./facts.ts";
import { formatDuration } from "./format.ts";
import { tableLines } from "./table.ts";

/** `now` in milliseconds. */
export function describeRun(run: Run, now: number): string[] {
  const source = [run.branch ?? run.tag, run.commit?.slice(0, 12), run.trusted ? "" : "(not trusted)"];
  const facts = factLines([
    ["run", `${run.organisation}/${run.project}#${run.number}  ${run.id}`],
    ["what", run.workflow === null ? run.pipeline : `workflow ${run.workflow}`],
    ["state", `${stateOf(run)}${run.detail === "" ? "" : ` - ${run.detail}`}`],
    ["started by", [run.event, run.person].filter(Boolean).join(", ")],
    ["source", source.filter(Boolean).join(" ")],
    ["message", run.message.split("\n")[0]],
    ["again", run.rerunOf === null ? "" : `of ${run.rerunOf}`],
    ["took", tookOf(run, now)],
    ["cluster", clusterCallsOf(run)],
  ]);
  const problems = run.problems.map(
    ({ message, hint }) =>
      `problem: ${plainText(message)}${hint === undefined ? "" : ` (${plainText(hint)})`}`,
  );
  const jobs = tableLines(["JOB", "STATE", "TOOK", "WHY"], jobRows(run.jobs, now));
  return [...facts, ...problems, ...(jobs.length === 0 ? [] : ["", ...jobs])];
}

/** `4 calls (2 create pods, 2 delete pods)`; "" where there was no cluster. */
function clusterCallsOf({ jobs }: Run): string {
  const sums: Record<string, number> = {};
  for (const { clusterCalls = {} } of jobs.flatMap(({ attempts }) => attempts)) {
    for (const [name, count] of Object.entries(clusterCalls)) sums[name] = (sums[name] ?? 0) + count;
  }
  const each = Object.entries(sums).map(([name, count]) => `${count} ${plainText(name)}`);
  const all = Object.values(sums).reduce((sum, count) => sum + count, 0);
  return all === 0 ? "" : `${all} ${all === 1 ? "call" : "calls"} (${each.join(", ")})`;
}

function jobRows(jobs: Job[], now: number): string[][] {
  return treeOf(jobs).flatMap(({ job, depth }) => {
    const indent = "  ".repeat(depth);
    // One that is required stands above and further out; of several, all are named.
    const after = job.requires.length > 1 ? `  (after ${job.requires.join(", ")})` : "";
    const row = [`${indent}${jobName(job)}${after}`, stateOf(job), tookOf(job, now), job.detail];
    if (job.attempts.length < 2) return [row];
    const tries = job.attempts.map(each => [
      `${indent}  try ${each.number}`,
      each.outcome ?? each.state,
      tookOf(each, now),
      [each.detail, each.worker === null ? "" : `on ${each.worker}`].filter(Boolean).join(" "),
    ]);
    return [row, ...tries];
  });
}

/** Each job below the last one it requires, in their order. */
export function treeOf(jobs: readonly Job[]): { job: Job; depth: number }[] {
  const depths = new Map<string, number>();
  const rows: { job: Job; depth: number }[] = [];
  let left = [...jobs];
  while (left.length > 0) {
    const ready = left.filter(job => job.requires.every(name => depths.has(name) || !known(jobs, name)));
    // A circle is no workflow; whatever made one is shown all the same.
    const taken = ready.length > 0 ? ready : left;
    for (const job of taken) {
      const depth = Math.max(-1, ...job.requires.map(name => depths.get(name) ?? -1)) + 1;
      const at = rows.findLastIndex(row => job.requires.includes(row.job.name));
      rows.splice(at === -1 ? rows.length : endOfBranch(rows, at), 0, { job, depth });
    }
    for (const job of taken) {
      const depth = rows.find(row => row.job === job)!.depth;
      depths.set(job.name, Math.max(depth, depths.get(job.name) ?? 0));
    }
    left = left.filter(job => !taken.includes(job));
  }
  return rows;
}

function known(jobs: readonly Job[], name: string): boolean {
  return jobs.some(job => job.name === name);
}

function endOfBranch(rows: { depth: number }[], at: number): number {
  const { depth } = rows[at]!;
  const next = rows.findIndex((row, index) => index > at && row.depth <= depth);
  return next === -1 ? rows.length : next;
}

interface Standing {
  state: string;
  outcome: string | null;
  /** Of a run: what keeps all that is left of it. */
  waitsFor?: Run["waitsFor"];
}

const waitWords = { approval: "needs approval", worker: "queued", other: "waiting" };

/** In the words of the pages: a run of which nothing runs is not called running. */
export function stateOf({ state, outcome, waitsFor }: Standing): string {
  return outcome ?? (waitsFor ? waitWords[waitsFor] : state);
}

export function tookOf(
  { startedAt, finishedAt }: { startedAt: string | null; finishedAt: string | null },
  now: number,
): string {
  if (startedAt === null) return "";
  const end = finishedAt === null ? now : Date.parse(finishedAt);
  return formatDuration(Math.max(0, end - Date.parse(startedAt)));
}
