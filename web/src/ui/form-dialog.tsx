// A dialog with a form: what is typed stays when the server says no, and the reason stands where one looks. `Field` is a label with
// what it is for.

import {
  cloneElement,
  type FormEvent,
  type ReactElement,
  type ReactNode,
  useEffect,
  useId,
  useRef,
} from "react";
import { errorText } from "./toasts.tsx";

export function FormDialog({
  title,
  action,
  pending,
  error,
  close,
  submit,
  children,
}: {
  title: string;
  /** What the button says. */
  action: string;
  pending: boolean;
  /** Of the last try. */
  error: Error | null;
  close: () => void;
  submit: (form: FormData) => void;
  children: ReactNode;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const send = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    submit(new FormData(event.currentTarget));
  };
  return (
    <dialog ref={dialog} aria-labelledby="form-title" onClose={close} className="form-dialog">
      <form className="stack" onSubmit={send}>
        <h2 id="form-title">{title}</h2>
        {children}
        {error !== null && <Wrong error={error} />}
        <div className="row end">
          <button type="button" className="button" onClick={() => dialog.current?.close()}>
            Leave it
          </button>
          <button type="submit" className="button primary" disabled={pending}>
            {action}
          </button>
        </div>
      </form>
    </dialog>
  );
}

export function Wrong({ error }: { error: Error }) {
  const { text, hint } = errorText(error);
  return (
    <div className="notice of-failed" role="alert">
      <p>{text}</p>
      {hint && <p className="muted small">{hint}</p>}
    </div>
  );
}

/** One control with its label; what the hint says is read out with it. */
export function Field({
  label,
  hint,
  children,
}: {
  label: string;
  hint?: ReactNode;
  children: ReactElement<{ id?: string; "aria-describedby"?: string | undefined }>;
}) {
  const id = useId();
  const described = hint === undefined ? undefined : `${id}-hint`;
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {cloneElement(children, { id, "aria-describedby": described })}
      {hint !== undefined && (
        <span className="hint small" id={described}>
          {hint}
        </span>
      )}
    </div>
  );
}

/** Of a form: the text of a field without spaces around it, undefined where it is empty. */
export function textOf(form: FormData, name: string): string | undefined {
  return String(form.get(name) ?? "").trim() || undefined;
}
