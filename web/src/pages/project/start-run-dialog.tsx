// Starts a run of what stands on a branch, tag or commit of the repository.

import { type FormEvent, useEffect, useRef, useState } from "react";
import type { Project, RunSummary } from "../../api/client.ts";
import { useAction } from "../../api/use-api.ts";
import { errorText } from "../../ui/toasts.tsx";

export function StartRunDialog({
  project,
  close,
  started,
}: {
  project: Project;
  close: () => void;
  started: (run: RunSummary) => void;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [wrong, setWrong] = useState<string>();
  const start = useAction("createRun", {
    done: started,
    changes: ["listRuns"],
    failed: error => setWrong(errorText(error).text),
  });
  useEffect(() => dialog.current?.showModal(), []);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    setWrong(undefined);
    const form = new FormData(event.currentTarget);
    const given = Object.entries(Object.fromEntries(form))
      .map(([name, value]) => [name, String(value).trim()] as const)
      .filter(([, value]) => value !== "");
    start.mutate({
      params: { organisation: project.organisation, project: project.name },
      body: Object.fromEntries(given),
    });
  };
  return (
    <dialog ref={dialog} aria-labelledby="start-title" onClose={close}>
      <form className="stack" onSubmit={submit}>
        <h2 id="start-title">Start a run of {project.name}</h2>
        <label className="field">
          <span>Branch</span>
          <input name="branch" defaultValue={project.defaultBranch} />
        </label>
        <label className="field">
          <span>
            Commit <span className="hint">— empty: the newest of the branch</span>
          </span>
          <input name="commit" pattern="[0-9a-f]{7,64}" spellCheck={false} />
        </label>
        <label className="field">
          <span>
            Workflow <span className="hint">— empty: those that the branch starts</span>
          </span>
          <input name="workflow" />
        </label>
        <label className="field">
          <span>Message</span>
          <input name="message" maxLength={4096} />
        </label>
        {wrong && (
          <p className="notice of-failed" role="alert">
            {wrong}
          </p>
        )}
        <div className="row end">
          <button type="button" className="button" onClick={() => dialog.current?.close()}>
            Leave it
          </button>
          <button type="submit" className="button primary" disabled={start.isPending}>
            Start
          </button>
        </div>
      </form>
    </dialog>
  );
}
