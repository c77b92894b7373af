// A server with another key than the one that the database's values were sealed with would fail at each job; it says so at
// its start instead.

import { SlipwayError } from "../../core/failure.ts";
import type { Queryable } from "../../store/database.ts";
import type { SecretBox } from "../../store/secret-box.ts";

/** Opens the first and the last of the values that every project has. Throws SlipwayError `secret-key-missing`. */
export async function checkKeys(db: Queryable, box: SecretBox, keyFile: string): Promise<void> {
  const rows = await db.query<{ sealed: Uint8Array }>(
    `(select webhook_secret as sealed from projects order by id limit 1)
     union all (select webhook_secret from projects order by id desc limit 1)`,
  );
  for (const { sealed } of rows) {
    try {
      box.open(sealed);
    } catch (cause) {
      if (!(cause instanceof SlipwayError)) throw cause;
      // One damaged value is no reason to keep everyone from their work: whoever needs it is told.
      if (cause.code !== "secret-key-missing") continue;
      throw new SlipwayError("secret-key-missing", `${cause.message}, which this server does not have`, {
        cause,
        hint: `bring the key back: in SLIPWAY_SECRET_KEY (older keys behind the newest, separated by commas), or as ${keyFile}`,
      });
    }
  }
}
