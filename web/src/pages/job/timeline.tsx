// Where the time of a job went: a bar for each part, with its length in words.

import type { Attempt, Job } from "../../api/client.ts";
import { durationText, useNow } from "../../ui/time.tsx";
import { type JobStory, timelineOf } from "./job-events.ts";

export function Timeline({
  job,
  attempt,
  story,
}: {
  job: Job;
  attempt: Attempt | undefined;
  story: JobStory;
}) {
  const ticking = useNow(1000);
  const now = Math.max(ticking, Date.now());
  const spans = timelineOf(job, attempt, story, now);
  const from = Math.min(...spans.map(span => span.from));
  const whole = Math.max(1, Math.max(...spans.map(span => span.to)) - from);
  if (spans.length === 0) return <p className="muted">Nothing has happened yet.</p>;
  return (
    <table className="timeline">
      <caption className="sr-only">From the queue to the end</caption>
      <colgroup>
        <col className="part" />
        <col />
        <col className="length" />
      </colgroup>
      <thead className="sr-only">
        <tr>
          <th>Part</th>
          <th>When</th>
          <th>Length</th>
        </tr>
      </thead>
      <tbody>
        {spans.map(span => (
          <tr key={`${span.name} ${span.from} ${span.inner}`}>
            <th scope="row" className={span.inner ? "inner" : ""}>
              <span className="cut">{span.name}</span>
            </th>
            <td className="bar">
              <span
                className={`of-${span.state}`}
                style={{
                  marginLeft: `${(100 * (span.from - from)) / whole}%`,
                  width: `max(2px, ${(100 * (span.to - span.from)) / whole}%)`,
                }}
              />
            </td>
            <td className="number nowrap">{durationText(span.to - span.from)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
