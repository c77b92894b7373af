// What waits and why, by class and organisation: the numbers first, then job by job. Live.

import { Link } from "wouter";
import { addresses } from "../../addresses.ts";
import type { Answer, Item } from "../../api/client.ts";
import { useApi, usePages } from "../../api/use-api.ts";
import { staleOn } from "../../live/stale-on.ts";
import { useFilters } from "../../ui/filters.ts";
import { Empty, PageHead, Panel, Show, ShowPages, usePageTitle } from "../../ui/page.tsx";
import { StateBadge } from "../../ui/state.tsx";
import { Table } from "../../ui/table.tsx";
import { Ago } from "../../ui/time.tsx";
import "../../ui/list.css";

type Summary = Answer<"summarizeQueue">;
type Waiting = Item<"listQueue">;

staleOn("summarizeQueue", ({ queue, runs }) => queue === true || runs.length > 0);

const names = ["class", "organisation", "state"] as const;
/** Reasons change by themselves: a place becomes free, a worker comes. */
const everyMs = 10_000;

export default function QueuePage() {
  const summary = useApi("summarizeQueue", {}, { every: everyMs, keep: true });
  const { values, set, any } = useFilters(names);
  const jobs = usePages("listQueue", { query: values as never }, { every: everyMs, keep: true, limit: 100 });
  const waits = summary.data?.queues.some(({ queued, waiting }) => queued + waiting > 0);
  usePageTitle("Queue", waits ? "waiting" : undefined);
  return (
    <div className="stack">
      <PageHead title="Queue" />
      <Show of={summary}>{data => <Numbers summary={data} set={set} />}</Show>
      <Filters values={values} set={set} any={any} summary={summary.data} />
      <Panel title="Jobs" flush>
        <ShowPages of={jobs} empty={<NoJobs filtered={any} />}>
          {items => (
            <ul className="list" aria-label="Jobs that run and wait">
              {items.map(job => (
                <li key={job.jobId}>
                  <JobEntry job={job} />
                </li>
              ))}
            </ul>
          )}
        </ShowPages>
      </Panel>
    </div>
  );
}

type Filter = ReturnType<typeof useFilters<(typeof names)[number]>>;

function Numbers({ summary, set }: { summary: Summary; set: Filter["set"] }) {
  if (summary.queues.length === 0) return null;
  const places = new Map(summary.classes.map(each => [each.class, each]));
  return (
    <Panel title="By class and organisation" flush>
      <Table
        numbers
        label="Jobs by class and organisation"
        heads={[
          "Class",
          "Organisation",
          { text: "Running", number: true },
          { text: "Queued", number: true },
          { text: "Waiting", number: true },
          "Oldest queued",
          "Capacity",
        ]}
        rows={summary.queues.map(queue => ({
          key: `${queue.class} ${queue.organisation}`,
          cells: [
            <button
              key="class"
              type="button"
              className="link"
              onClick={() => set({ class: queue.class, organisation: queue.organisation })}
            >
              {queue.class}
            </button>,
            queue.organisation,
            queue.running + queue.claimed,
            queue.queued,
            queue.waiting,
            queue.oldestQueuedAt === null ? null : <Ago key="oldest" at={queue.oldestQueuedAt} />,
            <Places key="places" of={places.get(queue.class)} />,
          ],
        }))}
      />
    </Panel>
  );
}

function Places({ of }: { of: Summary["classes"][number] | undefined }) {
  if (of === undefined || of.workers === 0) return <span className="warning">no worker serves it</span>;
  return (
    <span className="nowrap">
      {of.taken} of {of.places} in use
      <span className="muted"> · {of.workers === 1 ? "1 worker" : `${of.workers} workers`}</span>
    </span>
  );
}

function Filters({ values, set, any, summary }: Filter & { summary: Summary | undefined }) {
  const named = (field: "class" | "organisation") => [
    ...new Set([
      ...(summary?.queues ?? []).map(queue => queue[field]),
      ...(values[field] ? [values[field]] : []),
    ]),
  ];
  const choice = (field: "class" | "organisation", label: string) => (
    <label className="field">
      <span>{label}</span>
      <select value={values[field] ?? ""} onChange={({ target }) => set({ [field]: target.value })}>
        <option value="">all</option>
        {named(field).map(name => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </label>
  );
  return (
    <div className="filters">
      {choice("class", "Class")}
      {choice("organisation", "Organisation")}
      <label className="field">
        <span>State</span>
        <select value={values.state ?? ""} onChange={({ target }) => set({ state: target.value })}>
          <option value="">all</option>
          <option value="running">running</option>
          <option value="claimed">starting</option>
          <option value="queued">queued</option>
          <option value="waiting">waiting</option>
        </select>
      </label>
      {any && (
        <button
          type="button"
          className="button plain"
          onClick={() => set({ class: undefined, organisation: undefined, state: undefined })}
        >
          Clear filters
        </button>
      )}
    </div>
  );
}

function JobEntry({ job }: { job: Waiting }) {
  const run = { organisation: job.organisation, project: job.project, number: job.runNumber };
  return (
    <div className="entry">
      <StateBadge state={job.reason === "approval" ? "approval" : job.state} />
      <div className="what">
        <Link href={addresses.job(run, job.jobId)} data-row="" className="cut">
          {job.organisation}/{job.project}: {job.name}
        </Link>
        <span className="about">
          <span>class {job.class}</span>
          {job.priority !== 0 && <span>priority {job.priority}</span>}
          <Link href={addresses.run(run)}>run #{run.number}</Link>
        </span>
        {job.detail !== "" && <span className="small">{job.detail}</span>}
      </div>
      <div className="when">
        <Ago at={job.queuedAt ?? job.createdAt} />
      </div>
    </div>
  );
}

function NoJobs({ filtered }: { filtered: boolean }) {
  if (filtered) return <Empty title="No job matches these filters." />;
  return (
    <Empty title="Nothing waits, and nothing runs.">
      <p>Jobs stand here from the moment they are planned until they have ended.</p>
    </Empty>
  );
}
