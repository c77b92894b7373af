// The workflow as its plan has it, with the state of each job. A link for each job; the lines are for the eye alone, since the list below
// names what each waits for.

import { Link } from "wouter";
import { addresses } from "../../addresses.ts";
import type { Job, Run } from "../../api/client.ts";
import { StateIcon, stateOfJob, wordOf } from "../../ui/state.tsx";
import { Duration } from "../../ui/time.tsx";
import { type Card, cardWidth, criticalPath, layOut } from "./graph-layout.ts";

export function WorkflowGraph({ run }: { run: Run }) {
  const { cards, edges, width, height } = layOut(run.jobs);
  const critical = new Set(run.state === "finished" ? criticalPath(run.jobs, Date.now()) : []);
  const names = new Set(run.jobs.filter(job => critical.has(job.id)).map(job => job.name));
  return (
    <section className="scroll graph-box" aria-label="Workflow" tabIndex={0}>
      <div className="graph" style={{ width, height }}>
        <svg width={width} height={height} aria-hidden="true">
          {edges.map(({ from, to, path }) => (
            <path
              key={`${from} ${to}`}
              d={path}
              className={names.has(from) && names.has(to) ? "critical" : ""}
            />
          ))}
        </svg>
        {cards.map(card => (
          <GraphCard key={card.name} card={card} run={run} critical={critical} />
        ))}
      </div>
      {critical.size > 0 && (
        <p className="muted small legend">
          <span className="swatch" aria-hidden="true" /> critical path: the jobs that made the run this long
        </p>
      )}
    </section>
  );
}

function GraphCard({ card, run, critical }: { card: Card; run: Run; critical: Set<string> }) {
  const { name, jobs, x, y, height } = card;
  const single = jobs.length === 1;
  const isCritical = jobs.some(job => critical.has(job.id));
  return (
    <div
      className={`graph-card ${isCritical ? "critical" : ""}`}
      style={{ left: x, top: y, width: cardWidth, height }}
    >
      {single ? (
        <JobLine run={run} job={jobs[0]!} text={name} single />
      ) : (
        <>
          <p className="cut graph-name" title={name}>
            {name}
          </p>
          {jobs.map(job => (
            <JobLine key={job.id} run={run} job={job} text={job.combination} />
          ))}
        </>
      )}
    </div>
  );
}

function JobLine({ run, job, text, single = false }: { run: Run; job: Job; text: string; single?: boolean }) {
  const state = stateOfJob(job);
  return (
    <Link href={addresses.job(run, job.id)} className={`graph-job of-${state} ${single ? "single" : ""}`}>
      <StateIcon state={state} />
      <span className="cut" title={text}>
        {text}
      </span>
      <span className="small muted">
        {job.startedAt === null ? wordOf(state) : <Duration from={job.startedAt} to={job.finishedAt} />}
        <span className="sr-only"> {wordOf(state)}</span>
      </span>
    </Link>
  );
}
