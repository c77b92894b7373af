// A job: steps and live log; where its time went; what it has left; the job as it was resolved.

import { useEffect, useMemo, useState } from "react";
import { Link, useParams } from "wouter";
import { addresses } from "../../addresses.ts";
import type { Attempt, Job, Run } from "../../api/client.ts";
import { useApi, usePages } from "../../api/use-api.ts";
import { firstPlainLine } from "../../log/ansi.ts";
import type { StepLook } from "../../log/log-row.tsx";
import { LogView } from "../../log/log-view.tsx";
import { useFilters } from "../../ui/filters.ts";
import { Empty, PageHead, Panel, Show, Tabs, usePageTitle } from "../../ui/page.tsx";
import { StateBadge, StateIcon, stateOfJob, wordOf } from "../../ui/state.tsx";
import { Ago, Duration, durationText } from "../../ui/time.tsx";
import { Approval, CancelJob } from "../run/run-actions.tsx";
import { whileWaiting } from "../run/run-page.tsx";
import { type JobStory, type Step, storyOf } from "./job-events.ts";
import { JobResults } from "./job-results.tsx";
import { JobSpec } from "./job-spec.tsx";
import { Timeline } from "./timeline.tsx";
import "../../ui/list.css";
import "./job.css";

export default function JobPage() {
  const { organisation = "", project = "", number = "", job: id = "" } = useParams();
  const found = useApi(
    "findRun",
    { params: { organisation, project, number: Number(number) } },
    { every: whileWaiting },
  );
  const job = found.data?.jobs.find(each => each.id === id);
  usePageTitle(`${job?.name ?? "Job"} #${number} ${organisation}/${project}`, job && stateOfJob(job));
  return (
    <Show of={found}>
      {run => {
        const one = run.jobs.find(each => each.id === id);
        return one === undefined ? (
          <Empty title="This run has no such job.">
            <Link href={addresses.run(run)}>To run #{run.number}</Link>
          </Empty>
        ) : (
          <JobView run={run} job={one} />
        );
      }}
    </Show>
  );
}

const tabs = ["", "timeline", "results", "specification"] as const;
const tabNames = ["Log", "Timeline", "Results", "Specification"];
const filterNames = ["attempt"] as const;

function JobView({ run, job }: { run: Run; job: Job }) {
  const { tab = "" } = useParams();
  const { values, set } = useFilters(filterNames);
  const attempt = job.attempts.find(each => String(each.number) === values.attempt) ?? job.attempts.at(-1);
  const story = useStory(run, job, attempt);
  const name = job.combination === "" ? job.name : `${job.name} (${job.combination})`;
  const kept = values.attempt === undefined ? "" : `?attempt=${values.attempt}`;
  return (
    <div className="stack">
      <PageHead
        title={name}
        crumbs={[
          { text: run.organisation, to: `${addresses.projects}?organisation=${run.organisation}` },
          { text: run.project, to: addresses.project(run.organisation, run.project) },
          { text: `#${run.number}`, to: addresses.run(run) },
        ]}
      >
        <Approval run={run} job={job} />
        {stateOfJob(job) !== "approval" && <CancelJob run={run} job={job} />}
      </PageHead>
      <div className="row">
        <StateBadge state={stateOfJob(job)} pill />
        {job.startedAt !== null && <Duration from={job.startedAt} to={job.finishedAt} />}
        <span className="muted">
          <Ago at={job.createdAt} />
        </span>
        {job.attempts.length > 1 && (
          <label className="row small">
            Attempt
            <select value={attempt?.number} onChange={event => set({ attempt: event.target.value })}>
              {job.attempts.map(each => (
                <option key={each.id} value={each.number}>
                  {each.number}: {wordOf(each.outcome ?? each.state)}
                </option>
              ))}
            </select>
          </label>
        )}
        <span className="row small muted">
          <span>class {job.class}</span>
          {attempt?.worker && <span>worker {attempt.worker}</span>}
          {story.engine !== undefined && <span>engine {story.engine}</span>}
          {job.environment !== null && <span>environment {job.environment}</span>}
        </span>
      </div>
      <Says job={job} attempt={attempt} story={story} />
      <Tabs
        label="Of this job"
        current={addresses.job(run, job.id, tab) + kept}
        tabs={tabs.map((each, at) => ({ to: addresses.job(run, job.id, each) + kept, text: tabNames[at]! }))}
      />
      {tab === "timeline" && (
        <Panel title="Where the time went">
          <Timeline job={job} attempt={attempt} story={story} />
        </Panel>
      )}
      {tab === "results" && <JobResults run={run} job={job} story={story} />}
      {tab === "specification" && <JobSpec run={run} job={job} />}
      {tab === "" && <LogTab job={job} attempt={attempt} story={story} />}
    </div>
  );
}

