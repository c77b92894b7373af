// The head of all pages of one project: what it is called, and where one can go.

import type { ReactNode } from "react";
import { addresses } from "../addresses.ts";
import { may, useMe } from "../api/session.ts";
import { PageHead, Tabs } from "./page.tsx";

export type ProjectTab = "" | "tests" | "figures" | "schedules" | "variables" | "settings";

export function ProjectHead({
  organisation,
  project,
  tab,
  children,
}: {
  organisation: string;
  project: string;
  tab: ProjectTab;
  children?: ReactNode;
}) {
  const me = useMe();
  const maintains = may(me, organisation, "maintainer");
  const to = (name: ProjectTab) => addresses.project(organisation, project, name);
  const tabs: { name: ProjectTab; text: string; shown: boolean }[] = [
    { name: "", text: "Runs", shown: true },
    { name: "tests", text: "Tests", shown: true },
    { name: "figures", text: "Figures", shown: true },
    { name: "schedules", text: "Schedules", shown: me !== null },
    { name: "variables", text: "Variables", shown: maintains },
    { name: "settings", text: "Settings", shown: maintains },
  ];
  return (
    <>
      <PageHead
        title={project}
        crumbs={[{ text: organisation, to: `${addresses.projects}?organisation=${organisation}` }]}
      >
        {children}
      </PageHead>
      <Tabs
        label={`Pages of ${project}`}
        current={to(tab)}
        tabs={tabs.filter(({ shown }) => shown).map(({ name, text }) => ({ to: to(name), text }))}
      />
    </>
  );
}
