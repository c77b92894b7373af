// Who changed what, newest first. What stands in it was written by people and is shown as text.

import { Link } from "wouter";
import { addresses } from "../addresses.ts";
import type { Item } from "../api/client.ts";
import type { Pages } from "../api/use-api.ts";
import { detailsOf } from "./audit-details.ts";
import { Empty, Panel, ShowPages } from "./page.tsx";
import { Table } from "./table.tsx";
import { At } from "./time.tsx";

type Entry = Item<"listAudit"> & { organisation?: string | null };

export function AuditPanel({
  entries,
  withOrganisation = false,
}: {
  entries: Pages<Entry>;
  withOrganisation?: boolean;
}) {
  return (
    <Panel title="Who changed what" flush>
      <ShowPages of={entries} empty={<Empty title="Nothing was changed yet." />}>
        {items => (
          <Table
            label="Who changed what, newest first"
            heads={["When", "Who", "What", ...(withOrganisation ? ["Organisation"] : []), "On", "Details"]}
            rows={items.map(entry => ({
              key: entry.id,
              cells: [
                <span key="at" className="nowrap">
                  <At at={entry.at} />
                </span>,
                entry.actor,
                <code key="action">{entry.action}</code>,
                ...(withOrganisation
                  ? [
                      entry.organisation ? (
                        <Link key="organisation" href={addresses.organisation(entry.organisation)}>
                          {entry.organisation}
                        </Link>
                      ) : null,
                    ]
                  : []),
                entry.subject,
                detailsOf(entry.details) === "" ? null : (
                  <span key="details" className="small muted audit-details">
                    {detailsOf(entry.details)}
                  </span>
                ),
              ],
            }))}
          />
        )}
      </ShowPages>
    </Panel>
  );
}
