// What tells open pages that something they show has changed: ids only, the rest is asked for.

import { z } from "zod";
import { endpoint } from "./endpoint.ts";

/**
 * Server-sent events without an end, made for one connection a browser: first `hello`, then `changed` with
 * `{"all"?,"runs":[{"id","organisation","project"}],"said":[run],"logs":[attempt],"queue"?}`, at most four a second. `all`: something has
 * changed, and nobody knows what. `said`: runners of these runs have said something. `logs`: of the attempts that were asked
 * for, those whose log has grown. They carry no truth: whoever has been away, also for the moment that the server takes to end a stream
 * now and then, looks at all that it shows.
 */
export const followChanges = endpoint({
  id: "followChanges",
  method: "GET",
  path: "/changes",
  tag: "runs",
  summary: "What changes of all that the caller may see, as server-sent events with ids only",
  access: { to: "anyone" },
  params: z.strictObject({}),
  query: z.strictObject({
    /** Attempts whose logs are followed, with commas between. */
    logs: z
      .string()
      .max(25 * 100)
      .regex(/^([0-9a-f]{24}(,|$))*$/, "ids of attempts with commas between")
      .optional(),
  }),
  body: z.undefined(),
  answer: z.undefined(),
  streams: { answer: "text/event-stream" },
});
