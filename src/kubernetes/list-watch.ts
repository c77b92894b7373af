// Everything of one kind that fits a selector, and then every change of it, for ever: list, watch, and again where the
// server has forgotten. Its owner sees objects come, change and go; that steps between were lost is normal.
// https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes

import type { Clock } from "../lib/clock.ts";
import { pause } from "../lib/pause.ts";
import type { KubernetesApi, Status } from "./kubernetes-api.ts";

export interface KubernetesObject {
  metadata: {
    name: string;
    namespace?: string;
    uid?: string;
    resourceVersion?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    managedFields?: unknown;
    deletionTimestamp?: string;
    creationTimestamp?: string;
  };
}

export type Change<T> =
  /** It is there now, or has changed. */
  | { type: "seen"; object: T }
  /** It is gone: the last that is known of it. */
  | { type: "gone"; object: T }
  /** Everything that was there has been seen. Comes again after each new list. */
  | { type: "listed" };

export interface ListWatchOptions<T extends KubernetesObject = KubernetesObject> {
  api: KubernetesApi;
  /** `/api/v1/namespaces/jobs/pods`. */
  path: string;
  labelSelector?: string;
  /** What is remembered and told of an object, in place of all of it. Name, namespace, uid and resourceVersion have to stay. */
  keep?(object: T): T;
  clock: Clock;
  /** Chance between 0 and 1, so that watchers do not come back all at once. */
  random(): number;
  signal: AbortSignal;
  /** Hears why a watch ended or a list failed; it goes on. */
  troubled(what: string): void;
}

const pageSize = 500;
/** Watches are renewed now and then, at different times. Seconds. */
const watchSeconds = { least: 240, spread: 120 };
/**
 * Bookmarks come every minute. Who hears nothing for so long lists anew: the connection may be dead, or the server was put
 * back to a time before what we know, of which it says nothing. Milliseconds.
 */
const silenceMs = 150_000;
/** A watch that told nothing and ended before this is taken up again after a rest only. Milliseconds. */
const shortMs = 1000;
/** Between tries. Milliseconds. */
const backOff = { first: 250, most: 15_000 };

interface Page<T> {
  metadata: { resourceVersion: string; continue?: string };
  items: T[];
}

