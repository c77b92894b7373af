// Tells when something changes below a directory of this machine. It only looks: what changed is not said.

import { type FSWatcher, lstatSync, readdirSync, watch } from "node:fs";
import { join } from "node:path";

export interface DirectoryWatch extends Disposable {
  /** Resolves with the next change that comes more than `quietMs` after the one before; at once if it has come. */
  next(): Promise<void>;
  /** Directories that are watched, at most `mostDirectories`. */
  readonly directories: number;
}

export interface DirectoryWatchOptions {
  /** What stays out, with all below it. `relative` has `/`. */
  ignore(relative: string, isDirectory: boolean): boolean;
  /** Changes so soon after one that was told belong to it. Milliseconds. */
  quietMs: number;
  /** Monotonic milliseconds. */
  now?: () => number;
}

const mostDirectories = 20_000;

/** Watches `root` and all directories below it, also new ones, until it is disposed of. */
export function watchDirectory(root: string, options: DirectoryWatchOptions): DirectoryWatch {
  const { now = () => performance.now() } = options;
  const watchers = new Map<string, FSWatcher>();
  let pending = Promise.withResolvers<void>();
  let told = Number.NEGATIVE_INFINITY;

  function add(relative: string): void {
    if (watchers.has(relative) || watchers.size >= mostDirectories) return;
    let names: string[];
    try {
      const watcher = watch(join(root, relative), (_, name) => onEvent(relative, name));
      watcher.on("error", () => drop(relative));
      watchers.set(relative, watcher);
      names = readdirSync(join(root, relative));
    } catch {
      // Gone again already, or not ours to read: nothing to watch.
      drop(relative);
      return;
    }
    for (const name of names) {
      const path = relative === "" ? name : `${relative}/${name}`;
      if (kindOf(path) === "directory" && !ignored(path, true)) add(path);
    }
  }

  function drop(relative: string): void {
    for (const [path, watcher] of watchers) {
      if (path !== relative && !path.startsWith(`${relative}/`)) continue;
      watcher.close();
      watchers.delete(path);
    }
  }

  function kindOf(path: string): "directory" | "file" | undefined {
    const stats = lstatSync(join(root, path), { throwIfNoEntry: false });
    if (stats === undefined) return undefined;
    return stats.isDirectory() ? "directory" : "file";
  }

  function ignored(path: string, isDirectory: boolean): boolean {
    const name = path.slice(path.lastIndexOf("/") + 1);
    return name.startsWith(".") || (isDirectory && name.startsWith("_")) || options.ignore(path, isDirectory);
  }

  function onEvent(directory: string, name: string | null): void {
    if (name === null) return;
    const path = directory === "" ? name : `${directory}/${name}`;
    let kind: "directory" | "file" | undefined;
    try {
      kind = kindOf(path);
    } catch {
      kind = undefined;
    }
    if (ignored(path, kind === "directory")) return;
    if (kind === "directory") {
      if (watchers.has(path)) return;
      add(path);
    } else if (kind === undefined && watchers.has(path)) drop(path);
    const time = now();
    if (time - told <= options.quietMs) return;
    told = time;
    pending.resolve();
  }

  add("");
  return {
    get directories() {
      return watchers.size;
    },
    async next() {
      await pending.promise;
      pending = Promise.withResolvers<void>();
    },
    [Symbol.dispose]() {
      for (const watcher of watchers.values()) watcher.close();
      watchers.clear();
    },
  };
}
