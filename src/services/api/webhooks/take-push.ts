// Makes a run of a push that a webhook has told of. A delivery that was taken before is answered as it was the first time.

import { type PushBody, refName } from "../../../endpoints/webhook.ts";
import { invalid } from "../../../http/problem.ts";
import type { Clock } from "../../../lib/clock.ts";
import { type CreatedRun, createRun } from "../../../queue/postgres/create-run.ts";
import type { Database, Queryable } from "../../../store/database.ts";
import { noteHead } from "../../../store/repository-heads.ts";

export interface TakenPush {
  runs: CreatedRun[];
  /** Why there is none. */
  ignored?: string;
  /** The delivery was taken before. */
  repeated: boolean;
}

interface PushedProject {
  repository: string | null;
  polled: boolean;
}

/** May be repeated with the same delivery. Throws 422 for a ref that is none, and for a project without a repository. */
export async function takePush(
  db: Database,
  clock: Clock,
  projectId: number,
  push: PushBody,
): Promise<TakenPush> {
  const target = targetOf(push.ref);
  return db.transact(async tx => {
    const fresh = await tx.query(
      "insert into deliveries (project_id, delivery_id) values ($1, $2) on conflict do nothing returning 1",
      [projectId, push.deliveryId],
    );
    if (fresh.length === 0) return { runs: await runsOf(tx, projectId, push.deliveryId), repeated: true };
    if (target === undefined) {
      return { runs: [], ignored: `${push.ref} is neither a branch nor a tag`, repeated: false };
    }
    if (isZero(push.after)) return { runs: [], ignored: `${push.ref} is gone`, repeated: false };
    const run = await runOf(tx, clock, projectId, push, target);
    await tx.query("update deliveries set run_ids = $3 where project_id = $1 and delivery_id = $2", [
      projectId,
      push.deliveryId,
      [run.id],
    ]);
    return { runs: [run], repeated: false };
  });
}

async function runOf(
  tx: Queryable,
  clock: Clock,
  projectId: number,
  push: PushBody,
  target: { branch: string } | { tag: string },
): Promise<CreatedRun> {
  const [project] = await tx.query<PushedProject>(
    `select repository, poll_seconds is not null as polled from projects where id = $1 for no key update`,
    [projectId],
  );
  if (project?.repository == null) {
    throw invalid(
      "no-repository",
      "the project has no repository that the commit could be fetched from",
      "set it with `slipway projects set --repository`",
    );
  }
  // Where somebody looks at the repository, too, whoever comes first makes the run.
  if (
    project.polled &&
    (await noteHead(tx, projectId, project.repository, push.ref, push.after)) === "known"
  ) {
    const [run] = await tx.query<CreatedRun>(
      `select id, number from runs where project_id = $1 and commit_id = $2 and event = 'push'
         and branch is not distinct from $3 and tag is not distinct from $4 and created_at > now() - interval '1 hour'
       order by id desc limit 1`,
      [projectId, push.after, "branch" in target ? target.branch : null, "tag" in target ? target.tag : null],
    );
    if (run !== undefined) return run;
  }
  return createRun(
    tx,
    {
      projectId,
      event: "push",
      ...target,
      commit: push.after,
      trusted: true,
      ...(push.message === undefined ? {} : { message: push.message }),
      ...(push.pusher === undefined ? {} : { person: push.pusher }),
    },
    clock,
  );
}

async function runsOf(tx: Queryable, projectId: number, deliveryId: string): Promise<CreatedRun[]> {
  return tx.query<CreatedRun>(
    `select runs.id, runs.number from deliveries join runs on runs.id = any(run_ids)
     where deliveries.project_id = $1 and delivery_id = $2 order by runs.id`,
    [projectId, deliveryId],
  );
}

/** Undefined for what is no branch and no tag. Throws 422 for a name that git would not take. */
export function targetOf(ref: string): { branch: string } | { tag: string } | undefined {
  const [, kind, name = ""] = /^refs\/(heads|tags)\/(.*)$/s.exec(ref) ?? [];
  if (kind === undefined) {
    if (/^refs\/[^\p{Cc}\s]+$/u.test(ref)) return undefined;
    throw badRef(ref);
  }
  if (!refName.safeParse(name).success || /\.\.|^[-./]|[./]$|\/\/|@\{/.test(name)) throw badRef(ref);
  return kind === "heads" ? { branch: name } : { tag: name };
}

function badRef(ref: string) {
  return invalid(
    "ref",
    `${JSON.stringify(ref.slice(0, 100))} is no name of a branch or tag`,
    "tell it in full, such as refs/heads/main",
  );
}

function isZero(commit: string): boolean {
  return /^0+$/.test(commit);
}
