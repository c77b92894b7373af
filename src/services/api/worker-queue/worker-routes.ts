// The queue over HTTP, for workers. A worker's token says which classes may be served with it; the ids of workers belong
// to the token that registered them; and only who holds an attempt says what becomes of it.

import {
  workerAdopt,
  workerCalls,
  workerClaim,
  workerLaunched,
  workerLeave,
  workerLost,
  workerNote,
  workerRenew,
} from "../../../endpoints/queue.ts";
import { forbidden } from "../../../http/problem.ts";
import { type Principal, type Route, route } from "../../../http/route.ts";
import type { PostgresQueue } from "../../../queue/postgres/postgres-queue.ts";
import type { AttemptCalls, Claim } from "../../../queue/queue.ts";
import { rememberLaunchers } from "./remember-launchers.ts";
import { type ResolverOptions, resolveContainers } from "./resolve-containers.ts";

export interface WorkerRoutesOptions {
  queue: PostgresQueue;
  /** For workers that launch Pods; without it their claims say nothing of containers. */
  containers?: ResolverOptions;
}

/** The routes under `/worker/`. They have nothing of their own to close: a claim that waits ends with its call. */
export function workerRoutes({ queue, containers }: WorkerRoutesOptions): Route[] {
  const launchers = containers === undefined ? undefined : rememberLaunchers(containers.db);
  /** What a worker in a cluster needs on top; a job that cannot be handed out ends here. */
  const resolved = async <T extends Claim>(workerId: string, claims: T[]): Promise<T[]> => {
    if (containers === undefined || claims.length === 0 || !(await launchers?.isKubernetes(workerId))) {
      return claims;
    }
    const { broken } = await resolveContainers(containers, claims);
    for (const { claim, end } of broken) await queue.lost(claim.attemptId, claim.epoch, end, workerId);
    return claims.filter(claim => !broken.some(each => each.claim === claim));
  };
  /** Throws 403 for a worker of another token. One that nobody knows gets nothing anyway. */
  const own = async (workerId: string, principal: Principal): Promise<void> => {
    if (await queue.isForeign(workerId, tokenOf(principal).tokenId)) throw foreign(workerId);
  };
  return [
    route(workerRenew, async ({ body: { worker, held }, principal }) => {
      const token = tokenOf(principal);
      const more = worker.classes.filter(each => !token.classes.includes(each));
      if (more.length > 0) {
        throw forbidden(
          `the token serves ${token.classes.join(", ") || "no class"}, not ${more.join(", ")}`,
          "give the worker fewer classes, or make a token for these",
        );
      }
      const attempts = await queue.renewAs(token.tokenId, worker, held);
      if (attempts === "foreign") throw foreign(worker.id);
      launchers?.note(worker.id, worker.labels);
      return { attempts };
    }),
    route(workerClaim, async ({ body: { workerId, count, waitMs }, principal, signal }) => {
      await own(workerId, principal);
      const claims = await queue.claim(workerId, count, waitMs, signal);
      const whole = signal.aborted ? claims : await resolved(workerId, claims);
      if (!signal.aborted || whole.length === 0) return { claims: whole.map(asBody) };
      // Nobody is there to take them.
      await queue.giveBack(whole);
      return { claims: [] };
    }),
    route(workerLaunched, async ({ body: { workerId, attemptId, epoch, launcherRef }, principal }) => {
      await own(workerId, principal);
      return { answer: await queue.launched(attemptId, epoch, launcherRef, workerId) };
    }),
    route(workerLost, async ({ body: { workerId, attemptId, epoch, end }, principal }) => {
      await own(workerId, principal);
      return { answer: await queue.lost(attemptId, epoch, end, workerId) };
    }),
    route(workerNote, async ({ body: { workerId, notes }, principal }) => {
      await own(workerId, principal);
      await queue.note(notes, workerId);
      return undefined;
    }),
    route(workerCalls, async ({ body: { workerId, spent }, principal }) => {
      await own(workerId, principal);
      await queue.countCalls(workerId, spent as AttemptCalls[]);
      return undefined;
    }),
    route(workerAdopt, async ({ body: { workerId, count }, principal }) => {
      await own(workerId, principal);
      const claims = await resolved(workerId, await queue.adopt(workerId, count));
      return { claims: claims.map(claim => ({ ...asBody(claim), launcherRef: claim.launcherRef })) };
    }),
    route(workerLeave, async ({ body: { workerId }, principal }) => {
      await own(workerId, principal);
      await queue.leave(workerId);
      return undefined;
    }),
  ];
}

function tokenOf(principal: Principal): { tokenId: number; classes: string[] } {
  if (principal.kind === "worker") return principal;
  throw forbidden("only a worker's token may do this");
}

function foreign(workerId: string) {
  return forbidden(
    `the worker ${workerId} was registered with another token`,
    "choose another id for this worker",
  );
}

function asBody(claim: Claim) {
  return { ...claim, classSettings: { ...claim.classSettings } };
}
