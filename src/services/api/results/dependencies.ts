// What the endpoints of results work with.

import type { Blobs } from "../../../blobs/blobs.ts";
import type { EnvEntry } from "../../../core/job.ts";
import type { Database, Queryable } from "../../../store/database.ts";
import type { SecretBox } from "../../../store/secret-box.ts";

export interface ResultDependencies {
  db: Database;
  blobs: Blobs;
  box: SecretBox;
  values: ReplayValues;
  /** Days that the server keeps finished runs. */
  runDays: number;
}

/** What organisation, project and pipeline hand to a job: the same that the runner listener asks. */
export interface ReplayValues {
  variablesFor(db: Queryable, jobId: string): Promise<{ plain: EnvEntry[]; protected: EnvEntry[] }>;
}
