// What the endpoints of projects, variables, schedules and classes work with.

import type { Clock } from "../../../lib/clock.ts";
import type { Database } from "../../../store/database.ts";
import type { SecretBox } from "../../../store/secret-box.ts";

export interface ProjectDependencies {
  db: Database;
  box: SecretBox;
  clock: Clock;
  /** The server's address as people reach it, without a slash at the end. */
  baseUrl: string;
  /** Whether repositories may be directories of the server's own machine. */
  allowFileRepositories: boolean;
  /** Days that the server keeps finished runs. */
  runDays: number;
}
