// Sets a schedule, and says when it would be due.

import { useState } from "react";
import { useAction } from "../../api/use-api.ts";
import { Field, FormDialog, textOf } from "../../ui/form-dialog.tsx";
import { toast } from "../../ui/toasts.tsx";
import { nextDates } from "./next-dates.ts";
import type { Schedule } from "./schedules-page.tsx";

const zones = Intl.supportedValuesOf("timeZone");
const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
const shownDates = 5;

export function ScheduleDialog({
  params,
  schedule,
  close,
}: {
  params: { organisation: string; project: string };
  schedule: Schedule | undefined;
  close: () => void;
}) {
  const [cron, setCron] = useState(schedule?.cron ?? "0 4 * * 1-5");
  const [zone, setZone] = useState(schedule?.timeZone ?? own);
  const [wrong, setWrong] = useState<Error | null>(null);
  const set = useAction("setSchedule", {
    changes: ["listSchedules"],
    done: ({ name }) => {
      toast(`The schedule ${name} is set.`);
      close();
    },
    failed: setWrong,
  });
  return (
    <FormDialog
      title={schedule === undefined ? "Add a schedule" : `Schedule ${schedule.name}`}
      action="Set the schedule"
      pending={set.isPending}
      error={wrong}
      close={close}
      submit={form => {
        setWrong(null);
        set.mutate({
          params: { ...params, schedule: schedule?.name ?? textOf(form, "name") ?? "" },
          body: {
            cron: cron.trim(),
            timeZone: zone.trim(),
            branch: textOf(form, "branch") ?? null,
            workflow: textOf(form, "workflow") ?? null,
            enabled: form.get("enabled") !== null,
          },
        });
      }}
    >
      {schedule === undefined && (
        <Field label="Name">
          <input name="name" required pattern="[A-Za-z0-9][A-Za-z0-9._\-]{0,99}" />
        </Field>
      )}
      <div className="columns">
        <Field label="When" hint="Minute, hour, day, month, day of the week.">
          <input
            className="mono"
            required
            spellCheck={false}
            value={cron}
            onChange={({ target }) => setCron(target.value)}
          />
        </Field>
        <Field label="Time zone">
          <input
            list="time-zones"
            required
            spellCheck={false}
            value={zone}
            onChange={({ target }) => setZone(target.value)}
          />
        </Field>
      </div>
      <datalist id="time-zones">
        {["UTC", ...zones].map(name => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <NextDates cron={cron} zone={zone} />
      <div className="columns">
        <Field label="Branch" hint="Empty: the default branch.">
          <input name="branch" defaultValue={schedule?.branch ?? ""} spellCheck={false} />
        </Field>
        <Field label="Workflow" hint="Empty: those that the branch starts.">
          <input name="workflow" defaultValue={schedule?.workflow ?? ""} spellCheck={false} />
        </Field>
      </div>
      <label className="check">
        <input type="checkbox" name="enabled" defaultChecked={schedule?.enabled ?? true} />
        <span>Starts runs</span>
      </label>
      {schedule !== undefined && (
        <p className="muted small">
          Variables that were given to this schedule are cleared when it is set here.
        </p>
      )}
    </FormDialog>
  );
}

function NextDates({ cron, zone }: { cron: string; zone: string }) {
  const dates = nextDates(cron.trim(), zone.trim(), shownDates, new Date());
  if (typeof dates === "string") {
    return (
      <p className="notice of-failed" role="status">
        {dates}
      </p>
    );
  }
  const there = new Intl.DateTimeFormat(undefined, {
    weekday: "short",
    dateStyle: undefined,
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    timeZone: zone.trim(),
    timeZoneName: "short",
  });
  return (
    <div className="notice" role="status">
      <p className="small muted">It would start a run at</p>
      <ol className="small" aria-label="Next dates">
        {dates.map(date => (
          <li key={date.getTime()}>{there.format(date)}</li>
        ))}
      </ol>
    </div>
  );
}
