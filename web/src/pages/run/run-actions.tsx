// What can be done with a run: again, cancel; approve or refuse its jobs. What the reader may not do is not there.

import { useLocation } from "wouter";
import { addresses } from "../../addresses.ts";
import type { Job, Run } from "../../api/client.ts";
import { may, useMe } from "../../api/session.ts";
import { useAction } from "../../api/use-api.ts";
import { confirm } from "../../ui/confirm.tsx";
import { toast } from "../../ui/toasts.tsx";

const shows = ["findRun", "listRuns", "getJob", "listQueue"] as const;

export function RunActions({ run }: { run: Run }) {
  const me = useMe();
  const [, navigate] = useLocation();
  const cancel = useAction("cancelRun", { changes: shows, done: () => toast("The run is being canceled.") });
  const again = useAction("rerun", {
    changes: ["listRuns"],
    done: started => {
      toast(`Run #${started.number} is the same again.`);
      navigate(addresses.run(started));
    },
  });
  if (!may(me, run.organisation, "reporter")) return null;
  const ask = async () => {
    const yes = await confirm({
      title: `Cancel run #${run.number}?`,
      text: "Jobs that run are stopped, and those that wait never start. What has ended stays as it is.",
      action: "Cancel the run",
      danger: true,
    });
    if (yes) cancel.mutate({ params: { run: run.id }, body: {} });
  };
  return (
    <>
      <button
        type="button"
        className="button"
        disabled={again.isPending}
        onClick={() => again.mutate({ params: { run: run.id }, body: {} })}
      >
        Run again
      </button>
      {run.state !== "finished" && (
        <button
          type="button"
          className="button danger"
          disabled={cancel.isPending}
          onClick={() => void ask()}
        >
          Cancel
        </button>
      )}
    </>
  );
}

export function Approval({ run, job }: { run: Pick<Run, "organisation">; job: Job }) {
  const me = useMe();
  const decide = useAction("approveJob", { changes: shows });
  if (job.approval !== "wanted" || job.state !== "waiting") return null;
  if (!may(me, run.organisation, "maintainer")) {
    return <span className="small muted">a maintainer has to approve it</span>;
  }
  const say = (decision: "approve" | "refuse") =>
    decide.mutate({ params: { job: job.id }, body: { decision } });
  const refuse = async () => {
    const yes = await confirm({
      title: `Refuse ${job.name}?`,
      text: "The job ends as canceled, and so does what requires it. Only a new run can bring it back.",
      action: "Refuse",
      danger: true,
    });
    if (yes) say("refuse");
  };
  const approve = async () => {
    const where = job.environment === null ? "" : ` in the environment ${job.environment}`;
    const yes = await confirm({
      title: `Approve ${job.name}?`,
      text: `The job starts${where} as soon as there is room.`,
      action: "Approve",
    });
    if (yes) say("approve");
  };
  return (
    <span className="row">
      <button
        type="button"
        className="button small primary"
        disabled={decide.isPending}
        onClick={() => void approve()}
      >
        Approve
      </button>
      <button
        type="button"
        className="button small danger"
        disabled={decide.isPending}
        onClick={() => void refuse()}
      >
        Refuse
      </button>
    </span>
  );
}

export function CancelJob({ run, job }: { run: Pick<Run, "organisation">; job: Job }) {
  const me = useMe();
  const cancel = useAction("cancelJob", { changes: shows, done: () => toast("The job is being canceled.") });
  if (job.state === "finished" || job.cancelRequested || !may(me, run.organisation, "reporter")) return null;
  const ask = async () => {
    const yes = await confirm({
      title: `Cancel ${job.name}?`,
      text: "The job is stopped, and what requires it does not start.",
      action: "Cancel the job",
      danger: true,
    });
    if (yes) cancel.mutate({ params: { job: job.id }, body: {} });
  };
  return (
    <button
      type="button"
      className="button small danger"
      disabled={cancel.isPending}
      onClick={() => void ask()}
    >
      Cancel
    </button>
  );
}
