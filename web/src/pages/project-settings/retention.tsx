// How long a project keeps its runs, and the logs and artifacts of them: never longer than the server.

import { useState } from "react";
import type { Project } from "../../api/client.ts";
import { useAction } from "../../api/use-api.ts";
import { confirm } from "../../ui/confirm.tsx";
import { Field, textOf, Wrong } from "../../ui/form-dialog.tsx";
import { Panel } from "../../ui/page.tsx";
import { toast } from "../../ui/toasts.tsx";

export function Retention({ project }: { project: Project }) {
  const [wrong, setWrong] = useState<Error | null>(null);
  const params = { organisation: project.organisation, project: project.name };
  const { serverRunDays: most } = project;
  const change = useAction("changeProject", {
    changes: ["getProject"],
    done: () => toast("The settings are changed."),
    failed: setWrong,
  });
  const save = async (form: FormData) => {
    const body = { runDays: daysOf(form, "runs"), logDays: daysOf(form, "logs") };
    setWrong(null);
    // What is older than it goes within minutes, and nothing brings it back.
    if (isShorter(body.runDays, project.runDays, most) || isShorter(body.logDays, project.logDays, most)) {
      const yes = await confirm({
        title: "Keep less?",
        text: "What is older than that is removed within minutes, for good.",
        action: "Keep less",
        danger: true,
      });
      if (!yes) return;
    }
    change.mutate({ params, body });
  };
  return (
    <Panel title="How long things are kept">
      <form
        className="form"
        onSubmit={event => {
          event.preventDefault();
          void save(new FormData(event.currentTarget));
        }}
      >
        <p className="muted">
          Counted in days from a run&rsquo;s end. The server keeps runs for {most} days, and nothing longer.
        </p>
        <div className="columns">
          <Field label="Runs" hint={`With everything they left. Leave it empty for ${most} days.`}>
            <input
              name="runs"
              type="number"
              min="1"
              max={most}
              placeholder={String(most)}
              defaultValue={project.runDays ?? ""}
            />
          </Field>
          <Field
            label="Logs and artifacts"
            hint="Leave it empty to keep them as long as their run. A pipeline’s artifacts may say a shorter time."
          >
            <input
              name="logs"
              type="number"
              min="1"
              max={most}
              placeholder="as long as their run"
              defaultValue={project.logDays ?? ""}
            />
          </Field>
        </div>
        {wrong && <Wrong error={wrong} />}
        <div>
          <button type="submit" className="button" disabled={change.isPending}>
            Save how long
          </button>
        </div>
      </form>
    </Panel>
  );
}

function daysOf(form: FormData, name: string): number | null {
  const text = textOf(form, name);
  return text === undefined ? null : Number(text);
}

function isShorter(wanted: number | null, before: number | null, most: number): boolean {
  return (wanted ?? most) < Math.min(before ?? most, most);
}