/** All that the runner has said, page by page: a job of ten thousand events is rare, and its first ones tell the most. */
function useStory(run: Run, job: Job, attempt: Attempt | undefined): JobStory {
  const events = usePages(
    "listEvents",
    { params: { job: job.id }, query: attempt === undefined ? {} : { attempt: attempt.id } },
    { run: run.id, limit: 200, enabled: attempt !== undefined, keep: true },
  );
  const { items, hasMore, isLoadingMore, more } = events;
  useEffect(() => {
    if (hasMore && !isLoadingMore && (items?.length ?? 0) < 8000) more();
  }, [hasMore, isLoadingMore, items, more]);
  return useMemo(() => storyOf(items ?? [], attempt), [items, attempt]);
}

/** Why it waits, or how it ended; what launcher and cluster have said of the attempt; what the runner remarks. */
function Says({ job, attempt, story }: { job: Job; attempt: Attempt | undefined; story: JobStory }) {
  const state = stateOfJob(job);
  const texts = new Set<string>();
  if (job.detail !== "" && state !== "passed") texts.add(job.detail);
  if (attempt !== undefined && attempt.detail !== "" && attempt.outcome !== "passed")
    texts.add(attempt.detail);
  const calls = Object.entries(attempt?.clusterCalls ?? {});
  const remarks = story.notices.filter(({ level }) => level === "warning" || level === "error");
  return (
    <>
      {texts.size > 0 && (
        <div className={`notice of-${state}`}>
          {[...texts].map(text => (
            <pre key={text}>{text}</pre>
          ))}
        </div>
      )}
      {calls.length > 0 && (
        <p className="small muted">
          Calls to the cluster: {calls.map(([name, count]) => `${count} ${name}`).join(", ")}
        </p>
      )}
      {remarks.length > 0 && (
        <details className="small muted">
          <summary>
            {remarks.length === 1 ? "1 note from the runner" : `${remarks.length} notes from the runner`}
          </summary>
          <ul>
            {remarks.slice(0, 50).map(({ message, time, level }) => (
              <li key={`${time} ${message}`}>
                <strong>{level}:</strong> {message}
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

function LogTab({ job, attempt, story }: { job: Job; attempt: Attempt | undefined; story: JobStory }) {
  const [goTo, setGoTo] = useState<{ step: string; count: number }>();
  const looks = useMemo(
    () =>
      new Map<string, StepLook>(
        story.steps.map(({ id, name, state, durationMs }) => [id, { name, state, durationMs }]),
      ),
    [story],
  );
  if (attempt === undefined) {
    return (
      <Panel>
        <Empty title="Nothing has run yet.">{job.detail !== "" && <p>{job.detail}</p>}</Empty>
      </Panel>
    );
  }
  return (
    <div className="job-log">
      <Panel title="Steps" flush>
        <ol className="steps">
          {story.steps.map(step => (
            <li key={step.id}>
              <button
                type="button"
                data-row=""
                onClick={() => setGoTo(before => ({ step: step.id, count: (before?.count ?? 0) + 1 }))}
              >
                <StepText step={step} />
              </button>
            </li>
          ))}
          {story.steps.length === 0 && <li className="empty">No step has begun.</li>}
        </ol>
      </Panel>
      <LogView jobId={job.id} attemptId={attempt.id} looks={looks} goTo={goTo} />
    </div>
  );
}

function StepText({ step }: { step: Step }) {
  return (
    <>
      <span className={`of of-${step.state}`}>
        <StateIcon state={step.state} />
        <span className="sr-only">{wordOf(step.state)}</span>
      </span>
      <span>
        <span className="cut" style={{ display: "block" }} title={step.name}>
          {step.name}
        </span>
        {step.state !== "passed" && step.message !== "" && (
          <span className="small muted">{firstPlainLine(step.message).slice(0, 200)}</span>
        )}
      </span>
      <span className="small muted">
        {step.durationMs !== undefined
          ? durationText(step.durationMs)
          : step.startedAt !== undefined && <Duration from={step.startedAt} to={null} />}
      </span>
    </>
  );
}
