// Short messages in a corner, read out by screen readers. An error stays until it is taken away.

import { useSyncExternalStore } from "react";
import { ApiProblem, SlipwayError } from "../api/client.ts";

interface Toast {
  id: number;
  kind: "done" | "error";
  text: string;
  hint?: string | undefined;
}

let toasts: readonly Toast[] = [];
let lastId = 0;
const heard = new Set<() => void>();
const shortMs = 5000;
const most = 4;

function set(next: readonly Toast[]): void {
  toasts = next.slice(-most);
  for (const tell of heard) tell();
}

function add(toast: Omit<Toast, "id">): void {
  const id = ++lastId;
  set([...toasts, { id, ...toast }]);
  if (toast.kind === "done") setTimeout(() => set(toasts.filter(each => each.id !== id)), shortMs);
}

export function toast(text: string): void {
  add({ kind: "done", text });
}

export function toastError(error: unknown): void {
  add({ kind: "error", ...errorText(error) });
}

/** What an error says, and what to do about it. */
export function errorText(error: unknown): { text: string; hint: string | undefined } {
  if (error instanceof ApiProblem) {
    const where = error.problems.map(({ path, message }) => `${path}: ${message}`).join("; ");
    return { text: where === "" ? error.message : `${error.message}: ${where}`, hint: error.hint };
  }
  if (error instanceof SlipwayError && error.code === "server-unreachable") {
    return { text: "The server does not answer.", hint: "It is asked again as soon as it is back." };
  }
  return { text: error instanceof Error ? error.message : String(error), hint: undefined };
}

export function Toasts() {
  const shown = useSyncExternalStore(
    tell => {
      heard.add(tell);
      return () => heard.delete(tell);
    },
    () => toasts,
  );
  return (
    <div className="toasts" role="status" aria-live="polite">
      {shown.map(each => (
        <div key={each.id} className={`notice toast of-${each.kind === "error" ? "failed" : "passed"}`}>
          <div>
            <p>{each.text}</p>
            {each.hint && <p className="muted small">{each.hint}</p>}
          </div>
          <button
            type="button"
            className="button plain small"
            aria-label="Close this message"
            onClick={() => set(toasts.filter(({ id }) => id !== each.id))}
          >
            ✕
          </button>
        </div>
      ))}
    </div>
  );
}
