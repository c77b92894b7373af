// What the file system says, as an error that tells what was tried, where, and what to do about it.

import { SlipwayError } from "../core/failure.ts";

const hints: Record<string, string> = {
  ENOSPC: "the disk is full: free some space, or choose another directory",
  EDQUOT: "the quota of the disk is used up: free some space, or choose another directory",
  EACCES: "make it accessible for the user that runs this",
  EPERM: "make it accessible for the user that runs this",
  EROFS: "the file system is read-only: choose another directory",
  EMFILE: "too many files are open: raise the limit (ulimit -n)",
  ENAMETOOLONG: "the path is too long for this system",
};

/**
 * Our own failure for a file operation that did not work: `action` and `path` complete "cannot ...". The code is
 * `no-space` where the disk is full, else `file-access`. A SlipwayError is returned as it is.
 */
export function fsFailure(action: string, path: string, error: unknown): SlipwayError {
  if (error instanceof SlipwayError) return error;
  const code = codeOf(error);
  const hint = hints[code];
  return new SlipwayError(
    code === "ENOSPC" || code === "EDQUOT" ? "no-space" : "file-access",
    `cannot ${action} ${path}: ${reasonOf(error)}`,
    hint === undefined ? { cause: error } : { cause: error, hint },
  );
}

/** Whether something is not there, or not in the shape in which it was a moment ago. */
export function isGone(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR", "ELOOP", "EINVAL", "ENXIO"].includes(codeOf(error));
}

/** `ENOENT` and the like; empty for what is no system error. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

function reasonOf(error: unknown): string {
  // "ENOSPC: no space left on device, write" -> "no space left on device"
  const text = error instanceof Error ? error.message : String(error);
  return /^[A-Z0-9]+: ([^,]+)/.exec(text)?.[1] ?? text;
}
