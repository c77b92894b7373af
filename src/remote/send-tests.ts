// Test cases on their way to the platform, as many as it keeps, in requests that it takes.

import { SlipwayError } from "../core/failure.ts";
import type { RunnerLimits, TestsBody } from "../endpoints/runner.ts";
import type { TestCase } from "../runner/junit.ts";
import { detailOf, type RunnerLink } from "./runner-link.ts";

/** What is around a case in JSON. Bytes. */
const envelopeBytes = 256;

/** Takes the cases of one report after the other. Throws SlipwayError where the platform does not take them. */
export function testSender(link: RunnerLink, limits: RunnerLimits): (cases: TestCase[]) => Promise<void> {
  let room = limits.cases;
  return async cases => {
    const wanted = cases.slice(0, room);
    room -= wanted.length;
    let batch: TestCase[] = [];
    let bytes = envelopeBytes;
    const flush = async () => {
      if (batch.length > 0) await post(link, batch);
      batch = [];
      bytes = envelopeBytes;
    };
    for (const test of wanted) {
      const size = Buffer.byteLength(JSON.stringify(test)) + 1;
      if (batch.length >= limits.casesPerBatch || bytes + size > limits.batchBytes) await flush();
      batch.push(test);
      bytes += size;
    }
    await flush();
    if (wanted.length < cases.length) {
      throw new SlipwayError("too-many-tests", `only the first ${limits.cases} test cases of a job are kept`);
    }
  };
}

async function post(link: RunnerLink, cases: TestCase[]): Promise<void> {
  const answer = await link.send({
    method: "POST",
    path: "tests",
    headers: { "content-type": "application/json" },
    body: [Buffer.from(JSON.stringify({ epoch: link.epoch, cases } satisfies TestsBody))],
  });
  if (answer.status !== 200) throw new SlipwayError("tests-refused", detailOf(answer));
}
