// The endpoints of runs and jobs.

import { approveJob, cancelJob, getJob, listEvents } from "../../../endpoints/jobs.ts";
import {
  cancelRun,
  createRun,
  findRun,
  followRun,
  getRun,
  listRuns,
  rerun,
} from "../../../endpoints/runs.ts";
import { finishSource, sendSource, sendSourcePart } from "../../../endpoints/sources.ts";
import { notFound } from "../../../http/problem.ts";
import { type Route, route } from "../../../http/route.ts";
import type { RunDependencies } from "./dependencies.ts";
import { followRunOf } from "./follow-run.ts";
import { keepSource } from "./keep-source.ts";
import { finishUpload, keepPart } from "./keep-upload.ts";
import { eventPage, runPage } from "./list-runs.ts";
import { cancelJobOf, cancelRunOf, decideOn } from "./run-actions.ts";
import { jobDetail, runDetail, runSummaryOf } from "./run-detail.ts";
import { startAgain, startRun } from "./start-run.ts";

const mostSourceBytes = sendSource.maxBytes ?? 2 ** 31;

/** Starting, seeing, stopping and repeating runs. `deps.watch` is the caller's to close. */
export function runRoutes(deps: RunDependencies): Route[] {
  return [...seeing(deps), ...starting(deps), ...stopping(deps)];
}

function seeing({ db, watch, clock }: RunDependencies): Route[] {
  return [
    route(listRuns, ({ named, query }) => runPage(db, named.project!.id, query)),
    route(getRun, ({ params }) => runDetail(db, params.run)),
    route(findRun, async ({ params, named }) => {
      const [row] = await db.query<{ id: string }>(
        "select id from runs where project_id = $1 and number = $2",
        [named.project!.id, params.number],
      );
      if (row === undefined) {
        throw notFound(`${params.organisation}/${params.project} has no run ${params.number}`);
      }
      return runDetail(db, row.id);
    }),
    route(followRun, async ({ params, request, response, signal }) => {
      const header = request.headers["last-event-id"];
      const lastEventId = typeof header === "string" ? header : undefined;
      await followRunOf({ watch, clock }, { runId: params.run, lastEventId }, response, signal);
      return undefined;
    }),
    route(listEvents, ({ params, query }) => eventPage(db, params, query)),
    route(getJob, ({ params }) => jobDetail(db, params.job)),
  ];
}

function starting(deps: RunDependencies): Route[] {
  const { db } = deps;
  return [
    route(createRun, async ({ principal, named, body }) =>
      runSummaryOf(db, await startRun(deps, { principal, named }, body)),
    ),
    route(rerun, async ({ principal, named, params }) =>
      runSummaryOf(db, await startAgain(deps, { principal, named }, params.run)),
    ),
    route(sendSource, ({ principal, named, request, signal }) =>
      keepSource(deps, { principal, named }, request, { maxBytes: mostSourceBytes, signal }),
    ),
    route(sendSourcePart, ({ principal, named, params, request, signal }) =>
      keepPart(deps, { principal, named }, params, { request, signal }),
    ),
    route(finishSource, ({ principal, named, params, body, signal }) =>
      finishUpload(deps, { principal, named }, { ...params, ...body }, { maxBytes: mostSourceBytes, signal }),
    ),
  ];
}

function stopping(deps: RunDependencies): Route[] {
  const { db } = deps;
  return [
    route(cancelRun, async ({ principal, params, body }) => {
      await cancelRunOf(deps, params.run, principal, body.reason);
      return runSummaryOf(db, params.run);
    }),
    route(cancelJob, async ({ principal, params, body }) => {
      await cancelJobOf(deps, params.job, principal, body.reason);
      const { spec: _, ...job } = await jobDetail(db, params.job);
      return job;
    }),
    route(approveJob, async ({ principal, params, body }) => {
      await decideOn(deps, params.job, principal, body.decision);
      const { spec: _, ...job } = await jobDetail(db, params.job);
      return job;
    }),
  ];
}
