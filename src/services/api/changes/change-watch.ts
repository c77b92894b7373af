// Hears of every change on the platform and tells each open page what of it concerns things that its reader may see. One
// look at the tables, for runs that were not heard of lately, serves all pages of this process.

import type { Clock } from "../../../lib/clock.ts";
import type { Nudges } from "../../../queue/postgres/nudges.ts";
import type { Database } from "../../../store/database.ts";

export interface Changes {
  /** Something has changed, and nobody knows what. */
  all?: boolean;
  /** Jobs have come to wait, or no longer do. */
  queue?: boolean;
  runs: { id: string; organisation: string; project: string }[];
  /** Runs of which a runner has said something. */
  said: string[];
  /** Attempts whose log has grown. */
  logs: string[];
}

/** What a reader may see: all, or the projects of some organisations, one project, and whatever is public. */
export interface Sight {
  all: boolean;
  organisationIds: ReadonlySet<number>;
  projectId: number | null;
}

export interface ChangeWatch extends AsyncDisposable {
  /** What changes from now on, gathered while the reader is busy. Ends, without an error, when the signal is aborted. */
  follow(sight: Sight, attemptIds: ReadonlySet<string>, signal: AbortSignal): AsyncGenerator<Changes>;
}

interface Place {
  id: string;
  projectId: number;
  organisationId: number;
  organisation: string;
  project: string;
  isPublic: boolean;
}

/** Changes of this long become one message. Milliseconds. */
const gatherMs = 250;
/** "Something, nobody knows what" is told no more often. Milliseconds. */
const vagueMs = 2000;
/** Rights and names change: what was looked up is looked up again after a while. Milliseconds. */
const forgetMs = 60_000;
const mostPlaces = 20_000;
/** More than this in one message is told as "all". */
const mostRuns = 200;
const logChannel = "slipway_logs";

export const placesStatement = `
  select runs.id, projects.id as "projectId", organisations.id as "organisationId", organisations.name as organisation,
    projects.name as project, projects.public as "isPublic"
  from runs join projects on projects.id = runs.project_id join organisations on organisations.id = projects.organisation_id
  where runs.id = any($1::text[])`;

interface Follower {
  sight: Sight;
  attemptIds: ReadonlySet<string>;
  waiting: Gathered;
  wake: () => void;
}

interface Gathered {
  all: boolean;
  queue: boolean;
  runs: Map<string, Place>;
  said: Set<string>;
  logs: Set<string>;
}

function nothingYet(): Gathered {
  return { all: false, queue: false, runs: new Map(), said: new Set(), logs: new Set() };
}

