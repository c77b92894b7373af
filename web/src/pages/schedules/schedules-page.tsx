// When runs start by themselves: what stands in the file, and what was set here.

import { useState } from "react";
import { useParams } from "wouter";
import type { Item } from "../../api/client.ts";
import { may, useMe } from "../../api/session.ts";
import { useAction, usePages } from "../../api/use-api.ts";
import { rulesFor, staleOn } from "../../live/stale-on.ts";
import { confirm } from "../../ui/confirm.tsx";
import { Empty, Panel, ShowPages, usePageTitle } from "../../ui/page.tsx";
import { ProjectHead } from "../../ui/project-tabs.tsx";
import { Table } from "../../ui/table.tsx";
import { Ago, At } from "../../ui/time.tsx";
import { toast } from "../../ui/toasts.tsx";
import { ScheduleDialog } from "./schedule-dialog.tsx";
import "../../ui/list.css";

export type Schedule = Item<"listSchedules">;

staleOn("listSchedules", rulesFor.itsProject);

export default function SchedulesPage() {
  const { organisation = "", project = "" } = useParams();
  const me = useMe();
  const params = { organisation, project };
  const schedules = usePages("listSchedules", { params });
  const [edited, setEdited] = useState<Schedule | "new">();
  usePageTitle(`Schedules of ${organisation}/${project}`);
  const mayChange = may(me, organisation, "maintainer");
  return (
    <div className="stack">
      <ProjectHead organisation={organisation} project={project} tab="schedules">
        {mayChange && (
          <button type="button" className="button primary" onClick={() => setEdited("new")}>
            Add a schedule
          </button>
        )}
      </ProjectHead>
      {edited !== undefined && (
        <ScheduleDialog
          params={params}
          schedule={edited === "new" ? undefined : edited}
          close={() => setEdited(undefined)}
        />
      )}
      <Panel flush>
        <ShowPages of={schedules} empty={<NoSchedules />}>
          {items => (
            <Table
              label="Schedules"
              heads={["Schedule", "When", "Starts", "Next", { text: "What can be done", hidden: true }]}
              rows={items.map(schedule => ({
                key: schedule.name,
                cells: [
                  <Name key="name" schedule={schedule} />,
                  <div key="when">
                    <code>{schedule.cron}</code>
                    <div className="muted small">{schedule.timeZone}</div>
                  </div>,
                  <div key="starts">
                    {schedule.workflow ?? "what the branch starts"}
                    <div className="muted small">{schedule.branch ?? "default branch"}</div>
                  </div>,
                  schedule.enabled ? (
                    <div key="next">
                      <Ago at={schedule.nextAt} />
                      <div className="muted small">
                        <At at={schedule.nextAt} />
                      </div>
                    </div>
                  ) : (
                    <span key="next" className="warning">
                      switched off
                    </span>
                  ),
                  mayChange && !isOfFile(schedule) ? (
                    <Actions
                      key="actions"
                      params={params}
                      schedule={schedule}
                      edit={() => setEdited(schedule)}
                    />
                  ) : null,
                ],
              }))}
            />
          )}
        </ShowPages>
      </Panel>
    </div>
  );
}

/** Those are changed in the file. */
function isOfFile({ name }: Schedule): boolean {
  return name.startsWith("file:");
}

function Name({ schedule }: { schedule: Schedule }) {
  if (!isOfFile(schedule)) return <strong>{schedule.name}</strong>;
  return (
    <div>
      <strong>{schedule.name.split(":")[1]}</strong>
      <div className="muted small">of the pipeline file</div>
    </div>
  );
}

function Actions({
  params,
  schedule,
  edit,
}: {
  params: { organisation: string; project: string };
  schedule: Schedule;
  edit: () => void;
}) {
  const remove = useAction("removeSchedule", {
    changes: ["listSchedules"],
    done: () => toast(`The schedule ${schedule.name} is removed.`),
  });
  const ask = async () => {
    const yes = await confirm({
      title: `Remove ${schedule.name}?`,
      text: "No run is started by it any more. Runs that it has started stay.",
      action: "Remove the schedule",
      danger: true,
    });
    if (yes) remove.mutate({ params: { ...params, schedule: schedule.name } });
  };
  return (
    <div className="row">
      <button type="button" className="button small" onClick={edit}>
        Change<span className="sr-only"> {schedule.name}</span>
      </button>
      <button
        type="button"
        className="button small plain"
        disabled={remove.isPending}
        onClick={() => void ask()}
      >
        Remove<span className="sr-only"> {schedule.name}</span>
      </button>
    </div>
  );
}

function NoSchedules() {
  return (
    <Empty title="Nothing starts by itself.">
      <p>Runs are started by pushes and people. A schedule of the pipeline file stands here, too.</p>
    </Empty>
  );
}
