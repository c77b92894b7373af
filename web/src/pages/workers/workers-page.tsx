// Workers and what they serve; classes of jobs and what they allow.

import { useState } from "react";
import type { Item } from "../../api/client.ts";
import { useMe } from "../../api/session.ts";
import { usePages } from "../../api/use-api.ts";
import { staleOn } from "../../live/stale-on.ts";
import { CopyLine } from "../../ui/copy.tsx";
import { Empty, PageHead, Panel, ShowPages, usePageTitle } from "../../ui/page.tsx";
import { Table } from "../../ui/table.tsx";
import { Ago, bytesText, durationText } from "../../ui/time.tsx";
import { ClassDialog } from "./class-dialog.tsx";
import "../../ui/list.css";
import "./workers.css";

type Worker = Item<"listWorkers">;
export type JobClass = Item<"listClasses">;

staleOn("listWorkers", ({ queue, runs }) => queue === true || runs.length > 0);

/** Leases run out without a word. */
const everyMs = 10_000;

export default function WorkersPage() {
  usePageTitle("Workers and classes");
  return (
    <div className="stack">
      <PageHead title="Workers and classes" />
      <Workers />
      <Classes />
    </div>
  );
}

function Workers() {
  const workers = usePages("listWorkers", {}, { every: everyMs, limit: 200 });
  return (
    <Panel title="Workers" flush>
      <ShowPages of={workers} empty={<NoWorkers />}>
        {items => (
          <Table
            label="Workers"
            heads={["Worker", "State", "In use", "Classes", "Labels", "Version"]}
            rows={items.map(worker => ({
              key: worker.id,
              cells: [
                <div key="name">
                  <strong>{worker.name}</strong>
                  {worker.name !== worker.id && <div className="muted small mono">{worker.id}</div>}
                </div>,
                <WorkerState key="state" worker={worker} />,
                <Places key="places" running={worker.running} capacity={worker.capacity} />,
                <Tags key="classes" texts={worker.classes} />,
                <Tags
                  key="labels"
                  texts={Object.entries(worker.labels).map(([name, value]) => `${name}=${value}`)}
                />,
                worker.version,
              ],
            }))}
          />
        )}
      </ShowPages>
    </Panel>
  );
}

function WorkerState({ worker }: { worker: Worker }) {
  if (!worker.alive) {
    return (
      <>
        <span className="state of-broken">silent</span>
        <div className="small muted">
          its lease ran out <Ago at={worker.leaseUntil} />
        </div>
      </>
    );
  }
  if (worker.draining) return <span className="state of-waiting">takes nothing new</span>;
  return <span className="state of-passed">alive</span>;
}

function Places({ running, capacity }: { running: number; capacity: number }) {
  return (
    <span className="places">
      <progress max={capacity} value={Math.min(running, capacity)} aria-label="Places in use" />
      <span className="nowrap">
        {running} of {capacity}
      </span>
    </span>
  );
}

function Tags({ texts }: { texts: string[] }) {
  if (texts.length === 0) return <span className="muted">–</span>;
  return (
    <span className="tags">
      {texts.map(text => (
        <span key={text} className="tag">
          {text}
        </span>
      ))}
    </span>
  );
}

function NoWorkers() {
  return (
    <Empty title="No workers yet.">
      <p>
        Jobs wait until one comes. Start one on a machine with Docker, with a worker token from an
        administrator:
      </p>
      <CopyLine
        text={`SLIPWAY_WORKER_TOKEN=... slipway server --roles worker --server-url ${location.origin}`}
        label="Copy the command"
      />
    </Empty>
  );
}

function Classes() {
  const me = useMe();
  const classes = usePages("listClasses", {}, { every: 60_000, limit: 200 });
  const [edited, setEdited] = useState<JobClass | "new">();
  const add = me?.admin && (
    <button type="button" className="button small" onClick={() => setEdited("new")}>
      Add a class
    </button>
  );
  return (
    <Panel title="Classes" actions={add || undefined} flush>
      {edited !== undefined && (
        <ClassDialog jobClass={edited === "new" ? undefined : edited} close={() => setEdited(undefined)} />
      )}
      <ShowPages
        of={classes}
        empty={<Empty title="There is no class. The class default allows what needs no trust." />}
      >
        {items => (
          <ul className="list">
            {items.map(each => (
              <li key={each.name} className="class-entry">
                <div>
                  <strong>{each.name}</strong>
                  <div className="small">
                    {each.workers === 0 ? (
                      <span className="warning">no worker serves it</span>
                    ) : (
                      <span className="muted">
                        {each.workers === 1 ? "1 worker" : `${each.workers} workers`}
                      </span>
                    )}
                  </div>
                </div>
                <ClassSettings settings={each.settings} />
                {me?.admin && (
                  <button type="button" className="button small" onClick={() => setEdited(each)}>
                    Change<span className="sr-only"> {each.name}</span>
                  </button>
                )}
              </li>
            ))}
          </ul>
        )}
      </ShowPages>
    </Panel>
  );
}

function ClassSettings({ settings }: { settings: JobClass["settings"] }) {
  const { engine, pod = {} } = settings;
  const allows = [
    ["docker", settings.allowDocker],
    ["volumes", settings.allowVolumes],
    ["ports of the host", settings.allowHostPorts],
  ].flatMap(([name, is]) => (is ? [String(name)] : []));
  const limits = [
    settings.cpu === undefined ? "" : `${settings.cpu} CPU`,
    settings.memoryBytes === undefined ? "" : bytesText(settings.memoryBytes),
    settings.timeoutMs === undefined ? "" : `at most ${durationText(settings.timeoutMs)}`,
  ].filter(Boolean);
  const podFacts = Object.entries(pod).filter(([, value]) => value !== undefined);
  return (
    <dl className="facts small">
      <dt>Runs in</dt>
      <dd>{engineText(engine)}</dd>
      {limits.length > 0 && (
        <>
          <dt>Limits</dt>
          <dd>{limits.join(", ")}</dd>
        </>
      )}
      {allows.length > 0 && (
        <>
          <dt>Also allows</dt>
          <dd>{allows.join(", ")}</dd>
        </>
      )}
      {podFacts.length > 0 && (
        <>
          <dt>Pods</dt>
          <dd className="pod-facts">
            {podFacts.map(([name, value]) => (
              <span key={name} className="tag">
                {name} {typeof value === "object" ? JSON.stringify(value) : String(value)}
              </span>
            ))}
          </dd>
        </>
      )}
    </dl>
  );
}

export function engineText(engine: JobClass["settings"]["engine"]): string {
  if (engine === "host") return "processes on the worker's machine";
  if (engine === "pod") return "Pods only";
  return "containers";
}
