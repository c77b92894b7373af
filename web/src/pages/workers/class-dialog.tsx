// The settings of a class, for administrators. What Pods can be given is more than a form holds, and is written as JSON; the server
// checks all of it.

import { useState } from "react";
import { useAction } from "../../api/use-api.ts";
import { Field, FormDialog, textOf } from "../../ui/form-dialog.tsx";
import { toast } from "../../ui/toasts.tsx";
import { classBody, gibibyte } from "./class-body.ts";
import type { JobClass } from "./workers-page.tsx";

export function ClassDialog({ jobClass, close }: { jobClass: JobClass | undefined; close: () => void }) {
  const [wrong, setWrong] = useState<Error | null>(null);
  const { settings = {} } = jobClass ?? {};
  const set = useAction("setClass", {
    changes: ["listClasses"],
    done: ({ name }) => {
      toast(`The class ${name} is set. Jobs that are claimed from now on follow it.`);
      close();
    },
    failed: setWrong,
  });
  const check = (name: "allowDocker" | "allowVolumes" | "allowHostPorts", text: string) => (
    <label className="check">
      <input type="checkbox" name={name} defaultChecked={settings[name] ?? false} />
      <span>{text}</span>
    </label>
  );
  return (
    <FormDialog
      title={jobClass === undefined ? "Add a class" : `Class ${jobClass.name}`}
      action="Set the class"
      pending={set.isPending}
      error={wrong}
      close={close}
      submit={form => {
        setWrong(null);
        const body = classBody(form);
        if (body instanceof Error) return setWrong(body);
        const name = jobClass?.name ?? textOf(form, "name") ?? "";
        set.mutate({ params: { class: name }, body: body as never });
      }}
    >
      {jobClass === undefined && (
        <Field label="Name" hint="Pipelines name it with class: NAME.">
          <input name="name" required pattern="[a-z0-9][a-z0-9\-]{0,62}" spellCheck={false} />
        </Field>
      )}
      <Field label="Runs in" hint="Processes of the machine see all that its user sees: for jobs you trust.">
        <select name="engine" defaultValue={settings.engine ?? ""}>
          <option value="">containers, of Docker or a cluster</option>
          <option value="docker">containers of Docker alone</option>
          <option value="pod">Pods alone</option>
          <option value="host">processes of the worker's machine</option>
        </select>
      </Field>
      <div className="columns">
        <div>
          <Field label="CPU" hint="Cores of a box.">
            <input name="cpu" type="number" min="0.1" step="any" defaultValue={settings.cpu} />
          </Field>
        </div>
        <div>
          <Field label="Memory" hint="GiB of a box.">
            <input
              name="memory"
              type="number"
              min="0.001"
              step="any"
              defaultValue={settings.memoryBytes === undefined ? undefined : settings.memoryBytes / gibibyte}
            />
          </Field>
        </div>
        <div>
          <Field label="Longest" hint="Minutes of a job.">
            <input
              name="timeout"
              type="number"
              min="0.1"
              step="any"
              defaultValue={settings.timeoutMs === undefined ? undefined : settings.timeoutMs / 60_000}
            />
          </Field>
        </div>
      </div>
      <fieldset className="stack plain">
        <legend className="small">Trusted jobs may also</legend>
        {check("allowDocker", "have a Docker daemon")}
        {check("allowVolumes", "mount directories of the machine")}
        {check("allowHostPorts", "take ports of the machine")}
      </fieldset>
      <details open={settings.pod !== undefined}>
        <summary>Pods</summary>
        <Field
          label="Settings of Pods, as JSON"
          hint="security, nodeSelector, tolerations, runtimeClassName, requests, limits, serviceRequests, serviceLimits, arch, ephemeralStorage, hostUsers, priorityClassName, imagePullSecrets, registryMirrors, startupProbes, volumes, warm, pendingSeconds"
        >
          <textarea
            name="pod"
            rows={8}
            className="mono wide"
            spellCheck={false}
            placeholder={'{ "limits": { "memory": "2Gi" }, "warm": 2 }'}
            defaultValue={settings.pod === undefined ? "" : JSON.stringify(settings.pod, null, 2)}
          />
        </Field>
      </details>
    </FormDialog>
  );
}
