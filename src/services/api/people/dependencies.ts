// What the endpoints of people, organisations and tokens work with.

import type { Passwords } from "../../../auth/passwords.ts";
import type { SessionCookies } from "../../../auth/sessions.ts";
import type { CallerAddress } from "../../../http/caller-address.ts";
import type { Database } from "../../../store/database.ts";
import type { SignInLimits } from "./sign-in-limits.ts";

export interface PeopleDependencies {
  db: Database;
  cookies: SessionCookies;
  passwords: Passwords;
  guesses: SignInLimits;
  addressOf: CallerAddress;
}
