// The runner's line to the platform: every request carries the attempt's key, and is repeated until it is answered. An
// attempt that was fenced ends here: from then on nothing is sent any more.

import { Cancel } from "../core/cancel.ts";
import { messageOf, SlipwayError } from "../core/failure.ts";
import type { Clock } from "../lib/clock.ts";
import { pauseOrThrow } from "../lib/pause.ts";
import { createBackOff } from "./back-off.ts";
import { type HttpAnswer, type HttpRequest, Repeat, type RunnerHttp } from "./runner-http.ts";

/** An answer that is a decision: neither the network's nor the platform's bad moment. */
export interface LinkAnswer {
  status: number;
  headers: HttpAnswer["headers"];
  /** The body where it is JSON, else undefined. */
  json: unknown;
}

export type LinkRequest = Omit<HttpRequest, "signal" | "silenceMs"> & {
  signal?: AbortSignal;
  silenceMs?: number;
  /** What the platform keeps large bytes in is not waited for as long as the platform itself. */
  store?: StorePatience;
};

export interface StorePatience {
  /** For a store that says no in a way that may heal: full, slow, away. Milliseconds. */
  healMs: number;
  /** For one that refuses: no right, no such bucket. Milliseconds. */
  refusedMs: number;
  /** Hears once, with what the store says, when it is waited for. */
  waiting(message: string, forMs: number): void;
}

export interface RunnerLink {
  readonly epoch: number;
  /**
   * Sends, and again until there is an answer. Throws the reason of the signals; SlipwayError `platform-away` when
   * patience is over, `store-says-no` when it is over with the platform's blob store. A store that was waited for in vain is
   * not waited for again.
   */
  send(request: LinkRequest): Promise<LinkAnswer>;
  /** As `send`, with the body given to `take`, which may throw `Repeat` for one that was cut short. */
  receive<T>(request: LinkRequest, take: (answer: HttpAnswer) => Promise<T>): Promise<T>;
  /** Since when every request fails; undefined while they are answered. Monotonic milliseconds. */
  awaySince(): number | undefined;
  /** Aborted with a `Cancel` when the attempt is over, and by `end`. */
  readonly fenced: AbortSignal;
  /** No request goes out any more. */
  end(reason: Error): void;
}

export interface LinkOptions {
  http: RunnerHttp;
  key: string;
  epoch: number;
  clock: Clock;
  random(): string;
  /** How long a platform that does not answer is waited for. Milliseconds. */
  patienceMs: number;
}

const usualSilenceMs = 60_000;
/** A store that says no for less than that is not worth a word. Milliseconds. */
const hiccupMs = 1000;
const mostJsonBytes = 64 * 1024 * 1024;

