// Asks before what cannot be undone: `if (await confirm({ ... })) ...`. The dialog is the browser's own, so that focus stays in
// it and Escape says no.

import { useEffect, useRef, useState } from "react";

export interface Question {
  title: string;
  text: string;
  /** What the button says: a verb, such as "Delete the project". */
  action: string;
  danger?: boolean;
  /** Has to be typed first, for what is lost for good. */
  type?: string;
}

let show: ((question: Question, answer: (yes: boolean) => void) => void) | undefined;

export function confirm(question: Question): Promise<boolean> {
  return new Promise(resolve => {
    if (show === undefined) resolve(false);
    else show(question, resolve);
  });
}

export function ConfirmDialog() {
  const [asked, setAsked] = useState<{ question: Question; answer: (yes: boolean) => void }>();
  const [typed, setTyped] = useState("");
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    show = (question, answer) => {
      setTyped("");
      setAsked({ question, answer });
    };
    return () => {
      show = undefined;
    };
  }, []);
  useEffect(() => {
    if (asked !== undefined) dialog.current?.showModal();
  }, [asked]);
  const close = (yes: boolean) => {
    asked?.answer(yes);
    setAsked(undefined);
  };
  if (asked === undefined) return null;
  const { title, text, action, danger, type } = asked.question;
  return (
    <dialog ref={dialog} aria-labelledby="confirm-title" onClose={() => close(false)}>
      <form
        method="dialog"
        className="stack"
        onSubmit={event => {
          event.preventDefault();
          close(true);
        }}
      >
        <h2 id="confirm-title">{title}</h2>
        <p>{text}</p>
        {type !== undefined && (
          <label className="field">
            <span>
              Type <code>{type}</code> to go on
            </span>
            <input value={typed} autoComplete="off" onChange={event => setTyped(event.target.value)} />
          </label>
        )}
        <div className="row end">
          <button type="button" className="button" onClick={() => close(false)}>
            Leave it
          </button>
          <button
            type="submit"
            className={`button ${danger ? "danger" : "primary"}`}
            disabled={type !== undefined && typed !== type}
          >
            {action}
          </button>
        </div>
      </form>
    </dialog>
  );
}
