// Whether a runner lives and is to go on: heartbeats, and the open long poll for a cancel.

import { type CancelAnswer, heartbeatBody } from "../../../endpoints/runner.ts";
import { heartbeat } from "../../../queue/postgres/runner-writes.ts";
import { checkedEpoch, type RunnerCall, stale, wrong } from "./call.ts";
import { answerJson, readJson } from "./wire.ts";

const maxBytes = 1024;
const usualWaitSeconds = 25;
const longestWaitSeconds = 60;

/** `POST heartbeat` */
export async function heartbeatCall(call: RunnerCall): Promise<void> {
  const { epoch } = await readJson(call.request, heartbeatBody, maxBytes, call.deps.clock);
  const answer = await heartbeat(call.deps.db, { attemptId: call.attempt.attemptId, epoch });
  if (answer === "stale") throw stale();
  answerJson(call.response, 200, answer satisfies CancelAnswer);
}

/** `GET cancel?epoch=E&wait=S` */
export async function cancelCall(call: RunnerCall): Promise<void> {
  const epoch = checkedEpoch(call);
  const wait = call.query.get("wait") ?? String(usualWaitSeconds);
  if (!/^[0-9]{1,2}$/.test(wait) || Number(wait) > longestWaitSeconds) {
    const detail = `the query's wait is ${JSON.stringify(wait.slice(0, 40))}`;
    throw wrong("validation", detail, `whole seconds, at most ${longestWaitSeconds}`);
  }
  const { attemptId } = call.attempt;
  const word = await call.deps.cancelWatch.wait({ attemptId, epoch }, Number(wait) * 1000, call.signal);
  if (word === "stale") throw stale();
  answerJson(call.response, 200, { cancel: word } satisfies CancelAnswer);
}
