// Settings of a project: repository and credential, webhook, how long things are kept, badge, tokens, and its end.

import { useState } from "react";
import { useLocation, useParams } from "wouter";
import { addresses } from "../../addresses.ts";
import { may, useMe } from "../../api/session.ts";
import { useAction, useApi, usePages } from "../../api/use-api.ts";
import { confirm } from "../../ui/confirm.tsx";
import { CopyLine } from "../../ui/copy.tsx";
import { Panel, Show, usePageTitle } from "../../ui/page.tsx";
import { ProjectHead } from "../../ui/project-tabs.tsx";
import { toast } from "../../ui/toasts.tsx";
import { TokenPanel } from "../../ui/token-panel.tsx";
import { Repository } from "./repository.tsx";
import { Retention } from "./retention.tsx";
import { Webhook } from "./webhook.tsx";

export default function ProjectSettingsPage() {
  const { organisation = "", project = "" } = useParams();
  const me = useMe();
  const params = { organisation, project };
  const found = useApi("getProject", { params });
  usePageTitle(`Settings of ${organisation}/${project}`);
  return (
    <div className="stack">
      <ProjectHead organisation={organisation} project={project} tab="settings" />
      <Show of={found}>
        {data => (
          <>
            <Repository project={data} />
            <Webhook project={data} />
            <Retention project={data} />
            <Badge organisation={organisation} project={project} badgeUrl={data.badgeUrl} />
          </>
        )}
      </Show>
      <Tokens params={params} />
      {may(me, organisation, "owner") && <Deletion params={params} />}
    </div>
  );
}

function Badge({
  organisation,
  project,
  badgeUrl,
}: {
  organisation: string;
  project: string;
  badgeUrl: string;
}) {
  const image = new URL(badgeUrl, location.origin);
  const page = new URL(addresses.project(organisation, project), location.origin);
  return (
    <Panel title="Badge">
      <div className="stack">
        <img src={`${image.pathname}${image.search}`} alt={`State of ${project}`} height="20" />
        <CopyLine text={`[![state](${image.href})](${page.href})`} label="Copy the badge as Markdown" />
      </div>
    </Panel>
  );
}

function Tokens({ params }: { params: { organisation: string; project: string } }) {
  const [isBusy, setBusy] = useState(false);
  const tokens = usePages("listProjectTokens", { params }, { limit: 200 });
  const create = useAction("createProjectToken", { changes: ["listProjectTokens"], failed: () => undefined });
  const revoke = useAction("revokeProjectToken", {
    changes: ["listProjectTokens"],
    done: () => toast("The token is revoked."),
  });
  return (
    <TokenPanel
      title="Tokens of this project"
      about="Programs call with it for this project alone."
      tokens={tokens}
      roles={["reporter", "reader", "maintainer"]}
      pending={isBusy}
      create={({ name, days, role }, done, failed) => {
        setBusy(true);
        create.mutate(
          { params, body: { name, days, role: (role ?? "reporter") as "reporter" } },
          { onSuccess: done, onError: failed, onSettled: () => setBusy(false) },
        );
      }}
      revoke={token => revoke.mutate({ params: { ...params, token } })}
    />
  );
}

function Deletion({ params }: { params: { organisation: string; project: string } }) {
  const [, navigate] = useLocation();
  const remove = useAction("deleteProject", {
    changes: ["listProjects"],
    done: () => {
      toast(`${params.project} is deleted.`);
      navigate(addresses.projects);
    },
  });
  const ask = async () => {
    const yes = await confirm({
      title: `Delete ${params.organisation}/${params.project}?`,
      text: "All its runs, logs, artifacts, caches, variables and schedules go with it, for good.",
      action: "Delete the project",
      danger: true,
      type: `${params.organisation}/${params.project}`,
    });
    if (yes) remove.mutate({ params });
  };
  return (
    <Panel title="Delete the project">
      <div className="row spread">
        <p className="grow">
          Everything of it goes with it, for good. It is refused while a run is under way.
        </p>
        <button
          type="button"
          className="button danger"
          disabled={remove.isPending}
          onClick={() => void ask()}
        >
          Delete the project
        </button>
      </div>
    </Panel>
  );
}
