// What jobs have left: to be downloaded, as long as it is kept.

import { Link } from "wouter";
import { addresses } from "../addresses.ts";
import type { Item, Run } from "../api/client.ts";
import { type Head, Table } from "./table.tsx";
import { At, bytesText } from "./time.tsx";

type Artifact = Item<"listArtifacts">;

/** What a job hands to those that require it: there for each job, and seldom what somebody looks for. */
const handedOn = "output";

/** Of all jobs of the run, or of one alone. */
export function ArtifactTable({
  artifacts,
  run,
  ofOneJob = false,
}: {
  artifacts: readonly Artifact[];
  run: Run;
  ofOneJob?: boolean;
}) {
  const heads: Head[] = [
    "Name",
    ...(ofOneJob ? [] : ["Job"]),
    { text: "Files", number: true },
    { text: "Size", number: true },
    "Kept until",
  ];
  const sorted = [
    ...artifacts.filter(({ name }) => name !== handedOn),
    ...artifacts.filter(({ name }) => name === handedOn),
  ];
  return (
    <Table
      numbers
      label="Artifacts"
      heads={heads}
      rows={sorted.map(each => ({
        key: each.id,
        cells: [
          <span key="name" className="row artifact-name">
            <a href={`/api/v1/jobs/${each.jobId}/artifacts/${each.id}`} download={`${each.name}.tar.zst`}>
              {each.name}
            </a>
            {each.name === handedOn && <span className="small muted">for later jobs</span>}
          </span>,
          ...(ofOneJob
            ? []
            : [
                <Link key="job" href={addresses.job(run, each.jobId)}>
                  {each.job}
                </Link>,
              ]),
          each.files,
          bytesText(each.bytes),
          each.expiresAt === null ? (
            <span key="until" className="muted">
              as long as the run
            </span>
          ) : (
            <At key="until" at={each.expiresAt} />
          ),
        ],
      }))}
    />
  );
}