export function createRunnerLink(options: LinkOptions): RunnerLink {
  const { http, key, epoch, clock, random, patienceMs } = options;
  const over = new AbortController();
  let failingSince: number | undefined;
  /** The store was waited for, and did not come back. */
  let inVain = false;

  async function tryOnce<T>(
    request: LinkRequest,
    signal: AbortSignal,
    take: (answer: HttpAnswer) => Promise<T>,
  ): Promise<T> {
    const headers = { ...request.headers, authorization: `Bearer ${key}` };
    const silenceMs = request.silenceMs ?? usualSilenceMs;
    const answer = await http.request({ ...request, headers, silenceMs, signal });
    if (isBadMoment(answer.status)) {
      const json = await jsonOf(answer.body).catch(() => undefined);
      throw new BadMoment(detailOf({ status: answer.status, json }), retryAfterMs(answer), codeOf(json));
    }
    if (answer.status === 401 || answer.status === 409) await lookAtFence(answer);
    const taken = await take(answer);
    failingSince = undefined;
    return taken;
  }

  /** Ends the link where the platform says that the attempt is over. */
  async function lookAtFence(answer: HttpAnswer): Promise<void> {
    const json = await jsonOf(answer.body);
    if (answer.status === 409 && codeOf(json) !== "stale") {
      known.set(answer.body, json);
      return;
    }
    const cancel = new Cancel("broken", "fenced: the platform has given this attempt up");
    over.abort(cancel);
    throw cancel;
  }

  /** Throws when a store has been waited for long enough. */
  function storeWaiter(patience: StorePatience | undefined): (error: unknown) => void {
    let since: number | undefined;
    let told = false;
    return error => {
      const code = error instanceof BadMoment ? error.code : "";
      if (patience === undefined || !code.startsWith("blobs-")) {
        since = undefined;
        return;
      }
      const { message } = error as BadMoment;
      const forMs =
        code === "blobs-refused" ? Math.min(patience.refusedMs, patience.healMs) : patience.healMs;
      since ??= clock.monotonic();
      if (inVain || clock.monotonic() - since >= forMs) {
        const how = inVain ? "" : ` for ${Math.round(forMs / 1000)} s`;
        inVain = true;
        throw new SlipwayError("store-says-no", `the platform's blob store said no${how}: ${message}`);
      }
      if (told || clock.monotonic() - since < hiccupMs) return;
      told = true;
      patience.waiting(message, forMs);
    };
  }

  async function receive<T>(request: LinkRequest, take: (answer: HttpAnswer) => Promise<T>): Promise<T> {
    const signal =
      request.signal === undefined ? over.signal : AbortSignal.any([request.signal, over.signal]);
    const backOff = createBackOff(random);
    const waitForStore = storeWaiter(request.store);
    let since = Number.POSITIVE_INFINITY;
    for (;;) {
      try {
        return await tryOnce(request, signal, take);
      } catch (error) {
        signal.throwIfAborted();
        if (!mayComeAgain(error)) throw error;
        waitForStore(error);
        // One service may be away while another one answers.
        failingSince ??= clock.monotonic();
        since = Math.min(since, failingSince, clock.monotonic());
        if (clock.monotonic() - since >= patienceMs) throw away(error, patienceMs);
        const least = error instanceof Repeat ? error.afterMs : 0;
        await pauseOrThrow(clock, Math.max(backOff(), least), signal);
      }
    }
  }

  return {
    epoch,
    fenced: over.signal,
    awaySince: () => failingSince,
    receive,
    send: request =>
      receive(request, async answer => ({
        status: answer.status,
        headers: answer.headers,
        json: known.get(answer.body) ?? (await jsonOf(answer.body)),
      })),
    end: reason => over.abort(reason),
  };
}

/** An answer that says why it is none. */
class BadMoment extends Repeat {
  readonly code: string;

  constructor(message: string, afterMs: number, code: string) {
    super(message, afterMs);
    this.code = code;
  }
}

/** Bodies that were read already. */
const known = new WeakMap<object, unknown>();

/** The network's and the platform's bad moments; what a reader of answers throws for himself is none. */
function mayComeAgain(error: unknown): boolean {
  if (error instanceof SlipwayError || !(error instanceof Error)) return false;
  return error instanceof Repeat || ("code" in error && typeof error.code === "string");
}

/** What the platform asks for, as far as it is bearable. */
function retryAfterMs({ headers }: HttpAnswer): number {
  const seconds = Number(headers["retry-after"] ?? 0);
  return seconds > 0 ? Math.min(seconds, 30) * 1000 : 0;
}

function isBadMoment(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

function away(cause: unknown, patienceMs: number): SlipwayError {
  const minutes = Math.round(patienceMs / 60_000);
  return new SlipwayError(
    "platform-away",
    `the platform has not answered for ${minutes} min: ${messageOf(cause)}`,
    {
      cause,
    },
  );
}

/** Bodies of answers are small; what is no JSON is undefined. Throws where the body is cut short. */
export async function jsonOf(body: AsyncIterable<Uint8Array>): Promise<unknown> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body) {
    bytes += part.length;
    if (bytes > mostJsonBytes)
      throw new SlipwayError("platform-answer", "an answer of the platform is too large");
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString("utf8")) as unknown;
  } catch {
    return undefined;
  }
}

/** `code` of a problem. */
export function codeOf(json: unknown): string {
  return String((json as { code?: unknown } | null | undefined)?.code ?? "");
}

/** What a problem says, for people. */
export function detailOf({ status, json }: { status: number; json: unknown }): string {
  const { detail, hint } = (json ?? {}) as { detail?: unknown; hint?: unknown };
  const said = typeof detail === "string" ? `: ${detail}` : "";
  return `the platform answers ${status}${said}${typeof hint === "string" ? ` (${hint})` : ""}`;
}
