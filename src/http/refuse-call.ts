// Answers a call whose handler has thrown. A Problem is told as it is; of anything else the caller learns a number, and the
// log the rest.

import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { messageOf } from "../core/failure.ts";
import { conflict, Problem, problem } from "./problem.ts";
import type { RouterOptions } from "./router.ts";
import { writeProblem } from "./write-answer.ts";

/** `about` stands in the line of the log. */
export function refuseCall(
  options: Pick<RouterOptions, "log" | "isAway" | "isOvertaken" | "clock">,
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
  about: Record<string, unknown>,
): void {
  if (response.destroyed || (request.destroyed && !request.complete)) {
    // Nobody reads it. What was thrown comes of the hanging up, as a rule.
    options.log.debug({ ...about, error: messageOf(error) }, "a caller hung up");
    response.destroy();
    return;
  }
  const { details } = error instanceof Problem ? error : told(options, error, about);
  if (response.headersSent) {
    // Half an answer must not look like a whole one.
    response.destroy();
    return;
  }
  writeProblem(request, response, details, options.clock);
}

/** Writes it to the log, and makes of it what the caller may know. */
function told(
  { log, isAway, isOvertaken }: Parameters<typeof refuseCall>[0],
  error: unknown,
  about: Record<string, unknown>,
): Problem {
  const id = randomUUID();
  const fields = { id, ...about, error: messageOf(error) };
  if (isAway?.(error) === true) {
    log.error(fields, "something we need is away");
    return new Problem({
      ...{ status: 503, code: "away", title: "Not available", hint: "try again in a moment", retryAfter: 2 },
      detail: `database or store do not answer; the log has more under ${id}`,
    });
  }
  if (isOvertaken?.(error) === true) {
    log.warn(fields, "a call was overtaken by another one");
    return conflict(
      "overtaken",
      "something else was faster: what this call needs was changed or removed meanwhile",
      "look again, and try again",
    );
  }
  log.error({ ...fields, stack: error instanceof Error ? error.stack : undefined }, "a call failed");
  return problem(
    ...([500, "internal", "Our failure"] as const),
    `the server could not do it; its log has more under ${id}`,
    "try again; tell whoever runs this server when it stays",
  );
}
