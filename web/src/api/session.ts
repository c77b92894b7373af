// Who uses this browser, and what they may do.

import { type QueryClient, useQuery, useQueryClient } from "@tanstack/react-query";
import { reopenStream } from "../live/connect.ts";
import { type Answer, ApiProblem, api, rememberCsrf } from "./client.ts";

export type Person = Answer<"whoAmI">;
export type Role = Person["organisations"][number]["role"];

const order: Role[] = ["owner", "maintainer", "reporter", "reader"];

/** Undefined until it is known, null for somebody who has not signed in. */
export function useMe(): Person | null | undefined {
  const { data } = useQuery({ ...me, retry: 3 });
  return data;
}

/** Asked before anything is drawn: nearly every page waits for it. */
export function askWhoIAm(queries: QueryClient): void {
  void queries.prefetchQuery(me);
}

const me = { queryKey: ["me"], queryFn: fetchMe, staleTime: 60_000 };

async function fetchMe(): Promise<Person | null> {
  try {
    const me = await api.whoAmI({});
    rememberCsrf(me.csrf);
    return me;
  } catch (error) {
    if (error instanceof ApiProblem && error.status === 401) return null;
    throw error;
  }
}

/** The role in an organisation; undefined for strangers to it. Administrators may do all that owners may. */
export function roleIn(me: Person | null | undefined, organisation: string): Role | undefined {
  if (me?.admin) return "owner";
  return me?.organisations.find(each => each.name === organisation)?.role;
}

/** Whether a role is at least another one. Use it to leave out what the server would refuse. */
export function may(me: Person | null | undefined, organisation: string, needed: Role): boolean {
  const role = roleIn(me, organisation);
  return role !== undefined && order.indexOf(role) <= order.indexOf(needed);
}

/** Between the pages of this browser: somebody has signed in or out. */
const channel = typeof BroadcastChannel === "undefined" ? undefined : new BroadcastChannel("slipway-session");

/** What a person saw is gone from all pages when they sign out in one. */
export function hearOtherPages(queries: QueryClient): void {
  if (channel === undefined) return;
  channel.onmessage = () => {
    queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== "me" });
    void queries.invalidateQueries();
  };
}

export function sessionMayBeOver(error: unknown): boolean {
  return error instanceof ApiProblem && (error.code === "sign-in" || error.code === "csrf");
}

/** Signing in and out: what was shown to one person is forgotten before another one sees the page. */
export function useSession() {
  const queries = useQueryClient();
  const become = (me: Person | null) => {
    rememberCsrf(me?.csrf ?? null);
    queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== "me" });
    queries.setQueryData(["me"], me);
    channel?.postMessage("changed");
    reopenStream();
  };
  return {
    signIn: async (name: string, password: string) => become(await api.signIn({ body: { name, password } })),
    signInWithToken: async (token: string) => become(await api.signInWithToken({ body: { token } })),
    signOut: async () => {
      await api.signOut({});
      become(null);
    },
  };
}
