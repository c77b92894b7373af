// The typed client of the api, as this browser uses it: the cookie says who calls, and calls that change something repeat a
// value that only our own pages can read.

import { type CallOf, type Calls, createClient } from "../../../src/client/client.ts";
import type { AnswerOf } from "../../../src/endpoints/endpoint.ts";
import type { Endpoints } from "../../../src/endpoints/table.ts";

export { ApiProblem, SlipwayError } from "../../../src/client/client.ts";

let csrf: string | undefined;

/** Of the session that `whoAmI` or `signIn` has told of; null forgets it. */
export function rememberCsrf(value: string | null): void {
  csrf = value ?? undefined;
}

export const api = createClient({ url: location.origin, csrf: () => csrf });

export type EndpointId = keyof Calls;
export type Answer<K extends EndpointId> = AnswerOf<Endpoints[K]>;
export type Call<K extends EndpointId> = CallOf<Endpoints[K]>;
/** An item of a list. */
export type Item<K extends EndpointId> = Answer<K> extends { items: (infer T)[] } ? T : never;

export type Run = Answer<"getRun">;
export type RunSummary = Item<"listRuns">;
export type Job = Run["jobs"][number];
export type Attempt = Job["attempts"][number];
export type Project = Item<"listProjects">;
