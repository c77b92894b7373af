// What listens to requests: a listener asks one handler after the other until one takes the request.

import type { IncomingMessage, ServerResponse } from "node:http";

/** Takes a request and answers it, or says false and has touched nothing. */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => Promise<boolean>;

/** Lines for those who run the platform. pino's logger fits. */
export interface HttpLog {
  debug(fields: Record<string, unknown>, message: string): void;
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
  error(fields: Record<string, unknown>, message: string): void;
}
