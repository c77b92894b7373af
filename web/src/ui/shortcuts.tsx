// Keys: one listener for the page; what is on screen registers what it takes. Keys in fields belong to the fields. `?` lists
// all that work where one is.

import { useEffect, useRef, useState } from "react";

interface Shortcut {
  /** `/`, or two with a space between: `g p`. */
  keys: string;
  label: string;
  run: () => void;
}

const shortcuts = new Map<string, Shortcut[]>();
const sequenceMs = 1200;

/** Works as long as the component is there; the newest one of the same keys counts. */
export function useShortcut(keys: string, label: string, run: () => void): void {
  const latest = useRef(run);
  latest.current = run;
  useEffect(() => {
    const shortcut: Shortcut = { keys, label, run: () => latest.current() };
    shortcuts.set(keys, [...(shortcuts.get(keys) ?? []), shortcut]);
    return () => {
      const left = shortcuts.get(keys)!.filter(each => each !== shortcut);
      if (left.length === 0) shortcuts.delete(keys);
      else shortcuts.set(keys, left);
    };
  }, [keys, label]);
}

/** Starts to listen; the function it returns ends it. */
export function listenToKeys(): () => void {
  let first = "";
  let firstAt = 0;
  const heard = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || takesText(event.target))
      return;
    if (document.querySelector("dialog[open]") !== null) return;
    const keys = event.timeStamp - firstAt < sequenceMs && first !== "" ? `${first} ${event.key}` : event.key;
    const found = shortcuts.get(keys)?.at(-1) ?? shortcuts.get(event.key)?.at(-1);
    first = found === undefined ? event.key : "";
    firstAt = event.timeStamp;
    if (found === undefined) return;
    event.preventDefault();
    found.run();
  };
  addEventListener("keydown", heard);
  return () => removeEventListener("keydown", heard);
}

function takesText(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement)
    return !["checkbox", "radio", "button", "submit"].includes(target.type);
  return (
    target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.isContentEditable
  );
}

/** `j` and `k` go through what is marked with `data-row` (links and buttons), Enter opens it. */
export function moveRow(by: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>("main [data-row]")];
  if (rows.length === 0) return;
  const at = rows.indexOf(document.activeElement as HTMLElement);
  const next = rows[Math.max(0, Math.min(rows.length - 1, at === -1 ? 0 : at + by))]!;
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

/** To the page's own search or filter: the first field with `data-search`. */
export function focusSearch(): void {
  const field = document.querySelector<HTMLInputElement>("main [data-search]");
  field?.focus();
  field?.select();
}

export function HelpSheet() {
  const [isOpen, setOpen] = useState(false);
  const dialog = useRef<HTMLDialogElement>(null);
  useShortcut("?", "Show this list", () => setOpen(true));
  useEffect(() => {
    if (isOpen) dialog.current?.showModal();
  }, [isOpen]);
  if (!isOpen) return null;
  const all = [...shortcuts.values()].map(each => each.at(-1)!);
  return (
    <dialog ref={dialog} aria-labelledby="help-title" onClose={() => setOpen(false)}>
      <div className="stack">
        <h2 id="help-title">Keys</h2>
        <dl className="keys">
          {all.map(({ keys, label }) => (
            <div key={keys} style={{ display: "contents" }}>
              <dt>
                {keys.split(" ").map(key => (
                  <kbd key={key}>{key}</kbd>
                ))}
              </dt>
              <dd>{label}</dd>
            </div>
          ))}
          <dt>
            <kbd>Enter</kbd>
          </dt>
          <dd>Open what has the focus</dd>
        </dl>
        <div className="row end">
          <button type="button" className="button" onClick={() => dialog.current?.close()}>
            Close
          </button>
        </div>
      </div>
    </dialog>
  );
}
