// Silence of a runner counts only while the api could have heard it. The api notes every 2 s that it can; a pause of more
// than 8 s, whoever was away, api or database, begins the time of hearing anew.

import type { Queryable } from "../../store/database.ts";

/** What the api calls every 2 s while its runner listener answers. */
export async function noteHearing(db: Queryable): Promise<void> {
  await db.query(
    `insert into hearing (since, at) values (now(), now()) on conflict (one) do update set
       since = case when hearing.at < now() - interval '8 seconds' or hearing.at > now() then now()
         else hearing.since end,
       at = now()`,
  );
}
