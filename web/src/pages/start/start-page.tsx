// Leads from an empty server to the first green run: a project, a way for its source to come here, and the run itself, live.

import { type FormEvent, useState } from "react";
import { Link } from "wouter";
import { addresses } from "../../addresses.ts";
import { may, useMe } from "../../api/session.ts";
import { useAction, useApi, usePages } from "../../api/use-api.ts";
import { CopyLine } from "../../ui/copy.tsx";
import { useFilters } from "../../ui/filters.ts";
import { Empty, Loading, PageHead, Panel, Show, usePageTitle } from "../../ui/page.tsx";
import { RunEntry } from "../../ui/run-entry.tsx";
import { StateBadge, stateOfRun } from "../../ui/state.tsx";
import { errorText } from "../../ui/toasts.tsx";
import { firstFile } from "./first-file.ts";

const names = ["project"] as const;

export default function StartPage() {
  const { values, set } = useFilters(names);
  const [organisation, project] = (values.project ?? "").split("/");
  usePageTitle("To your first green run");
  return (
    <div className="stack">
      <PageHead title="To your first green run" />
      <Workers />
      {organisation && project ? (
        <Guided organisation={organisation} project={project} />
      ) : (
        <NewProject made={(name, inOrganisation) => set({ project: `${inOrganisation}/${name}` })} />
      )}
    </div>
  );
}

/** Without a worker nothing will ever run: said before anything else. */
function Workers() {
  const workers = useApi("listWorkers", {}, { every: 5000 });
  if (workers.data === undefined || workers.data.items.some(({ alive }) => alive)) return null;
  return (
    <div className="notice of-waiting">
      <p>
        <strong>No worker is connected</strong>, so jobs will wait. A server starts one of its own unless it
        is told otherwise; on another machine:
      </p>
      <CopyLine
        text={`SLIPWAY_WORKER_TOKEN=TOKEN slipway server --roles worker --api-url ${location.origin} --runner-url RUNNER_URL`}
        label="Copy the command"
      />
    </div>
  );
}

