// Takes log frames from runners: `POST /runner/v1/logs` of docs/runner-protocol.md. Acknowledges only what is durable. The
// key says whose log it is; nothing in the request does.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Blobs } from "../../blobs/blobs.ts";
import type { RequestHandler } from "../../http/handler.ts";
import { Problem } from "../../http/problem.ts";
import { createRateLimit, type RateLimit } from "../../http/rate-limit.ts";
import type { Clock } from "../../lib/clock.ts";
import type { RunnerKeys } from "../../queue/postgres/runner-keys.ts";
import type { Database } from "../../store/database.ts";
import { parseFrames } from "./frames/parse-frames.ts";
import type { LogNews } from "./log-news.ts";
import { type LogCounts, type LogLimits, logLimits } from "./settings.ts";
import {
  type BodyBuffers,
  type ByteBudget,
  createBodyBuffers,
  createByteBudget,
  takeBody,
} from "./take-body.ts";
import { createLogWriter, type LogOfAttempt, type LogWriter } from "./write/log-writer.ts";

export interface RunnerLogsOptions {
  db: Database;
  blobs: Blobs;
  keys: RunnerKeys;
  news: LogNews;
  clock: Clock;
  limits?: LogLimits;
  /** Names of the outside log services (`targetName`) that logs which begin now are owed to. */
  targets?: readonly string[];
  counts?: LogCounts;
  /** Hears of what database and blobs threw; the runner is told to try again. */
  failed(doing: string, error: unknown): void;
}

interface Answer {
  status: number;
  body: Record<string, unknown>;
  /** The rest of the body is not read. */
  close?: boolean;
}

interface Service {
  options: RunnerLogsOptions;
  limits: LogLimits;
  writer: LogWriter;
  budget: ByteBudget;
  buffers: BodyBuffers;
  /** By address: what has to be looked up since nothing is known of it. */
  unproven: RateLimit;
}

const logFramesType = "application/vnd.slipway.log-frames";
const path = "/runner/v1/logs";

export function logsRunnerHandler(options: RunnerLogsOptions): RequestHandler {
  const { db, blobs, news, limits = logLimits, targets = [], counts = {} } = options;
  const service: Service = {
    options,
    limits,
    writer: createLogWriter({
      ...{ db, blobs, news, limits, targets, counts, clock: options.clock },
      troubled: error => options.failed("put a piece of a log into the blob store", error),
    }),
    budget: createByteBudget(limits.maxBytesInFlight),
    buffers: createBodyBuffers(limits.maxRequestBytes),
    unproven: createRateLimit({ burst: 1000, everyMs: 5, clock: options.clock }),
  };
  return async (request, response) => {
    if (request.url?.split("?", 1)[0] !== path) return false;
    const gone = new AbortController();
    response.once("close", () => gone.abort(new Error("the runner hung up")));
    let answer: Answer;
    try {
      answer = await take(service, request, gone.signal);
    } catch (error) {
      answer = answerOf(error);
      if (answer.status === 503 && !gone.signal.aborted) options.failed("take log frames", error);
    }
    send(response, answer);
    return true;
  };
}

function answerOf(error: unknown): Answer {
  if (!(error instanceof Problem)) {
    return refusal(503, "unavailable", "the log could not be stored now", "send the same frames again");
  }
  const { status, code, detail, hint } = error.details;
  return refusal(status, code, detail, hint);
}

function send(response: ServerResponse, { status, body, close = false }: Answer): void {
  if (response.destroyed) return;
  const text = JSON.stringify(body);
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
    ...(status === 503 ? { "retry-after": "1" } : {}),
    ...(status === 405 ? { allow: "POST" } : {}),
    ...(close ? { connection: "close" } : {}),
  });
  response.end(text);
}

function refusal(status: number, code: string, detail: string, hint?: string, more: object = {}): Answer {
  return { status, body: { code, detail, ...(hint === undefined ? {} : { hint }), ...more }, close: true };
}

async function take(service: Service, request: IncomingMessage, signal: AbortSignal): Promise<Answer> {
  const { buffers, options } = service;
  const { keys, clock } = options;
  if (request.method !== "POST") return refusal(405, "method", "frames of a log are sent by POST");
  const key = /^Bearer (\S{1,200})$/.exec(request.headers.authorization ?? "")?.[1];
  const address = request.socket.remoteAddress ?? "";
  if (key !== undefined && keys.known(key) === undefined) service.unproven.take(address);
  const who = key === undefined ? undefined : await keys.authenticate(key);
  if (who === undefined || who.kind === "unknown") {
    return refusal(
      401,
      "unauthorized",
      "the request has no key of a live attempt",
      "send the key of the claim",
    );
  }
  const epoch = epochOf(request);
  if (epoch === undefined)
    return refusal(400, "malformed", "there is no `x-slipway-epoch` with a whole number");
  if (who.kind === "stale" || who.epoch !== epoch) {
    keys.forget(who.attemptId);
    return stale();
  }
  if (request.headers["content-type"]?.split(";", 1)[0]?.trim() !== logFramesType) {
    return refusal(415, "media-type", `frames of a log have the content-type ${logFramesType}`);
  }
  const most = service.limits.maxRequestBytes;
  const announced = Number(request.headers["content-length"] ?? most);
  if (!(announced <= most)) return tooLarge(most);
  const giveBack = await service.budget.reserve(announced, signal);
  try {
    const into = request.headers["content-length"] === undefined ? undefined : buffers.take(announced);
    const body = await takeBody(request, { most, into, clock });
    if (body.kind === "too-large") return tooLarge(most);
    if (body.kind === "broken-off") return refusal(408, "broken-off", "the request did not arrive whole");
    const answer = await store(service, who, body.bytes);
    // All that was stored was copied; what threw may still be at work with it.
    if (into !== undefined) buffers.giveBack(into);
    return answer;
  } finally {
    giveBack();
  }
}

async function store({ options, writer }: Service, log: LogOfAttempt, bytes: Buffer): Promise<Answer> {
  const frames = parseFrames(bytes);
  if (!frames.ok) {
    const { code, message, hint } = frames.refusal;
    return { ...refusal(400, code, message, hint), close: false };
  }
  // What has begun is ended, also when the runner hangs up: the frames will come again, and then they are there.
  const stored = await writer.write(log, frames.value, new AbortController().signal);
  if (stored.kind === "stale") {
    options.keys.forget(log.attemptId);
    return stale();
  }
  if (stored.kind === "gap") {
    const detail = `chunk ${stored.stored + 1} is missing: stored are those up to ${stored.stored}`;
    const more = { stored: stored.stored };
    return { ...refusal(409, "gap", detail, "go on with the chunk after `stored`", more), close: false };
  }
  return { status: 200, body: { stored: stored.stored, ...(stored.cut ? { cut: true } : {}) } };
}

function epochOf(request: IncomingMessage): number | undefined {
  const text = request.headers["x-slipway-epoch"];
  return typeof text === "string" && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function stale(): Answer {
  return refusal(409, "stale", "the attempt is over or another runner has it; nothing was stored", "stop");
}

function tooLarge(most: number): Answer {
  return refusal(413, "too-large", `a request holds at most ${most} bytes`, "send fewer frames at a time");
}
