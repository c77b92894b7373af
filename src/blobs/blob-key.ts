// Which keys blobs have. Checked at every adapter's edge, so that no key can leave a directory or a bucket.

import { SlipwayError } from "../core/failure.ts";

const part = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}$/;

/** The key itself. Throws `bad-blob-key`: keys are made by us, a wrong one is our fault. */
export function checkedKey(key: string): string {
  const parts = key.split("/");
  if (key.length <= 800 && parts.every(each => part.test(each))) return key;
  throw new SlipwayError("bad-blob-key", `${JSON.stringify(key.slice(0, 100))} is no key of a blob`);
}
