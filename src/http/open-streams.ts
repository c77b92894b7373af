// How many streams of events somebody may hold open at a service: each costs memory and a place in every look for news, for
// as long as its reader likes.

import type { ServerResponse } from "node:http";
import { Problem } from "./problem.ts";
import type { Principal } from "./route.ts";

export interface OpenStreams {
  /** Takes a place until the response closes. Throws a Problem 429 where there is none. */
  take(principal: Principal, response: ServerResponse): void;
}

/** More than a person has windows, and than most runs have jobs at a time. */
const usualMost = 100;
const retryAfter = 5;

export function countOpenStreams(most = usualMost): OpenStreams {
  const open = new Map<string, number>();
  return {
    take(principal, response) {
      const who = nameOf(principal);
      const count = open.get(who) ?? 0;
      if (count >= most) {
        throw new Problem({
          status: 429,
          code: "too-many-streams",
          title: "Too many open streams",
          detail: `${count} streams of events are open already`,
          hint: "close some, or wait until some have ended",
          retryAfter,
        });
      }
      open.set(who, count + 1);
      response.once("close", () => {
        const left = (open.get(who) ?? 1) - 1;
        if (left > 0) open.set(who, left);
        else open.delete(who);
      });
    },
  };
}

/** All tokens and sessions of a person count together. */
function nameOf(principal: Principal): string {
  if (principal.kind === "user") return `user ${principal.userId}`;
  return principal.kind === "anonymous" ? "anonymous" : `${principal.kind} ${principal.tokenId}`;
}
