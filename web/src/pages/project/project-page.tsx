// The runs of a project. Filters live in the address; the list is live.

import { useState } from "react";
import { useLocation, useParams } from "wouter";
import { addresses } from "../../addresses.ts";
import { may, useMe } from "../../api/session.ts";
import { useApi, usePages } from "../../api/use-api.ts";
import { CopyLine } from "../../ui/copy.tsx";
import { useFilters } from "../../ui/filters.ts";
import { LongList } from "../../ui/long-list.tsx";
import { Empty, Failed, Panel, ShowPages, usePageTitle } from "../../ui/page.tsx";
import { ProjectHead } from "../../ui/project-tabs.tsx";
import { RunEntry } from "../../ui/run-entry.tsx";
import { stateOfRun, wordOf } from "../../ui/state.tsx";
import { StartRunDialog } from "./start-run-dialog.tsx";

const names = ["text", "branch", "workflow", "outcome", "state", "person", "event", "commit"] as const;
const outcomes = ["passed", "failed", "timed-out", "canceled", "skipped", "broken"] as const;

export default function ProjectPage() {
  const { organisation = "", project: name = "" } = useParams();
  const me = useMe();
  const [, navigate] = useLocation();
  const params = { organisation, project: name };
  const project = useApi("getProject", { params });
  const { values, set, any } = useFilters(names);
  const runs = usePages("listRuns", { params, query: values as never }, { keep: true });
  const [starting, setStarting] = useState(false);
  usePageTitle(`${organisation}/${name}`, project.data && stateOfRun(project.data.lastRun));
  if (project.error && project.data === undefined) return <Failed error={project.error} />;
  const mayStart = may(me, organisation, "reporter");
  return (
    <div className="stack">
      <ProjectHead organisation={organisation} project={name} tab="">
        {mayStart && project.data?.repository != null && (
          <button type="button" className="button primary" onClick={() => setStarting(true)}>
            Start a run
          </button>
        )}
      </ProjectHead>
      {starting && (
        <StartRunDialog
          project={project.data!}
          close={() => setStarting(false)}
          started={run => navigate(addresses.run(run))}
        />
      )}
      <Filters key={any ? "some" : "none"} values={values} set={set} any={any} />
      <Panel flush>
        <ShowPages of={runs} empty={<NoRuns filtered={any} organisation={organisation} name={name} />}>
          {items => (
            <LongList items={items} keyOf={run => run.id} label="Runs, newest first">
              {run => <RunEntry run={run} />}
            </LongList>
          )}
        </ShowPages>
      </Panel>
    </div>
  );
}

type Filters = ReturnType<typeof useFilters<(typeof names)[number]>>;

function Filters({ values, set, any }: Pick<Filters, "values" | "set" | "any">) {
  const field = (
    name: "branch" | "workflow" | "person" | "commit" | "text",
    label: string,
    more: object = {},
  ) => {
    const given = {
      name,
      defaultValue: values[name] ?? "",
      onBlur: ({ target }: { target: HTMLInputElement }) =>
        target.value !== (values[name] ?? "") && set({ [name]: target.value.trim() }),
      ...more,
    };
    return (
      <label className={name === "text" ? "field wide" : "field"}>
        <span>{label}</span>
        <span className={name === "text" ? "keyed" : "input"}>
          <input {...given} />
        </span>
      </label>
    );
  };
  const standing = values.outcome ?? values.state ?? "";
  const [more, setMore] = useState(false);
  const withMore = more || [values.workflow, values.event, values.person, values.commit].some(Boolean);
  return (
    <form
      className="filters"
      onSubmit={event => {
        event.preventDefault();
        const form = new FormData(event.currentTarget);
        const shown = ["text", "branch", "workflow", "person", "commit"].filter(name => form.has(name));
        set(Object.fromEntries(shown.map(name => [name, String(form.get(name) ?? "").trim()])));
      }}
    >
      {field("text", "Text", {
        type: "search",
        "data-search": "",
        placeholder: "Message, branch, commit or person",
      })}
      {field("branch", "Branch", { placeholder: "all" })}
      <label className="field">
        <span>State</span>
        <select
          value={standing}
          onChange={({ target: { value } }) =>
            set(
              value === "running" || value === "planning"
                ? { state: value, outcome: undefined }
                : { outcome: value, state: undefined },
            )
          }
        >
          <option value="">all</option>
          <option value="running">running or waiting</option>
          <option value="planning">planning</option>
          {outcomes.map(each => (
            <option key={each} value={each}>
              {wordOf(each)}
            </option>
          ))}
        </select>
      </label>
      {withMore && (
        <>
          {field("workflow", "Workflow", { placeholder: "all" })}
          <label className="field">
            <span>Started by</span>
            <select value={values.event ?? ""} onChange={({ target }) => set({ event: target.value })}>
              <option value="">all</option>
              <option value="push">push</option>
              <option value="pull-request">pull request</option>
              <option value="schedule">schedule</option>
              <option value="manual">by hand</option>
            </select>
          </label>
          {field("person", "Person", { placeholder: "anybody" })}
          {field("commit", "Commit", {
            placeholder: "any",
            pattern: "[0-9a-f]{7,64}",
            title: "at least seven digits of it",
          })}
        </>
      )}
      <button type="submit" className="button">
        Filter
      </button>
      {!withMore && (
        <button type="button" className="button plain" onClick={() => setMore(true)}>
          More filters
        </button>
      )}
      {any && (
        <button
          type="button"
          className="button plain"
          onClick={() => set(Object.fromEntries(names.map(name => [name, undefined])))}
        >
          Clear filters
        </button>
      )}
    </form>
  );
}

function NoRuns({ filtered, organisation, name }: { filtered: boolean; organisation: string; name: string }) {
  if (filtered) return <Empty title="No run matches these filters." />;
  return (
    <Empty title="There is no run yet.">
      <p>Push to its repository, or send your working tree:</p>
      <CopyLine text={`slipway run --remote --project ${organisation}/${name}`} label="Copy the command" />
    </Empty>
  );
}
