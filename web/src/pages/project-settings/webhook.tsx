// How a git host tells of pushes: the address, the secret, and the hook to put into a repository of one's own.

import { useState } from "react";
import hookScript from "../../../../deploy/hooks/post-receive?raw";
import type { Project } from "../../api/client.ts";
import { useAction } from "../../api/use-api.ts";
import { confirm } from "../../ui/confirm.tsx";
import { CopyButton, CopyLine } from "../../ui/copy.tsx";
import { Panel } from "../../ui/page.tsx";
import { SecretOnce } from "../../ui/secret-once.tsx";

export function Webhook({ project }: { project: Project }) {
  const [secret, setSecret] = useState<string>();
  const params = { organisation: project.organisation, project: project.name };
  const rotate = useAction("rotateWebhookSecret", { done: ({ webhookSecret }) => setSecret(webhookSecret) });
  const ask = async () => {
    const yes = await confirm({
      title: "Make a new secret for webhooks?",
      text: "The old one stops working at once: pushes are not heard until the git host has the new one.",
      action: "Make a new secret",
      danger: true,
    });
    if (yes) rotate.mutate({ params });
  };
  const url = new URL(project.webhookUrl, location.origin).href;
  return (
    <Panel
      title="Webhook"
      actions={
        <button type="button" className="button small" disabled={rotate.isPending} onClick={() => void ask()}>
          New secret
        </button>
      }
    >
      {secret !== undefined && (
        <SecretOnce
          title="The new secret for webhooks"
          secret={secret}
          text="Put it into a file on the git host that only its user can read, and name the file as below."
          close={() => setSecret(undefined)}
        />
      )}
      <div className="stack">
        <p>A git host tells of pushes by calling this address, signed with the project&rsquo;s secret:</p>
        <CopyLine text={url} label="Copy the address" />
        <details>
          <summary>Set up a bare repository of your own</summary>
          <div className="stack">
            <p>In the repository, with the hook below as hooks/post-receive:</p>
            <CopyLine text={`git config slipway.url ${url}`} label="Copy the first command" />
            <CopyLine
              text="git config slipway.secretFile /path/to/a/file/with/the/secret"
              label="Copy the second command"
            />
            <div className="row spread">
              <strong>hooks/post-receive</strong>
              <CopyButton text={hookScript} label="Copy the hook" />
            </div>
            <pre className="notice hook" tabIndex={0}>
              {hookScript}
            </pre>
          </div>
        </details>
      </div>
    </Panel>
  );
}