function NewProject({ made }: { made: (name: string, organisation: string) => void }) {
  const me = useMe();
  const [wrong, setWrong] = useState<string>();
  const [organisation, setOrganisation] = useState<string>();
  const create = useAction("createProject", {
    changes: ["listProjects"],
    done: project => made(project.name, project.organisation),
    failed: error => setWrong(errorText(error).text),
  });
  if (!me) return <Loading />;
  const mine = me.organisations.filter(({ name }) => may(me, name, "maintainer"));
  if (mine.length === 0) {
    return (
      <Empty title="You maintain no organisation.">Ask an owner of one to make you its maintainer.</Empty>
    );
  }
  const inOrganisation = organisation ?? mine[0]!.name;
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    setWrong(undefined);
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? "").trim();
    const repository = text("repository");
    create.mutate({
      params: { organisation: inOrganisation },
      body: {
        name: text("name"),
        ...(repository === "" ? {} : { repository, pollSeconds: 60 }),
        ...(text("credential") === "" ? {} : { credential: text("credential") }),
        ...(text("branch") === "" ? {} : { defaultBranch: text("branch") }),
      },
    });
  };
  return (
    <Panel title="1. A project">
      <form className="form" onSubmit={submit}>
        {mine.length > 1 && (
          <label className="field">
            <span>Organisation</span>
            <select value={inOrganisation} onChange={event => setOrganisation(event.target.value)}>
              {mine.map(({ name }) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </label>
        )}
        <label className="field">
          <span>Name</span>
          <input
            name="name"
            required
            pattern="[A-Za-z0-9][A-Za-z0-9._\-]{0,99}"
            placeholder="shop"
            autoComplete="off"
          />
        </label>
        <label className="field">
          <span>
            Repository <span className="hint">— may be empty: then you send your working tree</span>
          </span>
          <input name="repository" placeholder="https://git.example.org/shop.git" autoComplete="off" />
        </label>
        <details>
          <summary>Branch and credential</summary>
          <div className="stack" style={{ paddingTop: 12 }}>
            <label className="field">
              <span>Default branch</span>
              <input name="branch" placeholder="main" autoComplete="off" />
            </label>
            <label className="field">
              <span>
                Credential{" "}
                <span className="hint">
                  — user:token for https, a private key for ssh. Kept encrypted, never shown
                </span>
              </span>
              <textarea name="credential" rows={3} autoComplete="off" spellCheck={false} />
            </label>
          </div>
        </details>
        {wrong && (
          <p className="notice of-failed" role="alert">
            {wrong}
          </p>
        )}
        <div>
          <button type="submit" className="button primary" disabled={create.isPending}>
            Make the project
          </button>
        </div>
      </form>
    </Panel>
  );
}

function Guided({ organisation, project: name }: { organisation: string; project: string }) {
  const params = { organisation, project: name };
  const project = useApi("getProject", { params });
  const runs = usePages("listRuns", { params }, { limit: 10 });
  const green = runs.items?.find(run => run.outcome === "passed");
  const address = `${organisation}/${name}`;
  return (
    <>
      <Panel title="1. A project">
        <p>
          <StateBadge state="passed" text="" />{" "}
          <Link href={addresses.project(organisation, name)}>{address}</Link> is there.
        </p>
      </Panel>
      <Panel title="2. A pipeline file">
        <div className="stack">
          <p>
            Put this into <code>slipway.yml</code> at the top of your project, or keep the{" "}
            <code>wercker.yml</code> that is there:
          </p>
          <pre className="notice" tabIndex={0}>
            {firstFile}
          </pre>
        </div>
      </Panel>
      <Panel title="3. A run">
        <Show of={project}>
          {({ repository }) => (
            <div className="stack">
              {repository === null ? (
                <>
                  <p>Sign in once on your machine, then send the working tree that you stand in:</p>
                  <CopyLine text={`slipway login ${location.origin}`} label="Copy the command to sign in" />
                  <CopyLine
                    text={`slipway run --remote --project ${address}`}
                    label="Copy the command to run"
                  />
                </>
              ) : (
                <>
                  <p>
                    Commit the file and push: the repository is looked at every minute. A webhook makes it at
                    once; its secret is in the{" "}
                    <Link href={addresses.project(organisation, name, "settings")}>settings</Link>. Or run
                    what is there now:
                  </p>
                  <RunNow organisation={organisation} project={name} />
                </>
              )}
              {runs.items?.length === 0 && (
                <p className="muted" role="status">
                  Waiting for the first run…
                </p>
              )}
            </div>
          )}
        </Show>
      </Panel>
      {runs.items !== undefined && runs.items.length > 0 && (
        <Panel title="Runs" flush>
          <ul className="list">
            {runs.items.map(run => (
              <li key={run.id}>
                <RunEntry run={run} />
              </li>
            ))}
          </ul>
        </Panel>
      )}
      {green !== undefined && (
        <div className={`notice of-${stateOfRun(green)}`} role="status">
          <p>
            <strong>Run #{green.number} is green.</strong> What to look at next:{" "}
            <Link href={addresses.run(green)}>the run</Link>,{" "}
            <Link href={addresses.project(organisation, name, "variables")}>variables and secrets</Link>,{" "}
            <Link href={addresses.project(organisation, name, "schedules")}>schedules</Link>.
          </p>
        </div>
      )}
    </>
  );
}

function RunNow({ organisation, project }: { organisation: string; project: string }) {
  const me = useMe();
  const start = useAction("createRun", { changes: ["listRuns"] });
  if (!may(me, organisation, "reporter")) return null;
  return (
    <div>
      <button
        type="button"
        className="button primary"
        disabled={start.isPending}
        onClick={() => start.mutate({ params: { organisation, project }, body: {} })}
      >
        Start a run
      </button>
    </div>
  );
}
