// A page's end of the stream of changes. Without shared workers each page that can be seen has a stream of its own, and
// those in the background none.

import { type Changes, createHub, type FromHub, type Hub, type ToHub } from "./hub.ts";

const heardChanges = new Set<(changes: Changes) => void>();
const heardState = new Set<() => void>();
/** Counts who watches which log. */
const watchedLogs = new Map<string, number>();
let isConnected: boolean | undefined;
let say: (message: ToHub) => void = () => undefined;

const livesMs = 30_000;

/** Begins. Called once, by `main.tsx`. */
export function startStream(): void {
  say = sharedHub() ?? ownHub();
  const watch = () => say({ type: "watch", logs: [...watchedLogs.keys()] });
  watch();
  setInterval(watch, livesMs);
  addEventListener("pagehide", () => say({ type: "bye" }));
  addEventListener("pageshow", event => {
    if (event.persisted) watch();
  });
  // The browser stops pages that nobody looks at, and lets them go on without having told anybody.
  document.addEventListener("resume", watch);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") watch();
  });
}

/** Undefined where there is none, or the person has forbidden it. */
function sharedHub(): ((message: ToHub) => void) | undefined {
  try {
    return openWorker();
  } catch {
    return undefined;
  }
}

function openWorker(): (message: ToHub) => void {
  const worker = new SharedWorker(new URL("./hub-worker.ts", import.meta.url), {
    type: "module",
    name: "slipway",
  });
  worker.port.onmessage = ({ data }: MessageEvent<FromHub>) => hear(data);
  return message => worker.port.postMessage(message);
}

function ownHub(): (message: ToHub) => void {
  const hub: Hub = createHub(location.origin);
  const page = hub.join(hear);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") page.hear({ type: "bye" });
    else page.hear({ type: "watch", logs: [...watchedLogs.keys()] });
  });
  return message => {
    if (document.visibilityState !== "hidden" || message.type === "bye") page.hear(message);
  };
}

function hear(message: FromHub): void {
  if (message.type === "changes") {
    for (const heard of [...heardChanges]) heard(message.changes);
    return;
  }
  isConnected = message.connected;
  for (const heard of [...heardState]) heard();
}

export function onChanges(heard: (changes: Changes) => void): () => void {
  heardChanges.add(heard);
  return () => heardChanges.delete(heard);
}

/** News of a log come as long as somebody watches it. */
export function watchLog(attemptId: string): () => void {
  watchedLogs.set(attemptId, (watchedLogs.get(attemptId) ?? 0) + 1);
  say({ type: "watch", logs: [...watchedLogs.keys()] });
  return () => {
    const left = watchedLogs.get(attemptId)! - 1;
    if (left > 0) watchedLogs.set(attemptId, left);
    else watchedLogs.delete(attemptId);
    say({ type: "watch", logs: [...watchedLogs.keys()] });
  };
}

/** After somebody has signed in or out. */
export function reopenStream(): void {
  say({ type: "reopen" });
}

/** For `useSyncExternalStore`. Undefined until it is known. */
export const streamState = {
  subscribe(heard: () => void): () => void {
    heardState.add(heard);
    return () => heardState.delete(heard);
  },
  get: (): boolean | undefined => isConnected,
};
