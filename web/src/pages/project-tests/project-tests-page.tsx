// Tests that have failed lately: those that fail now first, what they came to run by run, and which of them are flaky.

import { useState } from "react";
import { Link, useParams } from "wouter";
import { addresses } from "../../addresses.ts";
import type { Answer } from "../../api/client.ts";
import { useApi } from "../../api/use-api.ts";
import { rulesFor, staleOn } from "../../live/stale-on.ts";
import { useFilters } from "../../ui/filters.ts";
import { Empty, Panel, Show, usePageTitle } from "../../ui/page.tsx";
import { ProjectHead } from "../../ui/project-tabs.tsx";
import { StateBadge } from "../../ui/state.tsx";
import { HistoryStrip } from "../../ui/test-history.tsx";
import { durationText } from "../../ui/time.tsx";
import "../../ui/list.css";
import "../../ui/tests.css";

type Failing = Answer<"listFailingTests">;
type Test = Failing["tests"][number];

staleOn("listFailingTests", rulesFor.itsProject);

const names = ["branch", "runs", "show", "text"] as const;

export default function ProjectTestsPage() {
  const { organisation = "", project = "" } = useParams();
  const { values, set } = useFilters(names);
  const query = {
    ...(values.branch === undefined ? {} : { branch: values.branch }),
    runs: Math.min(200, Math.max(1, Number(values.runs) || 50)),
  };
  const found = useApi("listFailingTests", { params: { organisation, project }, query }, { keep: true });
  usePageTitle(`Tests of ${organisation}/${project}`);
  const wanted = (test: Test) =>
    (values.show !== "flaky" || test.flaky) &&
    (values.show !== "failing" || test.outcome === "failed") &&
    `${test.suite} ${test.name}`.toLowerCase().includes((values.text ?? "").toLowerCase());
  return (
    <div className="stack">
      <ProjectHead organisation={organisation} project={project} tab="tests" />
      <form
        className="filters"
        onSubmit={event => {
          event.preventDefault();
          const form = new FormData(event.currentTarget);
          set({ branch: String(form.get("branch")).trim(), text: String(form.get("text")).trim() });
        }}
      >
        <label className="field wide">
          <span>Name</span>
          <span className="keyed">
            <input
              type="search"
              data-search=""
              name="text"
              placeholder="Suite or name"
              defaultValue={values.text ?? ""}
            />
          </span>
        </label>
        <label className="field">
          <span>Branch</span>
          <input name="branch" defaultValue={values.branch ?? ""} placeholder="all" />
        </label>
        <label className="field">
          <span>Show</span>
          <select value={values.show ?? ""} onChange={({ target }) => set({ show: target.value })}>
            <option value="">all of them</option>
            <option value="failing">failing now</option>
            <option value="flaky">flaky</option>
          </select>
        </label>
        <label className="field">
          <span>Newest runs</span>
          <select value={String(query.runs)} onChange={({ target }) => set({ runs: target.value })}>
            {[20, 50, 100, 200].map(each => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </label>
        <button type="submit" className="button">
          Filter
        </button>
      </form>
      <Show of={found}>
        {data => (
          <Panel flush title={<Counts of={data} />}>
            <Tests
              organisation={organisation}
              project={project}
              data={data}
              tests={data.tests.filter(wanted)}
            />
          </Panel>
        )}
      </Show>
    </div>
  );
}

function Counts({ of: { tests, runs } }: { of: Failing }) {
  const failing = tests.filter(({ outcome }) => outcome === "failed").length;
  const flaky = tests.filter(test => test.flaky).length;
  return (
    <>
      {failing} failing, {flaky} flaky{" "}
      <span className="muted small">of the newest {runs.length === 1 ? "run" : `${runs.length} runs`}</span>
    </>
  );
}

function Tests({
  organisation,
  project,
  data,
  tests,
}: {
  organisation: string;
  project: string;
  data: Failing;
  tests: Test[];
}) {
  if (data.tests.length === 0) {
    return (
      <Empty title="No test has failed within these runs.">
        <p>
          Pipelines whose <code>reports</code> name JUnit files have their tests here.
        </p>
      </Empty>
    );
  }
  if (tests.length === 0) return <Empty title="No test is like that." />;
  return (
    <>
      <ul className="list" aria-label="Tests, failing first">
        {tests.map(test => (
          <li key={`${test.suite}\0${test.name}`}>
            <TestEntry organisation={organisation} project={project} test={test} />
          </li>
        ))}
      </ul>
      {data.cut && <p className="muted small body">More tests have failed than are shown here.</p>}
    </>
  );
}

function TestEntry({ organisation, project, test }: { organisation: string; project: string; test: Test }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <div className="entry test-entry">
      <StateBadge state={test.outcome} />
      <div className="what">
        <button
          type="button"
          className="link test-name"
          data-row=""
          aria-expanded={isOpen}
          onClick={() => setOpen(!isOpen)}
        >
          {test.name}
        </button>
        <span className="about">
          <span className="cut">{test.suite}</span>
          {test.flaky && <span className="tag flaky">flaky</span>}
          <span>
            failed {test.failed} of {test.failed + test.passed}
          </span>
          {test.medianMs !== null && <span>{durationText(test.medianMs)}</span>}
          <Link href={addresses.run({ organisation, project, number: test.failedIn })}>
            failed in #{test.failedIn}
          </Link>
        </span>
        {isOpen && (
          <pre className="notice of-failed test-message">{test.message || "It has said nothing."}</pre>
        )}
      </div>
      <HistoryStrip organisation={organisation} project={project} name={test.name} history={test.history} />
    </div>
  );
}
