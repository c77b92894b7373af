// What the endpoints of runs work with.

import type { Blobs } from "../../../blobs/blobs.ts";
import type { Clock } from "../../../lib/clock.ts";
import type { Nudges } from "../../../queue/postgres/nudges.ts";
import type { Database } from "../../../store/database.ts";
import type { SecretBox } from "../../../store/secret-box.ts";
import type { RunWatch } from "./run-watch.ts";

export interface RunDependencies {
  db: Database;
  nudges: Nudges;
  blobs: Blobs;
  box: SecretBox;
  clock: Clock;
  /** Of the process: whoever follows the same run shares its looks. */
  watch: RunWatch;
  /** Random text for blob keys: letters, digits, `-` and `_`, a new one a call. */
  random(): string;
}
