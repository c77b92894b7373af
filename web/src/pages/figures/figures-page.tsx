// Plots of a project's newest runs, each with its numbers: how long and how they ended, waiting, slow steps, caches.

import { useLocation, useParams } from "wouter";
import { addresses } from "../../addresses.ts";
import type { Answer } from "../../api/client.ts";
import { useApi } from "../../api/use-api.ts";
import { rulesFor, staleOn } from "../../live/stale-on.ts";
import { useFilters } from "../../ui/filters.ts";
import { Empty, Panel, Show, usePageTitle } from "../../ui/page.tsx";
import { Plot, type Series } from "../../ui/plot.tsx";
import { ProjectHead } from "../../ui/project-tabs.tsx";
import { type Outcome, wordOf } from "../../ui/state.tsx";
import { type Head, Table } from "../../ui/table.tsx";
import { tickText, timeTicks } from "../../ui/ticks.ts";
import { durationText } from "../../ui/time.tsx";
import "./figures.css";

type Statistics = Answer<"getStatistics">;

const names = ["branch", "workflow", "runs"] as const;
staleOn("getStatistics", rulesFor.itsProject);

export default function FiguresPage() {
  const { organisation = "", project = "" } = useParams();
  const { values, set } = useFilters(names);
  const query = {
    ...(values.branch === undefined ? {} : { branch: values.branch }),
    ...(values.workflow === undefined ? {} : { workflow: values.workflow }),
    runs: Math.min(200, Math.max(1, Number(values.runs) || 50)),
  };
  const found = useApi("getStatistics", { params: { organisation, project }, query }, { keep: true });
  usePageTitle(`Figures of ${organisation}/${project}`);
  return (
    <div className="stack">
      <ProjectHead organisation={organisation} project={project} tab="figures" />
      <form
        className="filters"
        onSubmit={event => {
          event.preventDefault();
          const form = new FormData(event.currentTarget);
          set({ branch: String(form.get("branch")).trim(), workflow: String(form.get("workflow")).trim() });
        }}
      >
        <label className="field">
          <span>Branch</span>
          <span className="keyed">
            <input name="branch" data-search="" defaultValue={values.branch ?? ""} placeholder="all" />
          </span>
        </label>
        <label className="field">
          <span>Workflow</span>
          <input name="workflow" defaultValue={values.workflow ?? ""} placeholder="all" />
        </label>
        <label className="field">
          <span>Newest runs</span>
          <select value={String(query.runs)} onChange={event => set({ runs: event.target.value })}>
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
        {statistics =>
          statistics.runs.length === 0 ? (
            <Panel>
              <Empty title="There is nothing to draw yet: no run has finished." />
            </Panel>
          ) : (
            <Figures of={statistics} organisation={organisation} project={project} />
          )
        }
      </Show>
    </div>
  );
}

const outcomeColours: [Outcome, string][] = [
  ["passed", "--passed"],
  ["failed", "--failed"],
  ["timed-out", "--timed-out"],
  ["broken", "--broken"],
  ["canceled", "--quiet"],
  ["skipped", "--line-strong"],
];
const classColours = ["--accent", "--waiting", "--passed", "--broken", "--timed-out", "--failed"];

const times = { at: timeTicks, text: tickText };

function Figures({ of, ...project }: { of: Statistics; organisation: string; project: string }) {
  const [, navigate] = useLocation();
  const open = (at: number) => navigate(addresses.run({ ...project, number: of.runs[at]!.number }));
  const labels = of.runs.map(({ number }) => `#${number}`);
  const seconds = (value: number) => durationText(value * 1000);
  const rates = of.runs.map(({ cacheHits, cacheMisses }) =>
    cacheHits + cacheMisses === 0 ? null : (100 * cacheHits) / (cacheHits + cacheMisses),
  );
  return (
    <>
      <div className="plots">
        <Plot
          title="Duration and outcome"
          labels={labels}
          labelTitle="Run"
          series={outcomeSeries(of)}
          bars
          show={seconds}
          ticks={times}
          open={open}
        />
        <Plot
          title="Waiting in the queue, by class"
          labels={labels}
          labelTitle="Run"
          series={waitSeries(of)}
          show={seconds}
          ticks={times}
          open={open}
        />
        {rates.some(rate => rate !== null) && (
          <Plot
            title="Cache hit rate"
            labels={labels}
            labelTitle="Run"
            series={[{ label: "hits", color: "--accent", values: rates }]}
            show={value => `${Math.round(value)} %`}
            most={100}
            open={open}
          />
        )}
      </div>
      <Steps of={of} />
      <Waits of={of} />
    </>
  );
}

function outcomeSeries({ runs }: Statistics): Series[] {
  const there = new Set(runs.map(({ outcome }) => outcome));
  return outcomeColours
    .filter(([outcome]) => there.has(outcome))
    .map(([outcome, color]) => ({
      label: wordOf(outcome),
      color,
      values: runs.map(run =>
        run.outcome === outcome && run.durationMs !== null ? run.durationMs / 1000 : null,
      ),
    }));
}

function waitSeries({ runs, waits }: Statistics): Series[] {
  return waits.slice(0, classColours.length).map(({ class: name }, at) => ({
    label: name,
    color: classColours[at]!,
    values: runs.map(run => {
      const wait = run.waits.find(each => each.class === name);
      return wait === undefined ? null : wait.waitMs / 1000;
    }),
  }));
}

function Steps({ of: { steps } }: { of: Statistics }) {
  if (steps.length === 0) return null;
  const most = Math.max(...steps.map(({ totalMs }) => totalMs), 1);
  return (
    <Panel title="Slowest steps, by total time" flush>
      <Table
        numbers
        label="Slowest steps, by total time"
        heads={[
          "Step",
          "Share",
          ...numbers("Total", "Median", "90th percentile", "Longest", "Times run", "Failed"),
        ]}
        rows={steps.map(each => ({
          key: `${each.pipeline} ${each.step}`,
          cells: [
            <span key="step">
              {each.step} <span className="small muted">{each.pipeline}</span>
            </span>,
            <span key="bar" className="step-track" aria-hidden="true">
              <span className="step-bar" style={{ width: `${(100 * each.totalMs) / most}%` }} />
            </span>,
            ...[each.totalMs, each.medianMs, each.p90Ms, each.longestMs].map(durationText),
            each.times,
            each.failed,
          ],
        }))}
      />
    </Panel>
  );
}

function numbers(...texts: string[]): Head[] {
  return texts.map(text => ({ text, number: true }));
}

function Waits({ of: { waits, caches } }: { of: Statistics }) {
  return (
    <>
      <Panel title="Waiting in the queue" flush>
        <Table
          numbers
          label="Waiting in the queue"
          heads={["Class", ...numbers("Jobs", "Median", "90th percentile", "Longest")]}
          rows={waits.map(each => ({
            key: each.class,
            cells: [each.class, each.jobs, ...[each.medianMs, each.p90Ms, each.longestMs].map(durationText)],
          }))}
        />
      </Panel>
      {caches.length > 0 && (
        <Panel title="Caches" flush>
          <Table
            numbers
            label="Caches"
            heads={["Pipeline", ...numbers("Hits", "Misses", "Hit rate")]}
            rows={caches.map(({ pipeline, hits, misses }) => ({
              key: pipeline,
              cells: [
                pipeline,
                hits,
                misses,
                hits + misses === 0 ? "–" : `${Math.round((100 * hits) / (hits + misses))} %`,
              ],
            }))}
          />
        </Panel>
      )}
    </>
  );
}
