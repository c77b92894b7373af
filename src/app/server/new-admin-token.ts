// `slipway server --admin-token`: another token of an administrator, for whoever has the server's settings and has lost
// theirs. It goes beside a server that runs.

import { createToken } from "../../auth/tokens.ts";
import { SlipwayError } from "../../core/failure.ts";
import { audit } from "../../store/audit.ts";
import { type Database, openDatabase } from "../../store/database.ts";
import { migrate } from "../../store/migrate.ts";
import { openPlace } from "./back-up.ts";
import type { ServerSettings } from "./settings.ts";

export interface AdminToken {
  name: string;
  /** Told this once. */
  token: string;
}

const days = 30;

/** Throws SlipwayError `no-administrator` where the server has never been started with the role api. */
export async function newAdminToken(input: {
  settings: ServerSettings;
  say(text: string): void;
}): Promise<AdminToken> {
  await using stack = new AsyncDisposableStack();
  const { databaseUrl } = await openPlace(input, stack);
  const db = stack.use(openDatabase({ url: databaseUrl, connections: 2 }));
  await migrate(db);
  return await makeToken(db);
}

/** Of the first administrator who may sign in, for 30 days. It is audited. */
export function makeToken(db: Database): Promise<AdminToken> {
  return db.transact(async tx => {
    const [user] = await tx.query<{ id: number; name: string }>(
      "select id, name from users where admin and not disabled order by id limit 1",
    );
    if (user === undefined) {
      throw new SlipwayError("no-administrator", "there is no administrator yet", {
        hint: "start the server with the role api: its first start makes one",
      });
    }
    const name = "server --admin-token";
    const { secret } = await createToken(tx, { kind: "personal", name, userId: user.id, days });
    await audit(tx, { actor: "server", action: "token.created", subject: `${user.name}: ${name}` });
    return { name: user.name, token: secret };
  });
}
