// Test results of one run, failing first; those that are flaky in the project say so, and each has its history.

import { useState } from "react";
import { Link, useParams } from "wouter";
import { addresses } from "../../addresses.ts";
import type { Item, Run } from "../../api/client.ts";
import { useApi, usePages } from "../../api/use-api.ts";
import { useFilters } from "../../ui/filters.ts";
import { Empty, PageHead, Panel, Show, ShowPages, usePageTitle } from "../../ui/page.tsx";
import { StateBadge, stateOfRun } from "../../ui/state.tsx";
import { HistoryStrip } from "../../ui/test-history.tsx";
import { durationText } from "../../ui/time.tsx";
import "../../ui/list.css";
import "../../ui/tests.css";

type Result = Item<"listTests">;

const names = ["outcome"] as const;
const outcomes = ["failed", "passed", "skipped"] as const;

export default function RunTestsPage() {
  const { organisation = "", project = "", number = "" } = useParams();
  const found = useApi("findRun", { params: { organisation, project, number: Number(number) } });
  usePageTitle(`Tests of #${number} ${organisation}/${project}`, found.data && stateOfRun(found.data));
  return <Show of={found}>{run => <Results run={run} />}</Show>;
}

function Results({ run }: { run: Run }) {
  const { values, set } = useFilters(names);
  const tests = usePages(
    "listTests",
    { params: { run: run.id }, query: values as { outcome?: "failed" } },
    { run: run.id, limit: 200, keep: true },
  );
  const params = { organisation: run.organisation, project: run.project };
  const lately = useApi("listFailingTests", { params, query: { runs: 50 } });
  const flaky = new Set(
    (lately.data?.tests ?? []).filter(test => test.flaky).map(test => `${test.suite}\0${test.name}`),
  );
  return (
    <div className="stack">
      <PageHead
        title={`Tests of #${run.number}`}
        crumbs={[
          { text: run.organisation, to: `${addresses.projects}?organisation=${run.organisation}` },
          { text: run.project, to: addresses.project(run.organisation, run.project) },
          { text: `#${run.number}`, to: addresses.run(run) },
        ]}
      >
        <select
          aria-label="Outcome"
          value={values.outcome ?? ""}
          onChange={({ target }) => set({ outcome: target.value })}
        >
          <option value="">all, failing first</option>
          {outcomes.map(outcome => (
            <option key={outcome}>{outcome}</option>
          ))}
        </select>
      </PageHead>
      <Panel flush>
        <ShowPages of={tests} empty={<NoTests run={run} filtered={values.outcome !== undefined} />}>
          {items => (
            <ul className="list" aria-label="Tests, failing first">
              {items.map((test, at) => (
                <li key={`${test.jobId}\0${test.suite}\0${test.name}`}>
                  <TestEntry
                    run={run}
                    test={test}
                    flaky={flaky.has(`${test.suite}\0${test.name}`)}
                    isFirst={at < openAtFirst}
                  />
                </li>
              ))}
            </ul>
          )}
        </ShowPages>
      </Panel>
    </div>
  );
}

function NoTests({ run, filtered }: { run: Run; filtered: boolean }) {
  if (filtered) return <Empty title="No test came to that." />;
  if (run.state !== "finished") return <Empty title="No job of the run has reported tests yet." />;
  return (
    <Empty title="The run has reported no tests.">
      <p>
        Pipelines whose <code>reports</code> name JUnit files have their tests here.
      </p>
    </Empty>
  );
}

/** So many failing ones show at once what they have said. */
const openAtFirst = 5;

function TestEntry({
  run,
  test,
  flaky,
  isFirst,
}: {
  run: Run;
  test: Result;
  flaky: boolean;
  isFirst: boolean;
}) {
  const [isOpen, setOpen] = useState(isFirst && test.outcome === "failed");
  const job = run.jobs.find(({ id }) => id === test.jobId);
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
          {flaky && <span className="tag flaky">flaky</span>}
          {job && (
            <Link href={addresses.job(run, job.id)}>
              {job.combination === "" ? job.name : `${job.name} (${job.combination})`}
            </Link>
          )}
        </span>
        {isOpen && <More run={run} test={test} />}
      </div>
      <div className="when">{test.durationMs !== null && durationText(test.durationMs)}</div>
    </div>
  );
}

/** What it has said, and what it came to in the runs before. */
function More({ run, test }: { run: Run; test: Result }) {
  const history = usePages(
    "testHistory",
    {
      params: { organisation: run.organisation, project: run.project },
      query: { suite: test.suite, name: test.name },
    },
    { limit: 30 },
  );
  return (
    <div className="stack test-more">
      {test.message !== "" && <pre className="notice of-failed test-message">{test.message}</pre>}
      {history.items !== undefined && history.items.length > 1 && (
        <div className="row small muted">
          Before
          <HistoryStrip
            organisation={run.organisation}
            project={run.project}
            name={test.name}
            history={together(history.items)}
          />
        </div>
      )}
    </div>
  );
}

/** One mark a run, the oldest first: of several jobs of a run one that fails decides. */
function together(items: Item<"testHistory">[]): { run: number; outcome: Result["outcome"] }[] {
  const byRun = new Map<number, Result["outcome"]>();
  for (const { runNumber, outcome } of items) {
    if (byRun.get(runNumber) !== "failed") byRun.set(runNumber, outcome);
  }
  return [...byRun].map(([run, outcome]) => ({ run, outcome })).reverse();
}
