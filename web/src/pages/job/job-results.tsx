// What a job has left: artifacts, caches, test results.

import { Link } from "wouter";
import { addresses } from "../../addresses.ts";
import type { Job, Run } from "../../api/client.ts";
import { usePages } from "../../api/use-api.ts";
import { ArtifactTable } from "../../ui/artifact-table.tsx";
import { Empty, Panel } from "../../ui/page.tsx";
import { bytesText } from "../../ui/time.tsx";
import type { JobStory } from "./job-events.ts";

export function JobResults({ run, job, story }: { run: Run; job: Job; story: JobStory }) {
  const artifacts = usePages("listArtifacts", { params: { run: run.id } }, { run: run.id, limit: 200 });
  const own = (artifacts.items ?? []).filter(({ jobId }) => jobId === job.id);
  const cacheNotes = story.notices.filter(({ message }) => /\bcache\b/i.test(message));
  const { tests } = story;
  return (
    <>
      <Panel title="Artifacts" flush>
        {own.length === 0 ? (
          <Empty title="This job has left no artifacts." />
        ) : (
          <ArtifactTable artifacts={own} run={run} ofOneJob />
        )}
      </Panel>
      <Panel title="Tests">
        {tests === undefined ? (
          <p className="muted">This job has reported no tests.</p>
        ) : (
          <div className="stack">
            <p>
              {tests.tests} tests, <strong>{tests.failed} failed</strong>, {tests.skipped} skipped.{" "}
              <Link href={`${addresses.run(run)}/tests`}>All test results of the run</Link>
            </p>
            {tests.failing.length > 0 && (
              <ul>
                {tests.failing.map(name => (
                  <li key={name} className="mono">
                    {name}
                  </li>
                ))}
              </ul>
            )}
          </div>
        )}
      </Panel>
      <Panel title="Cache">
        {story.caches.length + cacheNotes.length === 0 ? (
          <p className="muted">This job uses no cache.</p>
        ) : (
          <ul>
            {cacheNotes.map(({ message, time }) => (
              <li key={`${time} ${message}`}>{message}</li>
            ))}
            {story.caches.map(({ key, files, sizeBytes }) => (
              <li key={key}>
                cache stored: {key} ({files === 1 ? "1 file" : `${files} files`}, {bytesText(sizeBytes)})
              </li>
            ))}
          </ul>
        )}
      </Panel>
    </>
  );
}
