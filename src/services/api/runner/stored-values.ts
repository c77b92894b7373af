// What organisation, project and pipeline hand to a job, out of the tables, opened.

import type { GitCredential } from "../../../endpoints/runner.ts";
import type { SecretBox } from "../../../store/secret-box.ts";
import { variablesFor } from "../../../store/variables.ts";
import type { JobValues } from "./dependencies.ts";

/** Throws SlipwayError of the box where a value cannot be opened. */
export function storedValues(box: SecretBox): JobValues {
  return {
    variablesFor: (db, jobId) => variablesFor(db, box, jobId),
    async credentialOf(db, projectId) {
      const [row] = await db.query<{ credential: Buffer | null }>(
        "select credential from projects where id = $1",
        [projectId],
      );
      if (!row?.credential) return undefined;
      return credentialFrom(Buffer.from(box.open(row.credential)).toString("utf8"));
    },
  };
}

/** `user:token`, a token alone, or a private key. */
export function credentialFrom(text: string): GitCredential {
  if (text.includes("PRIVATE KEY-----")) return { kind: "ssh-key", privateKey: text };
  const colon = text.indexOf(":");
  // Hosts that take a token alone take it with any name.
  if (colon === -1) return { kind: "password", username: "git", password: text };
  return { kind: "password", username: text.slice(0, colon), password: text.slice(colon + 1) };
}
