// The endpoints of src/endpoints/logs.ts. Who may call them is decided before; here an attempt must be one of the job that
// the path names.

import type { Blobs } from "../../blobs/blobs.ts";
import * as endpoints from "../../endpoints/logs.ts";
import { notFound, problem } from "../../http/problem.ts";
import { type Call, type Route, route } from "../../http/route.ts";
import { sendEvents } from "../../http/send-events.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Nudges } from "../../queue/postgres/nudges.ts";
import type { Database } from "../../store/database.ts";
import { type LogFeeds, openLogFeeds } from "./follow/log-feeds.ts";
import type { LogNews } from "./log-news.ts";
import { findLine } from "./read/find-line.ts";
import { type LogPieces, type LogState, openLogPieces } from "./read/log-pieces.ts";
import { type ByteRange, logSteps, stepRanges } from "./read/log-steps.ts";
import { readLines } from "./read/read-lines.ts";
import { searchLog } from "./read/search-log.ts";
import { createSegmentCache } from "./read/segment-cache.ts";
import { sendLog, stateHeaders, takesZstd, wantedRange } from "./read/send-log.ts";

export interface LogRoutesOptions {
  db: Database;
  blobs: Blobs;
  news: LogNews;
  nudges: Nudges;
  clock: Clock;
  /** Of segments that were read lately. 32 MiB unless told. */
  cacheBytes?: number;
}

interface Logs {
  db: Database;
  clock: Clock;
  pieces: LogPieces;
  feeds: LogFeeds;
}

/** Routes that read logs. Disposing of them ends those that follow. */
export function logRoutes(options: LogRoutesOptions): Route[] & AsyncDisposable {
  const { db, blobs, news, nudges, clock, cacheBytes = 32 * 1024 * 1024 } = options;
  const pieces = openLogPieces({ db, segments: createSegmentCache(blobs, cacheBytes) });
  const feeds = openLogFeeds({ pieces, news, nudges, clock });
  const logs: Logs = { db, clock, pieces, feeds };
  const routes = [
    route(endpoints.getLog, call => getLog(logs, call)),
    route(endpoints.getLogLines, call => getLines(logs, call)),
    route(endpoints.getLogSteps, call => getSteps(logs, call)),
    route(endpoints.searchLog, call => search(logs, call)),
    route(endpoints.followLog, call => follow(logs, call)),
  ];
  return Object.assign(routes, { [Symbol.asyncDispose]: () => feeds[Symbol.asyncDispose]() });
}

async function stateOf(
  { pieces }: Logs,
  { job, attempt }: { job: string; attempt: string },
): Promise<LogState> {
  const state = await pieces.state(attempt, job);
  if (state?.removedAt != null) {
    throw problem(
      410,
      "log-removed",
      "Not kept any more",
      `the log was removed on ${state.removedAt.toISOString().slice(0, 10)}: its project keeps logs a shorter time than runs`,
      "the project's settings say how long; run it again for a new one",
    );
  }
  if (state !== undefined) return state;
  throw notFound(`job ${job} has no attempt ${attempt}`, "ask for the job: it names its attempts");
}

async function getLog(logs: Logs, call: Call<typeof endpoints.getLog>): Promise<undefined> {
  const { params, request, response, signal } = call;
  const state = await stateOf(logs, params);
  const attemptId = params.attempt;
  const part = await partOf(logs, call, state);
  const headers = stateHeaders(state);
  const sending = { pieces: logs.pieces, attemptId, signal };
  if (part !== undefined) {
    await sendLog(response, 200, headers, { ...sending, ranges: part, zstd: takesZstd(request) });
    return;
  }
  const wanted = wantedRange(request.headers.range, state.bytes);
  const total = state.complete ? String(state.bytes) : "*";
  if (wanted.kind === "all") {
    const ranges = [{ from: 0, to: state.bytes }];
    await sendLog(response, 200, headers, { ...sending, ranges, zstd: takesZstd(request) });
  } else if (wanted.kind === "beyond") {
    const range = { "content-range": `bytes */${state.bytes}` };
    await sendLog(response, 416, { ...headers, ...range }, { ...sending, ranges: [], zstd: false });
  } else {
    const { from, to } = wanted.range;
    const range = { "content-range": `bytes ${from}-${to - 1}/${total}` };
    await sendLog(
      response,
      206,
      { ...headers, ...range },
      { ...sending, ranges: [wanted.range], zstd: false },
    );
  }
}

/** The ranges of a step or of some lines; undefined where the whole log is asked for. */
async function partOf(
  { db, pieces }: Logs,
  { params, query, signal }: Call<typeof endpoints.getLog>,
  state: LogState,
): Promise<ByteRange[] | undefined> {
  const { step, firstLine, lines } = query;
  const attemptId = params.attempt;
  if (step !== undefined) {
    if (firstLine !== undefined || lines !== undefined) {
      throw problem(
        400,
        "validation",
        "Not acceptable as it is",
        "`step` and `firstLine` or `lines` were both given",
        "ask for a step or for lines",
      );
    }
    return stepRanges(db, attemptId, step, state.bytes);
  }
  if (firstLine === undefined && lines === undefined) return undefined;
  const first = firstLine ?? 0;
  const to = state.bytes;
  const from = await findLine(db, pieces, { attemptId, line: first, to, signal });
  if (from === undefined || lines === 0) return [];
  const end =
    lines === undefined
      ? undefined
      : await findLine(db, pieces, { attemptId, line: first + lines, to, signal });
  return [{ from, to: end ?? to }];
}

async function getLines(logs: Logs, { params, query, signal }: Call<typeof endpoints.getLogLines>) {
  const state = await stateOf(logs, params);
  const wanted = { attemptId: params.attempt, ...query, signal };
  const lines = await readLines(logs.db, logs.pieces, state, wanted);
  return { lines, totalLines: state.lines, totalBytes: state.bytes, complete: state.complete };
}

async function getSteps(logs: Logs, { params }: Call<typeof endpoints.getLogSteps>) {
  const { lines, bytes, complete } = await stateOf(logs, params);
  const steps = await logSteps(logs.db, params.attempt);
  return { steps, totalLines: lines, totalBytes: bytes, complete };
}

async function search(logs: Logs, { params, query, signal }: Call<typeof endpoints.searchLog>) {
  const state = await stateOf(logs, params);
  return searchLog(logs.db, logs.pieces, state, { attemptId: params.attempt, ...query, signal });
}

async function follow(logs: Logs, call: Call<typeof endpoints.followLog>): Promise<undefined> {
  const { params, query, request, response, signal } = call;
  await stateOf(logs, params);
  const last = request.headers["last-event-id"];
  const from = typeof last === "string" && /^\d{1,15}$/.test(last) ? Number(last) : (query.from ?? 0);
  const events = logs.feeds.follow(params.attempt, from, signal);
  const over = AbortSignal.any([signal, logs.feeds.closing]);
  await sendEvents(response, events, "event: end\ndata: {}\n\n", logs.clock, over);
}
