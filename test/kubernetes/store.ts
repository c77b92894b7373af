// Everything that the stand-in's API holds: one counter of versions as in etcd, and a log of changes from which watches
// and lists of the past are served. It knows no rules.

import { qualified } from "./api-fault.ts";
import type { ApiObject } from "./api-object.ts";
import type { Resource } from "./resources.ts";

export interface StoreChange {
  type: "ADDED" | "MODIFIED" | "DELETED";
  resource: Resource;
  object: ApiObject;
  /** What it was. */
  before: ApiObject | undefined;
  version: number;
}

export interface Store {
  version(): number;
  get(resource: Resource, namespace: string | undefined, name: string): ApiObject | undefined;
  /** In the order of namespace and name, as etcd has them. */
  list(resource: Resource, namespace?: string): ApiObject[];
  /** What the list was at that version; undefined where that is forgotten. */
  listAt(resource: Resource, namespace: string | undefined, version: number): ApiObject[] | undefined;
  /** Adds it, or replaces what is there. Gives the object with its new version. */
  put(resource: Resource, object: ApiObject): ApiObject;
  /** Gives the object as watches see it go; undefined where there is none. */
  remove(resource: Resource, namespace: string | undefined, name: string): ApiObject | undefined;
  /** Changes after that version; undefined where they are forgotten. */
  since(resource: Resource, version: number): StoreChange[] | undefined;
  /** Hears each change, in the same tick. Gives what takes that back. */
  watch(hear: (change: StoreChange) => void): () => void;
  /** Forgets all changes so far, and all versions before now. */
  compact(): void;
  /** Oldest version that a watch of this resource may start from. */
  oldest(resource: Resource): number;
}

interface Shelf {
  objects: Map<string, ApiObject>;
  /** Keys of each namespace, in order. */
  sorted: Map<string, string[]>;
  log: StoreChange[];
  oldest: number;
}

/** A cluster is never new. */
const firstVersion = 1000;
/** Changes of one resource that are kept. */
const logLength = 50_000;

export function openStore(): Store {
  const shelves = new Map<string, Shelf>();
  const hearers = new Set<(change: StoreChange) => void>();
  const waiting: StoreChange[] = [];
  let version = firstVersion;

  const shelfOf = (resource: Resource): Shelf => {
    const key = qualified(resource);
    let shelf = shelves.get(key);
    if (shelf === undefined) {
      shelf = { objects: new Map(), sorted: new Map(), log: [], oldest: firstVersion };
      shelves.set(key, shelf);
    }
    return shelf;
  };
  const say = (shelf: Shelf, change: StoreChange) => {
    shelf.log.push(change);
    if (shelf.log.length > logLength) shelf.oldest = shelf.log.splice(0, logLength / 2).at(-1)!.version;
    waiting.push(change);
    // Who changes something on hearing of a change: all hear of the first one first.
    if (waiting.length > 1) return;
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      for (const hear of [...hearers]) hear(next);
      waiting.shift();
    }
  };

  return {
    version: () => version,
    get: (resource, namespace, name) => shelfOf(resource).objects.get(keyOf(namespace, name)),
    list: (resource, namespace) => listOf(shelfOf(resource), namespace),
    listAt(resource, namespace, at) {
      const shelf = shelfOf(resource);
      if (at < shelf.oldest) return undefined;
      if ((shelf.log.at(-1)?.version ?? 0) <= at) return listOf(shelf, namespace);
      const objects = new Map(shelf.objects);
      for (const { version: when, object, before } of shelf.log.toReversed()) {
        if (when <= at) break;
        const key = keyOf(object.metadata.namespace, object.metadata.name);
        if (before === undefined) objects.delete(key);
        else objects.set(key, before);
      }
      const then: Shelf = { ...shelf, objects, sorted: new Map() };
      for (const key of [...objects.keys()].sort()) addKey(then, key);
      return listOf(then, namespace);
    },
    put(resource, object) {
      const shelf = shelfOf(resource);
      const key = keyOf(object.metadata.namespace, object.metadata.name);
      const before = shelf.objects.get(key);
      version += 1;
      const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
      shelf.objects.set(key, stored);
      if (before === undefined) addKey(shelf, key);
      say(shelf, {
        type: before === undefined ? "ADDED" : "MODIFIED",
        resource,
        object: stored,
        before,
        version,
      });
      return stored;
    },
    remove(resource, namespace, name) {
      const shelf = shelfOf(resource);
      const before = shelf.objects.get(keyOf(namespace, name));
      if (before === undefined) return undefined;
      shelf.objects.delete(keyOf(namespace, name));
      dropKey(shelf, keyOf(namespace, name));
      version += 1;
      const gone = { ...before, metadata: { ...before.metadata, resourceVersion: String(version) } };
      say(shelf, { type: "DELETED", resource, object: gone, before, version });
      return gone;
    },
    since(resource, from) {
      const { log, oldest } = shelfOf(resource);
      if (from < oldest) return undefined;
      let start = log.length;
      while (start > 0 && log[start - 1]!.version > from) start -= 1;
      return log.slice(start);
    },
    watch(hear) {
      hearers.add(hear);
      return () => hearers.delete(hear);
    },
    compact() {
      // Even the newest version is gone, as after a restart of the API server.
      version += 1;
      for (const shelf of shelves.values()) {
        shelf.log = [];
        shelf.oldest = version;
      }
    },
    oldest: resource => shelfOf(resource).oldest,
  };
}

const keyOf = (namespace: string | undefined, name: string) => `${namespace ?? ""}/${name}`;

function listOf({ objects, sorted }: Shelf, namespace: string | undefined): ApiObject[] {
  const keys =
    namespace === undefined
      ? [...sorted.keys()].sort().flatMap(each => sorted.get(each) ?? [])
      : (sorted.get(namespace) ?? []);
  return keys.map(key => objects.get(key)!);
}

const namespaceOf = (key: string) => key.slice(0, key.indexOf("/"));

function addKey({ sorted }: Shelf, key: string): void {
  const keys = sorted.get(namespaceOf(key));
  if (keys === undefined) sorted.set(namespaceOf(key), [key]);
  else keys.splice(placeOf(keys, key), 0, key);
}

function dropKey({ sorted }: Shelf, key: string): void {
  const keys = sorted.get(namespaceOf(key)) ?? [];
  const place = placeOf(keys, key);
  if (keys[place] === key) keys.splice(place, 1);
}

/** Where it is, or belongs. */
function placeOf(keys: string[], key: string): number {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (keys[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
