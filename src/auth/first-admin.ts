// The first start makes an administrator, who owns the first organisation, and a token for them.

import type { Database } from "../store/database.ts";
import { createToken } from "./tokens.ts";

export interface FirstAdmin {
  name: string;
  organisation: string;
  /** Told this once. */
  token: string;
}

/** Undefined where there is anybody already. Several that start together make one. */
export function createFirstAdmin(db: Database): Promise<FirstAdmin | undefined> {
  return db.transact(async tx => {
    await tx.query("lock table users in share row exclusive mode");
    const [anybody] = await tx.query("select 1 from users limit 1");
    if (anybody !== undefined) return undefined;
    const [user] = await tx.query<{ id: number }>(
      "insert into users (name, admin) values ('admin', true) returning id",
    );
    const [organisation] = await tx.query<{ id: number }>(
      "insert into organisations (name) values ('main') returning id",
    );
    await tx.query("insert into memberships (organisation_id, user_id, role) values ($1, $2, 'owner')", [
      organisation!.id,
      user!.id,
    ]);
    await tx.query("insert into classes (name) values ('default') on conflict do nothing");
    const { secret } = await createToken(tx, { kind: "personal", name: "first start", userId: user!.id });
    return { name: "admin", organisation: "main", token: secret };
  });
}
