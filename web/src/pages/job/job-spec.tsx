// The job as it was resolved, without any secret value, and how to do it again elsewhere.

import type { Job, Run } from "../../api/client.ts";
import { useApi } from "../../api/use-api.ts";
import { CopyButton, CopyLine } from "../../ui/copy.tsx";
import { Panel, Show } from "../../ui/page.tsx";
import { replayCommand } from "../run/run-page.tsx";

export function JobSpec({ run, job }: { run: Run; job: Job }) {
  const found = useApi("getJob", { params: { job: job.id } });
  return (
    <>
      <Panel title="Reproduce it on your machine">
        <CopyLine text={replayCommand(run, job)} label="Copy the command" />
      </Panel>
      <Show of={found}>
        {({ spec }) => {
          const text = JSON.stringify(spec, null, 2);
          return (
            <Panel title="The resolved job" actions={<CopyButton text={text} label="Copy the job" />}>
              <pre className="spec" tabIndex={0}>
                {text}
              </pre>
            </Panel>
          );
        }}
      </Show>
    </>
  );
}
