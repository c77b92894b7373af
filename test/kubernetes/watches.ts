// Watches: streams of changes from a version on, with bookmarks, that end cleanly, are cut, or tell that a version is
// too old - inside the stream, as a real server does.

import type { ServerResponse } from "node:http";
import { shapedObject } from "./answer.ts";
import { ApiFault } from "./api-fault.ts";
import type { ApiObject } from "./api-object.ts";
import type { ApiRequest, Cluster } from "./api-request.ts";
import { versionOf } from "./read-verbs.ts";
import { apiVersionOf } from "./resources.ts";
import { type Fits, selectorOf } from "./selectors.ts";
import type { StoreChange } from "./store.ts";

export interface Watches {
  /** Takes over the response. */
  begin(request: ApiRequest, response: ServerResponse): void;
  /** A clean end of all, as after their timeout. */
  end(): void;
  /** Connections cut without a last chunk. */
  cut(): void;
  /** All versions so far are too old: open watches are told and end, later ones from before as well. */
  expire(): void;
  /** A bookmark for each that wants them, now. */
  bookmark(): void;
  open(): number;
}

interface Open {
  request: ApiRequest;
  response: ServerResponse;
  fits: Fits;
  bookmarks: boolean;
  stop: (() => void)[];
}

const bookmarkMs = 60_000;
/** A server ends watches that name no time after 30 to 60 minutes. Seconds. */
const defaultSeconds = 1800;

export function watchesOf(cluster: Cluster): Watches {
  const { store, clock } = cluster;
  const open = new Set<Open>();
  const leave = (watch: Open) => {
    open.delete(watch);
    for (const stop of watch.stop) stop();
  };
  const end = (watch: Open) => {
    leave(watch);
    watch.response.end();
  };
  const bookmark = (watch: Open) => write(watch, "BOOKMARK", bookmarkObject(watch.request, store.version()));
  const unwatch = store.watch(change => {
    for (const watch of open) tell(watch, change);
  });

  return {
    begin(request, response) {
      const { resource, query } = request;
      const fits = selectorOf(resource, query.get("labelSelector"), query.get("fieldSelector"));
      const from = versionOf(query.get("resourceVersion"));
      const bookmarks =
        query.get("allowWatchBookmarks") === "true" || query.get("allowWatchBookmarks") === "1";
      const watch: Open = { request, response, fits, bookmarks, stop: [] };
      response.writeHead(200, { "content-type": "application/json", "cache-control": "no-cache, private" });
      response.flushHeaders();
      const missed = from === undefined ? [] : from > store.version() ? [] : store.since(resource, from);
      if (missed === undefined) {
        write(watch, "ERROR", tooOld(from!, store.oldest(resource)));
        response.end();
        return;
      }
      if (from === undefined) {
        for (const object of store.list(resource, request.namespace)) {
          if (fits(object)) write(watch, "ADDED", object);
        }
        if (bookmarks) bookmark(watch);
      }
      for (const change of missed) tell(watch, change);
      open.add(watch);
      const seconds = Number(query.get("timeoutSeconds")) || defaultSeconds;
      watch.stop.push(clock.after(seconds * 1000, () => end(watch)));
      const again = () => {
        if (watch.bookmarks) bookmark(watch);
        watch.stop.push(clock.after(bookmarkMs, again));
      };
      if (bookmarks) watch.stop.push(clock.after(bookmarkMs, again));
      response.on("close", () => leave(watch));
    },
    end() {
      for (const watch of [...open]) end(watch);
    },
    cut() {
      for (const watch of [...open]) {
        leave(watch);
        watch.response.destroy();
      }
    },
    expire() {
      const from = store.version();
      store.compact();
      for (const watch of [...open]) {
        write(watch, "ERROR", tooOld(from, store.version()));
        end(watch);
      }
    },
    bookmark() {
      for (const watch of open) if (watch.bookmarks) bookmark(watch);
    },
    open: () => open.size,
    [Symbol.dispose]: unwatch,
  } as Watches;
}

function tell(watch: Open, { type, resource, object, before }: StoreChange): void {
  const { request, fits } = watch;
  if (request.resource !== resource) return;
  if (request.namespace !== undefined && request.namespace !== object.metadata.namespace) return;
  if (request.name !== undefined && request.name !== object.metadata.name) return;
  const did = before !== undefined && fits(before);
  const does = type !== "DELETED" && fits(object);
  if (does) write(watch, did ? "MODIFIED" : "ADDED", object);
  // What leaves a selector is gone for its watcher: the last that fitted, with the version of the change.
  else if (did) {
    const { resourceVersion } = object.metadata;
    const last =
      type === "DELETED" ? object : { ...before, metadata: { ...before.metadata, resourceVersion } };
    write(watch, "DELETED", last);
  }
}

/** Many watchers get the same object: it is written out once. */
const written = new WeakMap<object, string>();

function write({ request, response }: Open, type: string, object: unknown): void {
  const isWhole = !/as=PartialObjectMetadata/.test(request.accept) || type === "ERROR" || type === "BOOKMARK";
  const shaped = isWhole ? (object as object) : (shapedObject(request, object as ApiObject) as object);
  let text = written.get(shaped);
  if (text === undefined) {
    text = JSON.stringify(shaped);
    written.set(shaped, text);
  }
  response.write(`{"type":"${type}","object":${text}}\n`);
}

function tooOld(from: number, oldest: number) {
  return new ApiFault(410, "Expired", `too old resource version: ${from} (${oldest})`).body;
}

function bookmarkObject({ resource }: ApiRequest, version: number) {
  const metadata = { resourceVersion: String(version), creationTimestamp: null };
  const more = resource.kind === "Pod" ? { spec: { containers: null }, status: {} } : {};
  return { kind: resource.kind, apiVersion: apiVersionOf(resource), metadata, ...more };
}
