// The server itself, for administrators: accounts, organisations, tokens of workers, handlers, and who changed what.

import { useParams } from "wouter";
import { addresses } from "../../addresses.ts";
import { useMe } from "../../api/session.ts";
import { usePages } from "../../api/use-api.ts";
import { AuditPanel } from "../../ui/audit-panel.tsx";
import { Empty, PageHead, Tabs, usePageTitle } from "../../ui/page.tsx";
import { Handlers } from "./handlers.tsx";
import { Organisations } from "./organisations.tsx";
import { Users } from "./users.tsx";
import { WorkerTokens } from "./worker-tokens.tsx";

const tabs = [
  { tab: "", text: "People" },
  { tab: "organisations", text: "Organisations" },
  { tab: "worker-tokens", text: "Worker tokens" },
  { tab: "handlers", text: "Handlers" },
  { tab: "audit", text: "Audit" },
];

export default function ServerPage() {
  const { tab = "" } = useParams();
  const me = useMe();
  usePageTitle("Server");
  const to = (name: string) => (name === "" ? addresses.server : `${addresses.server}/${name}`);
  if (!me?.admin) {
    return (
      <div className="stack">
        <PageHead title="Server" />
        <Empty title="This is for administrators of the server." />
      </div>
    );
  }
  const current = tabs.some(each => each.tab === tab) ? tab : "";
  return (
    <div className="stack">
      <PageHead title="Server" />
      <Tabs
        label="Pages of the server"
        current={to(current)}
        tabs={tabs.map(each => ({ to: to(each.tab), text: each.text }))}
      />
      {current === "" && <Users me={me.name} />}
      {current === "organisations" && <Organisations />}
      {current === "worker-tokens" && <WorkerTokens />}
      {current === "handlers" && <Handlers />}
      {current === "audit" && <Audit />}
    </div>
  );
}

function Audit() {
  return <AuditPanel entries={usePages("listServerAudit", {})} withOrganisation />;
}
