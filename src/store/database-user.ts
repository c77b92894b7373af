// Who the database of our own runs as. PostgreSQL refuses to run as root, so there it is an unprivileged user that the
// machine has; and never the one that jobs run as, who could read all of it.

import { readFileSync } from "node:fs";

export interface DatabaseUser {
  uid: number;
  gid: number;
}

/** `nobody` comes last: jobs of the host engine run as it unless told otherwise. */
const names = ["postgres", "daemon", "bin", "nobody"];

/** Undefined where we are not root: it runs as us. */
export function databaseUser(
  passwd = readPasswd(),
  root = process.getuid?.() === 0,
): DatabaseUser | undefined {
  if (!root) return undefined;
  for (const name of names) {
    const line = passwd.split("\n").find(each => each.startsWith(`${name}:`));
    const [, , uid, gid] = line?.split(":") ?? [];
    if (/^[1-9]\d*$/.test(uid ?? "") && /^\d+$/.test(gid ?? ""))
      return { uid: Number(uid), gid: Number(gid) };
  }
  return { uid: 65_534, gid: 65_534 };
}

function readPasswd(): string {
  try {
    return readFileSync("/etc/passwd", "utf8");
  } catch {
    return "";
  }
}
