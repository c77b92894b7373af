// What a test came to, run by run, the oldest first: a mark a run, its height and colour by the outcome, each a link that says it.

import { Link } from "wouter";
import { addresses } from "../addresses.ts";
import type { Answer } from "../api/client.ts";
import "./tests.css";

type History = Answer<"listFailingTests">["tests"][number]["history"];

/** The newest of them, as many as fit beside a name. */
const shown = 30;

export function HistoryStrip({
  organisation,
  project,
  name,
  history,
}: {
  organisation: string;
  project: string;
  name: string;
  history: History;
}) {
  return (
    <ul className="history" aria-label={`History of ${name}, the oldest first`}>
      {history.slice(-shown).map(({ run, outcome }) => (
        <li key={run}>
          <Link
            href={addresses.run({ organisation, project, number: run })}
            className={`of-${outcome}`}
            aria-label={`#${run} ${outcome}`}
            title={`#${run} ${outcome}`}
          >
            <span className={outcome} />
          </Link>
        </li>
      ))}
    </ul>
  );
}
