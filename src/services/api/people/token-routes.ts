// Tokens: of people, of projects, of workers. A token is shown when it is made and never again.

import { createToken, type NewToken, type TokenKind, type TokenRow } from "../../../auth/tokens.ts";
import * as endpoints from "../../../endpoints/tokens.ts";
import { notFound } from "../../../http/problem.ts";
import { type Route, route } from "../../../http/route.ts";
import { audit } from "../../../store/audit.ts";
import type { Database } from "../../../store/database.ts";
import { afterNumber, pageFrom } from "../page.ts";
import { personOf } from "../runs/caller.ts";
import type { PeopleDependencies } from "./dependencies.ts";
import { unlimited, userOf } from "./session-routes.ts";

function shown(row: TokenRow) {
  const { id, kind, name, role, classes } = row;
  const time = (date: Date | null) => date?.toISOString() ?? null;
  return {
    ...{ id, kind, name, role, classes, expiresAt: time(row.expires_at), lastUsedAt: time(row.last_used_at) },
    createdAt: row.created_at.toISOString(),
  };
}

/** Whose tokens: `user_id`, `project_id`, or none for workers. */
interface Owner {
  kind: TokenKind;
  userId?: number;
  projectId?: number;
  organisationId?: number;
}

const ofOwner = "kind = $1 and user_id is not distinct from $2 and project_id is not distinct from $3";
const ownerValues = ({ kind, userId, projectId }: Owner) => [kind, userId ?? null, projectId ?? null];

async function list(
  db: Database,
  owner: Owner,
  { after, limit }: { after?: string | undefined; limit: number },
) {
  const rows = await db.query<TokenRow>(
    `select id, kind, name, role, classes, expires_at, last_used_at, created_at from tokens
     where ${ofOwner} and id > $4 order by id limit $5`,
    [...ownerValues(owner), afterNumber(after), limit + 1],
  );
  return pageFrom(rows, limit, shown, row => String(row.id));
}

async function make(db: Database, owner: Owner, actor: string, token: Omit<NewToken, "kind">) {
  return db.transact(async tx => {
    const { row, secret } = await createToken(tx, { ...token, ...owner });
    await audit(tx, {
      ...placeOf(owner),
      actor,
      action: `token.${owner.kind}.created`,
      subject: token.name,
      details: { id: row.id },
    });
    return { ...shown(row), secret };
  });
}

async function revoke(db: Database, owner: Owner, actor: string, id: number): Promise<undefined> {
  return db.transact(async tx => {
    const [row] = await tx.query<{ name: string }>(
      `delete from tokens where ${ofOwner} and id = $4 returning name`,
      [...ownerValues(owner), id],
    );
    if (row === undefined) throw notFound(`there is no token ${id} here`);
    await audit(tx, {
      ...placeOf(owner),
      actor,
      action: `token.${owner.kind}.revoked`,
      subject: row.name,
      details: { id },
    });
    return undefined;
  });
}

function placeOf({ projectId, organisationId }: Owner) {
  return {
    ...(projectId === undefined ? {} : { projectId }),
    ...(organisationId === undefined ? {} : { organisationId }),
  };
}

const lasting = (days: number | null) => (days === null ? {} : { days });

export function tokenRoutes({ db }: PeopleDependencies): Route[] {
  const mine = (userId: number): Owner => ({ kind: "personal", userId });
  const ofProject = (project: { id: number; organisationId: number }): Owner => ({
    kind: "project",
    projectId: project.id,
    organisationId: project.organisationId,
  });
  const ofWorkers: Owner = { kind: "worker" };
  return [
    route(endpoints.listTokens, ({ query, principal }) => list(db, mine(userOf(principal).userId), query)),
    route(endpoints.createToken, ({ body, principal }) => {
      const user = unlimited(principal);
      const role = body.role === null ? {} : { role: body.role };
      return make(db, mine(user.userId), user.name, { name: body.name, ...role, ...lasting(body.days) });
    }),
    route(endpoints.revokeToken, ({ params, principal }) => {
      const user = userOf(principal);
      // A token may always end itself.
      if (params.token !== user.tokenId) unlimited(principal);
      return revoke(db, mine(user.userId), user.name, params.token);
    }),
    route(endpoints.listProjectTokens, ({ named, query }) => list(db, ofProject(named.project!), query)),
    route(endpoints.createProjectToken, ({ named, body, principal }) =>
      make(db, ofProject(named.project!), personOf(principal), {
        name: body.name,
        role: body.role,
        ...lasting(body.days),
      }),
    ),
    route(endpoints.revokeProjectToken, ({ named, params, principal }) =>
      revoke(db, ofProject(named.project!), personOf(principal), params.token),
    ),
    route(endpoints.listWorkerTokens, ({ query }) => list(db, ofWorkers, query)),
    route(endpoints.createWorkerToken, ({ body, principal }) =>
      make(db, ofWorkers, personOf(principal), {
        name: body.name,
        classes: body.classes,
        ...lasting(body.days),
      }),
    ),
    route(endpoints.revokeWorkerToken, ({ params, principal }) =>
      revoke(db, ofWorkers, personOf(principal), params.token),
    ),
  ];
}