type WatchLine<T> =
  | { type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK"; object: T }
  | { type: "ERROR"; object: Status };

/** Ends only with the signal. One reader; what it has not taken yet is held by the connection, not here. */
export async function* listWatch<T extends KubernetesObject>(
  options: ListWatchOptions<T>,
): AsyncGenerator<Change<T>> {
  const known = new Map<string, T>();
  let failures = 0;
  while (!options.signal.aborted) {
    try {
      const version = yield* listAll(options, known);
      const began = options.clock.monotonic();
      yield* watchFrom(options, known, version);
      // A server that forgets faster than it can be listed is not asked without end.
      if (options.clock.monotonic() - began > backOff.most) failures = 0;
      else if (failures++ > 0) await rest(options, Math.min(backOff.first * 2 ** failures, backOff.most));
    } catch (error) {
      if (options.signal.aborted) return;
      options.troubled(error instanceof Error ? error.message : String(error));
      await rest(options, Math.min(backOff.first * 2 ** failures++, backOff.most));
    }
  }
}

async function* listAll<T extends KubernetesObject>(
  { api, path, labelSelector, signal, keep }: ListWatchOptions<T>,
  known: Map<string, T>,
): AsyncGenerator<Change<T>, string> {
  const seen = new Set<string>();
  let token: string | undefined;
  let version = "";
  do {
    const query = { labelSelector, limit: pageSize, continue: token };
    const page = await api.call<Page<T>>("GET", path, { query, signal });
    // A list that took too long is begun again.
    if (!page.ok) throw new Error(`list of ${path}: ${page.code} ${page.status.message ?? ""}`);
    for (const object of page.body.items) {
      seen.add(keyOf(object));
      const before = known.get(keyOf(object));
      if (before?.metadata.resourceVersion === object.metadata.resourceVersion) continue;
      // The same name anew: the old one is gone.
      if (before !== undefined && before.metadata.uid !== object.metadata.uid)
        yield { type: "gone", object: before };
      yield remember(known, object, keep);
    }
    version = page.body.metadata.resourceVersion;
    token = page.body.metadata.continue;
  } while (token !== undefined && token !== "");
  for (const [key, object] of known) {
    if (seen.has(key)) continue;
    known.delete(key);
    yield { type: "gone", object };
  }
  yield { type: "listed" };
  return version;
}

/** Watches until the server has forgotten where we were, or is silent; a watch that just ends is taken up where it ended. */
async function* watchFrom<T extends KubernetesObject>(
  options: ListWatchOptions<T>,
  known: Map<string, T>,
  from: string,
): AsyncGenerator<Change<T>> {
  const { clock, signal, troubled } = options;
  let version = from;
  let failures = 0;
  while (!signal.aborted) {
    const began = clock.monotonic();
    const quiet = createSilence(clock, signal);
    let told = false;
    try {
      for await (const line of linesFrom<T>(options, version, quiet.signal)) {
        if (line === "forgotten") return;
        quiet.heard();
        told = true;
        failures = 0;
        version = line.object.metadata.resourceVersion ?? version;
        const change = changeBy(line, known, options.keep);
        if (change !== undefined) yield change;
      }
      // A server that ends watches at once, as one that shuts down, is not asked without end.
      if (told || clock.monotonic() - began > shortMs) continue;
      await rest(options, Math.min(backOff.first * 2 ** failures++, backOff.most));
    } catch (error) {
      if (signal.aborted || quiet.signal.aborted) return;
      troubled(error instanceof Error ? error.message : String(error));
      await rest(options, Math.min(backOff.first * 2 ** failures++, backOff.most));
    } finally {
      quiet.stop();
    }
  }
}

/** One watch, line by line; `forgotten` where the server does not know any more what came after `version`. */
async function* linesFrom<T extends KubernetesObject>(
  { api, path, labelSelector, random }: ListWatchOptions<T>,
  version: string,
  signal: AbortSignal,
): AsyncGenerator<Exclude<WatchLine<T>, { type: "ERROR" }> | "forgotten"> {
  const timeoutSeconds = Math.floor(watchSeconds.least + random() * watchSeconds.spread);
  const query = {
    ...{ labelSelector, watch: 1, allowWatchBookmarks: true, resourceVersion: version, timeoutSeconds },
  };
  const watch = await api.lines<WatchLine<T>>(path, { query, signal });
  if (!watch.ok) {
    if (watch.code === 410) return yield "forgotten";
    throw new Error(`watch of ${path}: ${watch.code} ${watch.status.message ?? ""}`);
  }
  for await (const line of watch.body) {
    if (line.type !== "ERROR") {
      yield line;
      continue;
    }
    if (line.object.code === 410) return yield "forgotten";
    throw new Error(`watch of ${path}: ${line.object.code} ${line.object.message ?? ""}`);
  }
}

function changeBy<T extends KubernetesObject>(
  line: Exclude<WatchLine<T>, { type: "ERROR" }>,
  known: Map<string, T>,
  keep: ((object: T) => T) | undefined,
): Change<T> | undefined {
  if (line.type === "BOOKMARK") return undefined;
  if (line.type !== "DELETED") return remember(known, line.object, keep);
  known.delete(keyOf(line.object));
  return { type: "gone", object: slim(line.object, keep) };
}

/** Aborted with the outer signal, or when nothing was heard for too long. */
function createSilence(clock: Clock, outer: AbortSignal) {
  const abort = new AbortController();
  const onAbort = () => abort.abort(outer.reason);
  let heardAt = clock.monotonic();
  // One timer that looks when the last word was, not a new one for each of thousands.
  const look = () => {
    const left = heardAt + silenceMs - clock.monotonic();
    if (left > 0) cancel = clock.after(left, look);
    else abort.abort(new Error("the watch is silent"));
  };
  let cancel = clock.after(silenceMs, look);
  outer.addEventListener("abort", onAbort, { once: true });
  if (outer.aborted) onAbort();
  return {
    signal: abort.signal,
    heard() {
      heardAt = clock.monotonic();
    },
    stop() {
      cancel();
      outer.removeEventListener("abort", onAbort);
    },
  };
}

function remember<T extends KubernetesObject>(
  known: Map<string, T>,
  object: T,
  keep: ((object: T) => T) | undefined,
): Change<T> {
  const kept = slim(object, keep);
  known.set(keyOf(kept), kept);
  return { type: "seen", object: kept };
}

/** Who wrote which field is half of an object and of no use here. */
function slim<T extends KubernetesObject>(object: T, keep: ((object: T) => T) | undefined): T {
  delete object.metadata.managedFields;
  return keep === undefined ? object : keep(object);
}

function keyOf({ metadata }: KubernetesObject): string {
  return `${metadata.namespace ?? ""}/${metadata.name}`;
}

/** Not to the same moment for all who wait for one server. */
function rest(
  { clock, random, signal }: Pick<ListWatchOptions, "clock" | "random" | "signal">,
  ms: number,
): Promise<void> {
  return pause(clock, ms * (0.5 + random() / 2), signal);
}
