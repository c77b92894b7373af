// What a git host tells about a push: the body of `POST /hooks/ORGANISATION/PROJECT`. It is signed as a whole.

import { z } from "zod";
import { branch, shortText, storableText } from "./values.ts";

const commit = z.string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/, "a commit's whole id, or zeros");

export const pushBody = z.strictObject({
  /** In full: `refs/heads/main`, `refs/tags/v1`. */
  ref: z.string().min(1).max(512),
  /** Zeros where the ref is new. */
  before: commit,
  /** Zeros where the ref is gone. */
  after: commit,
  pusher: shortText.optional(),
  message: storableText(4096).optional(),
  /** The same push told again has the same id. */
  deliveryId: z.string().regex(/^[A-Za-z0-9._:-]{1,200}$/, "1 to 200 letters, digits, `.`, `_`, `:` and `-`"),
});
export type PushBody = z.output<typeof pushBody>;

/** Names of branches and tags alike. */
export const refName = branch;
