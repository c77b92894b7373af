// Sets one variable: its value, whether it is protected, and which jobs get it.

import { useState } from "react";
import { Field, FormDialog } from "./form-dialog.tsx";
import { runEvents, type VariableWish, wishOf } from "./variable-wish.ts";
import type { Variable } from "./variables-panel.tsx";

export function VariableDialog({
  variable,
  withPipelines,
  pending,
  error,
  close,
  set,
}: {
  variable: Variable | undefined;
  withPipelines: boolean;
  pending: boolean;
  error: Error | null;
  close: () => void;
  set: (wish: VariableWish) => void;
}) {
  const [isProtected, setProtected] = useState(variable?.protected ?? true);
  return (
    <FormDialog
      title={variable === undefined ? "Add a variable" : `Variable ${variable.name}`}
      action="Set the variable"
      pending={pending}
      error={error}
      close={close}
      submit={form => set(wishOf(form, variable))}
    >
      {variable === undefined && (
        <Field label="Name">
          <input
            name="name"
            required
            pattern="[A-Za-z_][A-Za-z0-9_]{0,254}"
            title="letters, digits and _, not beginning with a digit"
            spellCheck={false}
            autoComplete="off"
          />
        </Field>
      )}
      <Field
        label="Value"
        hint={variable?.protected ? "The value that is kept cannot be shown. Write it anew." : undefined}
      >
        <textarea
          name="value"
          rows={3}
          className="mono wide"
          spellCheck={false}
          autoComplete="off"
          defaultValue={variable?.value ?? ""}
        />
      </Field>
      <label className="check">
        <input
          type="checkbox"
          name="protected"
          checked={isProtected}
          onChange={({ target }) => setProtected(target.checked)}
        />
        <span>Protected</span>
      </label>
      <p className="muted small">
        {isProtected
          ? "Only trusted jobs get it. It is never shown again, and is masked in logs."
          : "Every job gets it, also of pull requests, and whoever maintains the project can read it here."}
      </p>
      {withPipelines && variable === undefined && (
        <Field label="Pipeline" hint="Empty: all of the project.">
          <input name="pipeline" spellCheck={false} />
        </Field>
      )}
      <Field label="Branches" hint="Patterns such as main or release/*, with spaces between. Empty: all.">
        <input name="branches" spellCheck={false} defaultValue={variable?.branches?.join(" ") ?? ""} />
      </Field>
      <fieldset className="row plain">
        <legend className="small">Only of runs that are started by (none chosen: all)</legend>
        {runEvents.map(event => (
          <label key={event} className="check">
            <input
              type="checkbox"
              name="event"
              value={event}
              defaultChecked={variable?.events?.includes(event) ?? false}
            />
            <span>{event}</span>
          </label>
        ))}
      </fieldset>
    </FormDialog>
  );
}
