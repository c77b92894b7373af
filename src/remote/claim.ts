// The first call of a runner: its one-attempt token for a key and the job. Until it is answered nothing is touched, and
// when the answer is no, nothing ever is.

import { messageOf, SlipwayError } from "../core/failure.ts";
import type { ClaimAnswer, ClaimBody } from "../endpoints/runner.ts";
import type { Clock } from "../lib/clock.ts";
import { pauseOrThrow } from "../lib/pause.ts";
import { createBackOff } from "./back-off.ts";
import { Repeat, type RunnerHttp } from "./runner-http.ts";
import { codeOf, detailOf, jsonOf } from "./runner-link.ts";

export type Claimed =
  | { kind: "ok"; answer: ClaimAnswer }
  /** Another runner, or an earlier start of this one, has it: this one ends without a trace. */
  | { kind: "restarted"; message: string }
  /** The token is nobody's, or the attempt is over. */
  | { kind: "refused"; message: string };

export interface ClaimOptions {
  http: RunnerHttp;
  claimToken: string;
  /** Random; the same for every repetition, so that a lost answer can be asked for again. */
  nonce: string;
  runner: ClaimBody["runner"];
  clock: Clock;
  random(): string;
  /** How long a platform that does not answer is asked. Milliseconds. */
  forMs: number;
  signal: AbortSignal;
}

const silenceMs = 30_000;

/** Asks until there is an answer. Throws the signal's reason, and SlipwayError `platform-away` when time is over. */
export async function claim(options: ClaimOptions): Promise<Claimed> {
  const { clock, random, forMs, signal } = options;
  const began = clock.monotonic();
  const backOff = createBackOff(random);
  for (;;) {
    try {
      return await ask(options);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof SlipwayError) throw error;
      if (clock.monotonic() - began >= forMs) {
        throw new SlipwayError(
          "platform-away",
          `the platform does not answer the claim: ${messageOf(error)}`,
          {
            cause: error,
          },
        );
      }
      await pauseOrThrow(clock, backOff(), signal);
    }
  }
}

async function ask({ http, claimToken, nonce, runner, signal }: ClaimOptions): Promise<Claimed> {
  const body: ClaimBody = { claimToken, nonce, runner };
  const answer = await http.request({
    method: "POST",
    path: "claim",
    headers: { "content-type": "application/json" },
    body: [Buffer.from(JSON.stringify(body))],
    silenceMs,
    signal,
  });
  const json = await jsonOf(answer.body);
  const { status } = answer;
  if (status === 200 && isClaimAnswer(json)) return { kind: "ok", answer: json };
  if (status === 200)
    throw new SlipwayError("platform-answer", "the platform's answer to the claim is no job");
  const message = detailOf({ status, json });
  if (status === 409 && codeOf(json) === "claimed") return { kind: "restarted", message };
  if (status < 500 && ![408, 425, 429].includes(status)) return { kind: "refused", message };
  throw new Repeat(message);
}

/** The platform is believed; this tells an answer from that of something else that listens there. */
function isClaimAnswer(json: unknown): json is ClaimAnswer {
  const answer = json as Partial<ClaimAnswer> | null | undefined;
  return (
    typeof answer?.key === "string" &&
    Number.isSafeInteger(answer.epoch) &&
    typeof answer.job === "object" &&
    answer.job?.version === 1 &&
    Array.isArray(answer.secrets) &&
    typeof answer.source?.kind === "string" &&
    typeof answer.limits?.heartbeatMs === "number"
  );
}
