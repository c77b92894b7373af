// All projects: how each stands, and how it has stood lately.

import { Link } from "wouter";
import { addresses } from "../../addresses.ts";
import type { Project } from "../../api/client.ts";
import { may, useMe } from "../../api/session.ts";
import { usePages } from "../../api/use-api.ts";
import { useFilters } from "../../ui/filters.ts";
import { Empty, PageHead, Panel, ShowPages, usePageTitle } from "../../ui/page.tsx";
import { SearchField } from "../../ui/search-field.tsx";
import { type State, StateBadge, stateOfRun } from "../../ui/state.tsx";
import { Ago } from "../../ui/time.tsx";
import { Trend } from "../../ui/trend.tsx";
import "../../ui/list.css";

const names = ["text", "organisation"] as const;

export default function ProjectsPage() {
  const me = useMe();
  const { values, set, any } = useFilters(names);
  const projects = usePages("listProjects", { query: values }, { keep: true, limit: 100 });
  usePageTitle("Projects", worst(projects.items));
  const mayAdd = me?.organisations.some(({ name }) => may(me, name, "maintainer")) === true;
  return (
    <div className="stack">
      <PageHead title="Projects">
        <SearchField
          aria-label="Find a project by name"
          placeholder="Find a project"
          defaultValue={values.text ?? ""}
          onChange={event => set({ text: event.target.value }, { replace: true })}
        />
        {me && me.organisations.length > 1 && (
          <select
            aria-label="Organisation"
            value={values.organisation ?? ""}
            onChange={event => set({ organisation: event.target.value })}
          >
            <option value="">All organisations</option>
            {me.organisations.map(({ name }) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        )}
        {mayAdd && (
          <Link href={addresses.start} className="button">
            Add a project
          </Link>
        )}
      </PageHead>
      <Panel flush>
        <ShowPages
          of={projects}
          empty={<NoProjects filtered={any} mayAdd={mayAdd} known={me !== undefined} />}
        >
          {items => (
            <ul className="list">
              {items.map(project => (
                <li key={`${project.organisation}/${project.name}`}>
                  <ProjectEntry project={project} />
                </li>
              ))}
            </ul>
          )}
        </ShowPages>
      </Panel>
    </div>
  );
}

function ProjectEntry({ project }: { project: Project }) {
  const run = project.lastRun ?? project.recent[0] ?? null;
  return (
    <div className="entry">
      <StateBadge state={stateOfRun(run)} />
      <div className="what">
        <Link href={addresses.project(project.organisation, project.name)} data-row="">
          {project.organisation}/{project.name}
        </Link>
        <span className="about">
          {run ? (
            <span>
              #{run.number}, <Ago at={run.createdAt} />
            </span>
          ) : (
            project.repository === null && <span>no repository: you send your working tree</span>
          )}
          {project.public && <span>public</span>}
          {project.repository !== null && <span className="cut">{project.repository}</span>}
        </span>
      </div>
      <Trend project={project} />
    </div>
  );
}

function NoProjects({ filtered, mayAdd, known }: { filtered: boolean; mayAdd: boolean; known: boolean }) {
  if (filtered) return <Empty title="No project’s name matches." />;
  if (!known) return null;
  return (
    <Empty title="There is no project yet.">
      {mayAdd ? (
        <Link href={addresses.start} className="button primary">
          To your first green run
        </Link>
      ) : (
        <p>Whoever maintains an organisation that you belong to can add one.</p>
      )}
    </Empty>
  );
}

/** The icon of the window tells of a failing project before anything else. */
function worst(projects: Project[] | undefined): State | undefined {
  const states = (projects ?? []).map(project => stateOfRun(project.lastRun ?? project.recent[0]));
  const first = (...wanted: State[]) => states.find(state => wanted.includes(state));
  return first("failed", "broken", "timed-out") ?? first("running", "planning") ?? first("passed");
}
