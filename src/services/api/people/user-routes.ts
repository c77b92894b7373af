// Accounts, by administrators.

import * as endpoints from "../../../endpoints/people.ts";
import { conflict, notFound } from "../../../http/problem.ts";
import { type Route, route } from "../../../http/route.ts";
import { audit } from "../../../store/audit.ts";
import { pageFrom } from "../page.ts";
import type { PeopleDependencies } from "./dependencies.ts";
import { userOf } from "./session-routes.ts";

interface UserRow {
  name: string;
  admin: boolean;
  disabled: boolean;
  created_at: Date;
}

const columns = "name, admin, disabled, created_at";

function shown({ created_at, ...row }: UserRow) {
  return { ...row, createdAt: created_at.toISOString() };
}

export function userRoutes({ db, passwords }: PeopleDependencies): Route[] {
  return [
    route(endpoints.listUsers, async ({ query: { after = "", limit } }) => {
      const rows = await db.query<UserRow>(
        `select ${columns} from users where name > $1 order by name limit $2`,
        [after, limit + 1],
      );
      return pageFrom(rows, limit, shown, row => row.name);
    }),
    route(endpoints.createUser, async ({ body, principal }) => {
      const hash = body.password === undefined ? null : await passwords.hash(body.password);
      return db.transact(async tx => {
        const [row] = await tx.query<UserRow>(
          `insert into users (name, password_hash, admin) values ($1, $2, $3) on conflict do nothing returning ${columns}`,
          [body.name, hash, body.admin],
        );
        if (row === undefined) throw conflict("user-exists", `there is a user "${body.name}" already`);
        await audit(tx, {
          actor: userOf(principal).name,
          action: "user.created",
          subject: body.name,
          details: { admin: body.admin },
        });
        return shown(row);
      });
    }),
    route(endpoints.changeUser, async ({ params, body, principal }) => {
      const hash = body.password === undefined ? null : await passwords.hash(body.password);
      return db.transact(async tx => {
        // Two who take each other's rights away must not both count on the other.
        await tx.query("lock table users in share row exclusive mode");
        const [row] = await tx.query<UserRow>(
          `update users set admin = coalesce($2, admin), disabled = coalesce($3, disabled),
             password_hash = coalesce($4, password_hash) where name = $1 returning ${columns}`,
          [params.user, body.admin ?? null, body.disabled ?? null, hash],
        );
        if (row === undefined) throw notFound(`there is no user "${params.user}"`);
        const [left] = await tx.query("select 1 from users where admin and not disabled limit 1");
        if (left === undefined) throw conflict("last-admin", "one administrator has to stay");
        if (body.disabled === true || hash !== null) {
          await tx.query("delete from sessions using users where users.id = user_id and users.name = $1", [
            params.user,
          ]);
        }
        const { password: _, ...details } = body;
        await audit(tx, {
          actor: userOf(principal).name,
          action: "user.changed",
          subject: params.user,
          details,
        });
        return shown(row);
      });
    }),
  ];
}
