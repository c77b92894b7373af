// What a handler of an endpoint is handed and what it may answer. `router.ts` calls it; services write it.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { AnswerOf, BodyOf, Endpoint, ParamsOf, QueryOf, Role } from "../endpoints/endpoint.ts";

/** Who calls, proven. */
export type Principal =
  | {
      kind: "user";
      userId: number;
      name: string;
      admin: boolean;
      /** The most that the token allows in any organisation; absent with a session or an unlimited token. */
      atMost?: Role;
      /** Of the token that was shown; absent with a session. */
      tokenId?: number;
    }
  | { kind: "project"; tokenId: number; projectId: number; name: string; role: Role }
  | { kind: "worker"; tokenId: number; name: string; classes: string[] }
  | { kind: "anonymous" };

/** What the path of a call names, looked up while access was decided. */
export interface Named {
  organisation?: { id: number; name: string };
  project?: { id: number; name: string; organisationId: number };
  run?: { id: string };
  job?: { id: string };
  /** The caller's role there. */
  role?: Role;
}

export interface Call<E extends Endpoint> {
  params: ParamsOf<E>;
  query: QueryOf<E>;
  body: BodyOf<E>;
  principal: Principal;
  /** Filled as the endpoint's `access` says. */
  named: Named;
  request: IncomingMessage;
  /** Only for endpoints with `streams.answer`; whoever has written to it answers `undefined`. */
  response: ServerResponse;
  /** Aborted when the caller hangs up or the server stops. */
  signal: AbortSignal;
}

export interface Route {
  endpoint: Endpoint;
  handle(call: Call<Endpoint>): Promise<unknown>;
}

/** A route with its types checked. What is thrown as a `Problem` is the answer; anything else is a 500 without details. */
export function route<E extends Endpoint>(
  endpoint: E,
  handle: (call: Call<E>) => Promise<AnswerOf<E>>,
): Route {
  return { endpoint, handle: handle as unknown as Route["handle"] };
}
