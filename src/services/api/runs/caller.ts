// Who calls, as runs and messages name them.

import { forbidden } from "../../../http/problem.ts";
import type { Named, Principal } from "../../../http/route.ts";

/** A user's name, or the token's where a project calls for itself. It stands in `runs.person`. */
export function personOf(principal: Principal): string {
  if (principal.kind === "user") return principal.name;
  if (principal.kind === "project") return `token ${principal.name}`;
  throw forbidden("this needs a person or a project's token");
}

/** The same caller, whatever its name is by now. */
export function callerKey(principal: Principal): string {
  if (principal.kind === "user") return `user:${principal.userId}`;
  if (principal.kind === "project") return `token:${principal.tokenId}`;
  throw forbidden("this needs a person or a project's token");
}

/** Whether the caller may let protected values meet a source that nobody else has seen. */
export function isMaintainer({ role }: Named): boolean {
  return role === "maintainer" || role === "owner";
}
