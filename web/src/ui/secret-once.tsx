// A token or secret that the server tells once: shown until it is put away, and kept nowhere.

import { useEffect, useRef } from "react";
import { CopyLine } from "./copy.tsx";

export function SecretOnce({
  title,
  secret,
  text,
  close,
}: {
  title: string;
  secret: string;
  /** What it is for. */
  text: string;
  close: () => void;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} aria-labelledby="secret-title" onClose={close} className="form-dialog">
      <div className="stack">
        <h2 id="secret-title">{title}</h2>
        <p>{text}</p>
        <CopyLine text={secret} label="Copy the secret" />
        <p className="notice of-waiting">
          It is shown this once. Copy it now: nobody, the server included, can show it again.
        </p>
        <div className="row end">
          <button type="button" className="button primary" onClick={() => dialog.current?.close()}>
            I have it
          </button>
        </div>
      </div>
    </dialog>
  );
}
