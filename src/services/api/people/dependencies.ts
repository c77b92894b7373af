// What the endpoints of people, organisations and tokens work with.

import type { SessionCookies } from "../../../auth/sessions.ts";
import type { RateLimit } from "../../../http/rate-limit.ts";
import type { Database } from "../../../store/database.ts";

export interface PeopleDependencies {
  db: Database;
  cookies: SessionCookies;
  /** Guesses of passwords, by name and by address. */
  guesses: RateLimit;
}
