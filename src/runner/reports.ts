// Reads the JUnit files that `reports` names and tells what they count. A report that cannot be read is a warning:
// it says nothing about whether the tests passed.

import { messageOf } from "../core/failure.ts";
import { createPathSelector } from "../lib/glob-select.ts";
import { readArchive } from "../lib/tar/read-archive.ts";
import { selectFromSource } from "./collect.ts";
import type { JobRun } from "./job-run.ts";
import { readTests, type TestCase, type TestCount } from "./junit.ts";

const maxReportBytes = 32 * 1024 * 1024;
const maxReports = 10_000;
const maxFailing = 20;

export async function readReports(run: JobRun): Promise<void> {
  const { reports } = run.job;
  if (reports.length === 0) return;
  const total: TestCount = { tests: 0, failed: 0, skipped: 0, failing: [] };
  let files = 0;
  try {
    const selects = await createPathSelector(reports);
    const limits = { maxFileBytes: maxReportBytes, maxEntries: 1_000_000 };
    for await (const entry of readArchive(selectFromSource(run, reports), limits)) {
      const path = entry.path.replace(/^source\//, "");
      if (entry.kind !== "file" || !selects(path) || files >= maxReports) continue;
      const parts: Uint8Array[] = [];
      for await (const part of entry.content) parts.push(part);
      files += 1;
      const read = readTests(Buffer.concat(parts).toString("utf8"));
      if (read === undefined) await warn(run, `${path} is no JUnit report`);
      else {
        add(total, read.count);
        await run.input.onTests?.(read.cases.map(test => masked(run, test)));
      }
    }
  } catch (error) {
    await warn(run, `reports were not read: ${messageOf(error)}`);
  }
  if (files === 0) return warn(run, `no report matches ${reports.join(", ")}`);
  await run.emitter.emit({ type: "tests-reported", ...total, failing: total.failing.slice(0, maxFailing) });
}

function masked(run: JobRun, test: TestCase): TestCase {
  const { mask } = run.emitter;
  return { ...test, suite: mask(test.suite), name: mask(test.name), message: mask(test.message) };
}

function add(total: TestCount, more: TestCount): void {
  total.tests += more.tests;
  total.failed += more.failed;
  total.skipped += more.skipped;
  total.failing.push(...more.failing);
}

function warn(run: JobRun, message: string): Promise<void> {
  return run.emitter.emit({ type: "notice", level: "warning", message });
}
