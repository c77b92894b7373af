// Who changed what. The row is written in the transaction of the change, so that neither is there without the other.

import type { Queryable } from "./database.ts";

export interface AuditEntry {
  organisationId?: number;
  projectId?: number;
  actor: string;
  /** `project.created`, `variable.set`, ... */
  action: string;
  /** What was changed, by its name. Never a value of a variable. */
  subject: string;
  details?: Record<string, unknown>;
}

export async function audit(tx: Queryable, entry: AuditEntry): Promise<void> {
  await tx.query(
    "insert into audit_log (organisation_id, project_id, actor, action, subject, details) values ($1, $2, $3, $4, $5, $6)",
    [
      entry.organisationId ?? null,
      entry.projectId ?? null,
      entry.actor,
      entry.action,
      entry.subject,
      entry.details ?? {},
    ],
  );
}
