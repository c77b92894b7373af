// Where a project's sources come from, who may see it, and the credential for it, which is never shown.

import { useState } from "react";
import type { Project } from "../../api/client.ts";
import { useAction } from "../../api/use-api.ts";
import { confirm } from "../../ui/confirm.tsx";
import { Field, textOf, Wrong } from "../../ui/form-dialog.tsx";
import { Panel } from "../../ui/page.tsx";
import { toast } from "../../ui/toasts.tsx";

export function Repository({ project }: { project: Project }) {
  const [wrong, setWrong] = useState<Error | null>(null);
  const params = { organisation: project.organisation, project: project.name };
  const change = useAction("changeProject", {
    changes: ["getProject", "listProjects"],
    done: () => toast("The settings are changed."),
    failed: setWrong,
  });
  const forget = async () => {
    const yes = await confirm({
      title: "Forget the credential?",
      text: "Without it the repository can only be read if it needs none.",
      action: "Forget the credential",
      danger: true,
    });
    if (yes) change.mutate({ params, body: { credential: null } });
  };
  return (
    <Panel title="Repository">
      <form
        className="form"
        onSubmit={event => {
          event.preventDefault();
          setWrong(null);
          const target = event.currentTarget;
          const form = new FormData(target);
          const poll = textOf(form, "poll");
          const credential = String(form.get("credential") ?? "").replaceAll("\r\n", "\n");
          change.mutate(
            {
              params,
              body: {
                repository: textOf(form, "repository") ?? null,
                defaultBranch: textOf(form, "branch") ?? "main",
                public: form.get("public") !== null,
                pollSeconds: poll === undefined ? null : Number(poll),
                ...(credential.trim() === "" ? {} : { credential }),
              },
            },
            {
              onSuccess: () => {
                const field = target.elements.namedItem("credential") as HTMLTextAreaElement | null;
                if (field !== null) field.value = "";
              },
            },
          );
        }}
      >
        <Field
          label="Address"
          hint="A git repository, by https or ssh. Leave it empty to send your working tree instead."
        >
          <input name="repository" defaultValue={project.repository ?? ""} spellCheck={false} />
        </Field>
        <div className="columns">
          <Field label="Default branch">
            <input name="branch" required defaultValue={project.defaultBranch} spellCheck={false} />
          </Field>
          <Field label="Look for pushes every" hint="Seconds. Leave it empty where a webhook tells of them.">
            <input name="poll" type="number" min="10" max="86400" defaultValue={project.pollSeconds ?? ""} />
          </Field>
        </div>
        <Field
          label={project.hasCredential ? "A new credential" : "Credential"}
          hint={
            project.hasCredential
              ? "One is stored, encrypted, and never shown. Leave it empty to keep it."
              : "USER:TOKEN for https, a private key for ssh. Stored encrypted, never shown."
          }
        >
          <textarea name="credential" rows={2} className="mono wide" spellCheck={false} autoComplete="off" />
        </Field>
        <label className="check">
          <input type="checkbox" name="public" defaultChecked={project.public} />
          <span>Public: anyone may read its runs and logs, without signing in</span>
        </label>
        {wrong && <Wrong error={wrong} />}
        <div className="row">
          <button type="submit" className="button primary" disabled={change.isPending}>
            Save the settings
          </button>
          {project.hasCredential && (
            <button type="button" className="button plain" onClick={() => void forget()}>
              Forget the credential
            </button>
          )}
        </div>
      </form>
    </Panel>
  );
}
