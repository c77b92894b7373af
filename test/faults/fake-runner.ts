// A runner of a Pod that nothing runs: it says what a real one would, over HTTP, when it is told to. With the environment
// that the Pod gives its container and nothing else.

import type { Pod } from "kubernetes-types/core/v1.js";

export interface FakeRunner {
  attemptId: string;
  /** Exchanges its token; throws what it is refused with. */
  claim(): Promise<void>;
  /** A step of the user has begun, and the platform knows. Answers the status of the call. */
  begin(): Promise<number>;
  /** One more remark. Answers the status of the call. */
  write(): Promise<number>;
  log(text: string): Promise<number>;
  heartbeat(): Promise<number>;
  /** All that the platform says of its place. */
  waited(): Promise<string[]>;
  /** Ends the step and the job. Answers the status of the last call. */
  finish(outcome: "passed" | "failed", message?: string): Promise<number>;
}

const step = { step: "work-1", name: "work", phase: "main" as const };

export function fakeRunner(pod: Pod): FakeRunner {
  const env = environmentOf(pod, "runner");
  const {
    SLIPWAY_RUNNER_URL: url,
    SLIPWAY_ATTEMPT_ID: attemptId = "",
    SLIPWAY_CLAIM_TOKEN: claimToken,
  } = env;
  const epoch = Number(env.SLIPWAY_EPOCH);
  let key: string | undefined;
  let [events, chunks] = [0, 0];

  const call = async (path: string, body: object | string, headers: Record<string, string> = {}) => {
    const answer = await fetch(`${url}/runner/v1/${path}`, {
      method: "POST",
      headers: { ...(key === undefined ? {} : { authorization: `Bearer ${key}` }), ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
    return { status: answer.status, text: await answer.text() };
  };
  const tell = async (...all: object[]) => {
    const time = new Date().toISOString();
    const numbered = all.map((event, at) => ({ runId: attemptId, seq: events + at + 1, time, ...event }));
    const { status } = await call("events", { epoch, events: numbered });
    if (status === 200) events += all.length;
    return status;
  };
  return {
    attemptId,
    async claim() {
      const nonce = `nonce-of-${attemptId}`;
      const runner = { version: "1.0.0", engine: "pod" };
      const { status, text } = await call("claim", { claimToken, nonce, runner });
      if (status !== 200) throw new Error(`the claim was answered ${status}: ${text}`);
      ({ key } = JSON.parse(text) as { key: string });
      const steps = [{ id: step.step, name: step.name, phase: step.phase }];
      await tell({ type: "run-started", pipeline: "build", project: "app", engine: "pod", steps });
    },
    begin: () => tell({ type: "step-started", ...step, order: 1, attempt: 1 }),
    write: () => tell({ type: "notice", level: "info", message: "it goes on" }),
    async log(text) {
      const time = new Date().toISOString();
      const header = {
        seq: chunks + 1,
        step: step.step,
        stream: "stdout",
        time,
        bytes: Buffer.byteLength(text),
      };
      const { status } = await call("logs", `${JSON.stringify(header)}\n${text}`, {
        "content-type": "application/vnd.slipway.log-frames",
        "x-slipway-epoch": String(epoch),
      });
      if (status === 200) chunks += 1;
      return status;
    },
    heartbeat: async () => (await call("heartbeat", { epoch })).status,
    async waited() {
      const { text } = await call("heartbeat", { epoch });
      return (JSON.parse(text) as { waited?: string[] }).waited ?? [];
    },
    async finish(outcome, message = "") {
      const exitCode = outcome === "passed" ? 0 : 1;
      const end = { outcome, exitCode, durationMs: 1, message };
      await tell({ type: "step-finished", ...step, ...end }, { type: "run-finished", ...end });
      const failedStep = outcome === "passed" ? {} : { failedStep: step.step };
      const record = { epoch, outcome, exitCode, message, ...failedStep, events, chunks };
      return (await call("finish", record)).status;
    },
  };
}

/** Of a container, as its spec gives it. */
function environmentOf(pod: Pod, container: string): Record<string, string> {
  const { env = [] } = pod.spec?.containers.find(({ name }) => name === container) ?? {};
  return Object.fromEntries(env.map(({ name, value = "" }) => [name, value]));
}
