// The newest runs of a project as bars: height for how long, colour for how it ended; a list for who cannot see it.

import { Link } from "wouter";
import { addresses } from "../addresses.ts";
import type { Project } from "../api/client.ts";
import { stateOfRun, wordOf } from "./state.tsx";
import { durationText } from "./time.tsx";

type Recent = Project["recent"][number];

export function Trend({ project }: { project: Project }) {
  const runs = project.recent.toReversed();
  if (runs.length === 0) return null;
  const longest = Math.max(...runs.map(run => run.durationMs ?? 0), 1);
  return (
    <ul className="trend" aria-label={`Newest runs of ${project.name}, the oldest first`}>
      {runs.map(run => (
        <li key={run.id}>
          <Link
            href={addresses.run({
              organisation: project.organisation,
              project: project.name,
              number: run.number,
            })}
            className={`of-${stateOfRun(run)}`}
            aria-label={textOf(run)}
            title={textOf(run)}
          >
            <span style={{ height: `${Math.round(6 + 18 * ((run.durationMs ?? longest) / longest))}px` }} />
          </Link>
        </li>
      ))}
    </ul>
  );
}

function textOf(run: Recent): string {
  const state = wordOf(stateOfRun(run));
  return `#${run.number} ${state}${run.durationMs === null ? "" : ` in ${durationText(run.durationMs)}`}`;
}
