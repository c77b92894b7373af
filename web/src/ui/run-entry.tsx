// A run as lists show it.

import { Link } from "wouter";
import { addresses } from "../addresses.ts";
import type { RunSummary } from "../api/client.ts";
import { StateBadge, stateOfRun } from "./state.tsx";
import { Ago, Duration } from "./time.tsx";
import "./list.css";

export function RunEntry({ run, withProject = false }: { run: RunSummary; withProject?: boolean }) {
  return (
    <div className="entry">
      <StateBadge state={stateOfRun(run)} />
      <div className="what">
        <Link href={addresses.run(run)} data-row="" className="cut">
          {withProject && `${run.organisation}/${run.project} `}#{run.number} {titleOf(run)}
        </Link>
        <span className="about">
          <RunFacts run={run} />
          {run.outcome !== "passed" && run.detail !== "" && <span className="cut">{run.detail}</span>}
        </span>
      </div>
      <div className="when">
        <Ago at={run.createdAt} />
        {run.startedAt !== null && <Duration from={run.startedAt} to={run.finishedAt} />}
      </div>
    </div>
  );
}

/** The first line of the commit's message, or what was started. */
export function titleOf(run: RunSummary): string {
  const line = run.message.split("\n", 1)[0]!.trim();
  return line === "" ? whatOf(run) : line;
}

export function whatOf(run: Pick<RunSummary, "workflow" | "pipeline">): string {
  return run.workflow ?? run.pipeline ?? "being planned";
}

const events: Record<string, string> = { "pull-request": "pull request", manual: "started" };

/** `push by somebody`, `started by somebody`, `schedule`. */
function causeOf({ event, person }: RunSummary): string {
  if (person === null) return event === "manual" ? "started by hand" : (events[event] ?? event);
  return `${events[event] ?? event} by ${person}`;
}

export function RunFacts({ run }: { run: RunSummary }) {
  return (
    <>
      <span>{whatOf(run)}</span>
      {run.branch !== null && <span className="tag cut">{run.branch}</span>}
      {run.tag !== null && <span className="tag cut">tag {run.tag}</span>}
      {run.commit !== null && <code>{run.commit.slice(0, 8)}</code>}
      <span className="cut">{causeOf(run)}</span>
    </>
  );
}