export function openChangeWatch({
  db,
  nudges,
  clock,
}: {
  db: Database;
  nudges: Nudges;
  clock: Clock;
}): ChangeWatch {
  const followers = new Set<Follower>();
  const places = new Map<string, Place>();
  const heard = {
    runs: new Set<string>(),
    said: new Set<string>(),
    logs: new Set<string>(),
    queue: false,
    vague: false,
  };
  const closing = new AbortController();
  let stopTimer: (() => void) | undefined;
  let forgotten = clock.monotonic();
  let vagueAt = Number.NEGATIVE_INFINITY;
  let telling: Promise<void> = Promise.resolve();

  const tellSoon = () => {
    if (followers.size === 0 || closing.signal.aborted) return;
    stopTimer ??= clock.after(gatherMs, () => {
      stopTimer = undefined;
      telling = tell().catch(() => {
        // The database is away: whatever it was, they look when it is back.
        for (const follower of followers) note(follower, { ...nothingYet(), all: true });
      });
    });
  };
  const tell = async () => {
    const now = clock.monotonic();
    const vague = heard.vague && now - vagueAt >= vagueMs;
    if (vague) vagueAt = now;
    const news = { ...heard, runs: [...heard.runs], said: [...heard.said], logs: new Set(heard.logs) };
    heard.runs.clear();
    heard.said.clear();
    heard.logs.clear();
    heard.queue = false;
    if (vague) heard.vague = false;
    const found = await lookUp(db, places, [...new Set([...news.runs, ...news.said])]);
    for (const follower of followers) {
      const own = nothingYet();
      own.all = vague;
      own.queue = news.queue;
      for (const id of news.runs) if (sees(follower.sight, found.get(id))) own.runs.set(id, found.get(id)!);
      for (const id of news.said) if (sees(follower.sight, found.get(id))) own.said.add(id);
      for (const id of follower.attemptIds) if (news.logs.has(id)) own.logs.add(id);
      note(follower, own);
    }
    if (now - forgotten > forgetMs || places.size > mostPlaces) {
      places.clear();
      forgotten = now;
    }
    // What was too early to be told is told when its time has come.
    if (heard.vague) tellSoon();
  };

  const offs = [
    nudges.on("runs", id => {
      if (id === "") heard.vague = true;
      else heard.runs.add(id);
      heard.queue = true;
      tellSoon();
    }),
    nudges.on("events", id => {
      heard.said.add(id);
      tellSoon();
    }),
    nudges.on("jobs", () => {
      heard.queue = true;
      tellSoon();
    }),
  ];
  const logs = db.listen(logChannel, payload => {
    if (followers.size === 0) return;
    for (const id of payload.split(" ")) heard.logs.add(id);
    tellSoon();
  });
  // Where it fails, closing says nothing of it either: pages look now and then in any case.
  logs.catch(() => undefined);

  async function* follow(sight: Sight, attemptIds: ReadonlySet<string>, signal: AbortSignal) {
    const follower: Follower = { sight, attemptIds, waiting: nothingYet(), wake: () => undefined };
    const ended = AbortSignal.any([signal, closing.signal]);
    followers.add(follower);
    try {
      for (;;) {
        await something(follower, ended);
        if (ended.aborted) return;
        const { waiting } = follower;
        follower.waiting = nothingYet();
        yield changesOf(waiting);
      }
    } finally {
      followers.delete(follower);
    }
  }

  return {
    follow,
    async [Symbol.asyncDispose]() {
      closing.abort(new Error("the server stops"));
      for (const off of offs) off();
      stopTimer?.();
      await telling;
      await (await logs.catch(() => undefined))?.[Symbol.asyncDispose]();
    },
  };
}

/** Of runs that are gone nothing is found. */
async function lookUp(
  db: Database,
  places: Map<string, Place>,
  ids: string[],
): Promise<ReadonlyMap<string, Place>> {
  const unknown = ids.filter(id => !places.has(id));
  if (unknown.length > 0) {
    for (const place of await db.query<Place>(placesStatement, [unknown])) places.set(place.id, place);
  }
  return places;
}

function sees(sight: Sight, place: Place | undefined): boolean {
  if (place === undefined) return false;
  return (
    sight.all ||
    place.isPublic ||
    place.projectId === sight.projectId ||
    sight.organisationIds.has(place.organisationId)
  );
}

function note(follower: Follower, { all, queue, runs, said, logs }: Gathered): void {
  const { waiting } = follower;
  waiting.all ||= all;
  waiting.queue ||= queue;
  for (const [id, place] of runs) waiting.runs.set(id, place);
  for (const id of said) waiting.said.add(id);
  for (const id of logs) waiting.logs.add(id);
  if (waiting.runs.size + waiting.said.size > mostRuns) {
    waiting.all = true;
    waiting.runs.clear();
    waiting.said.clear();
  }
  if (hasNews(waiting)) follower.wake();
}

function hasNews({ all, queue, runs, said, logs }: Gathered): boolean {
  return all || queue || runs.size + said.size + logs.size > 0;
}

function changesOf({ all, queue, runs, said, logs }: Gathered): Changes {
  return {
    ...(all ? { all } : {}),
    ...(queue ? { queue } : {}),
    runs: [...runs.values()].map(({ id, organisation, project }) => ({ id, organisation, project })),
    said: [...said],
    logs: [...logs],
  };
}

function something(follower: Follower, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      follower.wake = () => undefined;
      signal.removeEventListener("abort", done);
      resolve();
    };
    follower.wake = done;
    signal.addEventListener("abort", done, { once: true });
    if (signal.aborted || hasNews(follower.waiting)) done();
  });
}
