// What a job has left: artifacts, caches, test results.

import { Link } from "wouter";
import { addresses } from "../../addresses.ts";
import type { Job, Run } from "../../api/client.ts";
import { usePages } from "../../api/use-api.ts";
import { Empty, Panel } from "../../ui/page.tsx";
import { Ago, bytesText } from "../../ui/time.tsx";
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
          <Empty title="It has kept none." />
        ) : (
          <div className="scroll">
            <table>
              <thead>
                <tr>
                  <th>Name</th>
                  <th className="number">Files</th>
                  <th className="number">Size</th>
                  <th>Kept until</th>
                </tr>
              </thead>
              <tbody>
                {own.map(each => (
                  <tr key={each.id}>
                    <td>
                      <a
                        href={`/api/v1/jobs/${job.id}/artifacts/${each.id}`}
                        download={`${each.name}.tar.zst`}
                      >
                        {each.name}
                      </a>
                    </td>
                    <td className="number">{each.files}</td>
                    <td className="number">{bytesText(each.bytes)}</td>
                    <td>{each.expiresAt === null ? "for ever" : <Ago at={each.expiresAt} />}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Panel>
      <Panel title="Tests">
        {tests === undefined ? (
          <p className="muted">It has reported none.</p>
        ) : (
          <div className="stack">
            <p>
              {tests.tests} tests, <strong>{tests.failed} failed</strong>, {tests.skipped} skipped.{" "}
              <Link href={`${addresses.run(run)}/tests`}>All of the run</Link>
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
          <p className="muted">It has neither taken nor kept any.</p>
        ) : (
          <ul>
            {cacheNotes.map(({ message, time }) => (
              <li key={`${time} ${message}`}>{message}</li>
            ))}
            {story.caches.map(({ key, files, sizeBytes }) => (
              <li key={key}>
                kept <code>{key}</code>: {files} files, {bytesText(sizeBytes)}
              </li>
            ))}
          </ul>
        )}
      </Panel>
    </>
  );
}
