// An organisation: its members, variables, share of the server, and who changed what.

import { useParams } from "wouter";
import { addresses } from "../../addresses.ts";
import { may, useMe } from "../../api/session.ts";
import { usePages } from "../../api/use-api.ts";
import { AuditPanel } from "../../ui/audit-panel.tsx";
import { PageHead, Tabs, usePageTitle } from "../../ui/page.tsx";
import { Members } from "./members.tsx";
import { OrganisationSettings } from "./organisation-settings.tsx";
import { OrganisationVariables } from "./organisation-variables.tsx";

export default function OrganisationPage() {
  const { organisation = "", tab = "" } = useParams();
  const me = useMe();
  usePageTitle(organisation);
  const isOwner = may(me, organisation, "owner");
  const tabs = [
    { tab: "", text: "Members", shown: true },
    { tab: "variables", text: "Variables", shown: may(me, organisation, "maintainer") },
    { tab: "settings", text: "Settings", shown: true },
    { tab: "audit", text: "Audit", shown: isOwner },
  ].filter(({ shown }) => shown);
  const to = (name: string) => addresses.organisation(organisation, name);
  const current = tabs.some(each => each.tab === tab) ? tab : "";
  return (
    <div className="stack">
      <PageHead
        title={organisation}
        crumbs={[{ text: "Projects", to: `${addresses.projects}?organisation=${organisation}` }]}
      />
      <Tabs
        label={`Pages of ${organisation}`}
        current={to(current)}
        tabs={tabs.map(each => ({ to: to(each.tab), text: each.text }))}
      />
      {current === "" && <Members organisation={organisation} mayChange={isOwner} />}
      {current === "variables" && <OrganisationVariables organisation={organisation} title="Variables" />}
      {current === "settings" && <OrganisationSettings organisation={organisation} />}
      {current === "audit" && <Audit organisation={organisation} />}
    </div>
  );
}

function Audit({ organisation }: { organisation: string }) {
  const entries = usePages("listAudit", { params: { organisation } });
  return <AuditPanel entries={entries} />;
}
