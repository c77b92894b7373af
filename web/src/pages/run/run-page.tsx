// A run: its workflow, live; what can be done with it; what it has left.

import { Link, useParams } from "wouter";
import { addresses } from "../../addresses.ts";
import type { Job, Run } from "../../api/client.ts";
import { useApi, usePages } from "../../api/use-api.ts";
import { ArtifactTable } from "../../ui/artifact-table.tsx";
import { CopyLine } from "../../ui/copy.tsx";
import { PageHead, Panel, Show, ShowPages, usePageTitle } from "../../ui/page.tsx";
import { RunFacts, titleOf } from "../../ui/run-entry.tsx";
import { StateBadge, stateOfJob, stateOfRun } from "../../ui/state.tsx";
import { Ago, Duration, durationText } from "../../ui/time.tsx";
import { Approval, CancelJob, RunActions } from "./run-actions.tsx";
import { WorkflowGraph } from "./workflow-graph.tsx";
import "../../ui/list.css";
import "./run.css";

export default function RunPage() {
  const { organisation = "", project = "", number = "" } = useParams();
  const found = useApi(
    "findRun",
    { params: { organisation, project, number: Number(number) } },
    { every: whileWaiting },
  );
  const state = found.data && stateOfRun(found.data);
  usePageTitle(`#${number} ${organisation}/${project}`, state);
  return <Show of={found}>{run => <RunView run={run} />}</Show>;
}

/** Why something waits changes without anything happening to the run. */
export function whileWaiting(run: unknown): number | false {
  const jobs = (run as Run | undefined)?.jobs ?? [];
  return jobs.some(job => job.state === "queued" || job.state === "waiting") ? 10_000 : false;
}

function RunView({ run }: { run: Run }) {
  return (
    <div className="stack">
      <PageHead
        title={
          <>
            <span className="muted">#{run.number}</span> {titleOf(run)}
          </>
        }
        crumbs={[
          { text: run.organisation, to: `${addresses.projects}?organisation=${run.organisation}` },
          { text: run.project, to: addresses.project(run.organisation, run.project) },
        ]}
      >
        <RunActions run={run} />
      </PageHead>
      <div className="row">
        <StateBadge state={stateOfRun(run)} pill />
        {run.startedAt !== null && <Duration from={run.startedAt} to={run.finishedAt} />}
        <span className="muted">
          <Ago at={run.createdAt} />
        </span>
        <span className="row small muted">
          <RunFacts run={run} />
        </span>
        {!run.trusted && <span className="tag">not trusted: no protected values, no shared cache</span>}
        {run.rerunOf !== null && <span className="tag">a run again</span>}
      </div>
      <Why run={run} />
      {run.jobs.length > 1 && <WorkflowGraph run={run} />}
      {run.jobs.length > 0 && (
        <Panel title={`Jobs (${run.jobs.length})`} flush actions={<Slowest run={run} />}>
          <ul className="list job-list">
            {run.jobs.map(job => (
              <JobEntry key={job.id} run={run} job={job} />
            ))}
          </ul>
        </Panel>
      )}
      <Artifacts run={run} />
    </div>
  );
}

function Why({ run }: { run: Run }) {
  const state = stateOfRun(run);
  const says = run.detail !== "" && state !== "passed";
  if (!says && run.problems.length === 0) return null;
  return (
    <div className={`notice of-${state === "passed" ? "waiting" : state}`}>
      {says && <p>{run.detail}</p>}
      {run.problems
        .filter(({ message }) => message !== run.detail)
        .map(({ message, hint }) => (
          <div key={message}>
            <pre>{message}</pre>
            {hint && <p className="muted">{hint}</p>}
          </div>
        ))}
    </div>
  );
}

function Slowest({ run }: { run: Run }) {
  const spent = run.jobs
    .filter(job => job.startedAt !== null && job.finishedAt !== null)
    .reduce((sum, job) => sum + Date.parse(job.finishedAt!) - Date.parse(job.startedAt!), 0);
  return (
    <>
      {spent > 0 && <span className="muted small">{durationText(spent)} in all jobs</span>}
      <Link href={`${addresses.run(run)}/tests`}>Test results</Link>
    </>
  );
}

function JobEntry({ run, job }: { run: Run; job: Job }) {
  const failed = job.outcome !== null && job.outcome !== "passed" && job.outcome !== "skipped";
  const name = job.combination === "" ? job.name : `${job.name} (${job.combination})`;
  return (
    <li>
      <StateBadge state={stateOfJob(job)} />
      <div className="what">
        <Link href={addresses.job(run, job.id)} data-row="" className="cut">
          {name}
        </Link>
        <span className="small muted row">
          {job.class !== "default" && <span>class {job.class}</span>}
          {job.environment !== null && <span>environment {job.environment}</span>}
          {job.requires.length > 0 && <span>after {job.requires.join(", ")}</span>}
          {job.attempts.length > 1 && <span>{job.attempts.length} attempts</span>}
        </span>
        {job.detail !== "" && job.outcome !== "passed" && <span className="small">{job.detail}</span>}
        {failed && (
          <details className="small">
            <summary>Reproduce it on your machine</summary>
            <CopyLine text={replayCommand(run, job)} label={`Copy the command for ${name}`} />
          </details>
        )}
      </div>
      <div className="row end">
        <Approval run={run} job={job} />
        {job.startedAt !== null && (
          <span className="small muted">
            <Duration from={job.startedAt} to={job.finishedAt} />
          </span>
        )}
        {run.jobs.length > 1 && stateOfJob(job) !== "approval" && <CancelJob run={run} job={job} />}
      </div>
    </li>
  );
}

/** Names are quoted for a POSIX shell where they hold anything that means something to one. */
export function replayCommand(
  run: Pick<Run, "organisation" | "project" | "number">,
  job: Pick<Job, "name">,
): string {
  const quoted = /^[\w./@:-]+$/.test(job.name) ? job.name : `'${job.name.replaceAll("'", "'\\''")}'`;
  return `slipway replay '${run.organisation}/${run.project}#${run.number}' --job ${quoted}`;
}

function Artifacts({ run }: { run: Run }) {
  const artifacts = usePages("listArtifacts", { params: { run: run.id } }, { run: run.id, limit: 100 });
  if (artifacts.items === undefined || artifacts.items.length === 0) return null;
  return (
    <Panel title="Artifacts" flush>
      <ShowPages of={artifacts} empty={null}>
        {items => <ArtifactTable artifacts={items} run={run} />}
      </ShowPages>
    </Panel>
  );
}
