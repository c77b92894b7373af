// Which answers a change makes stale. What nobody shows is only marked; what is shown is asked for again, each query at most
// once a second.

import type { Query, QueryClient } from "@tanstack/react-query";
import type { EndpointId } from "../api/client.ts";
import type { LiveMeta } from "../api/use-api.ts";
import { onChanges } from "./connect.ts";
import type { Changes } from "./hub.ts";

type Rule = (changes: Changes, meta: LiveMeta, data: unknown) => boolean;

const itsRun: Rule = ({ runs, said }, { call, run }, data) => {
  const known = data as { id?: string; runId?: string } | undefined;
  const id = run ?? call.params?.run ?? known?.runId ?? known?.id;
  return runs.some(each => each.id === id) || said.some(each => each === id);
};
const itsProject: Rule = ({ runs }, { call }) =>
  runs.some(each => each.organisation === call.params?.organisation && each.project === call.params?.project);
const anyRun: Rule = ({ runs }) => runs.length > 0;

/** Endpoints that are not named change only by what people do, and are asked for again by whoever did it. */
const rules: Partial<Record<EndpointId, Rule>> = {
  getRun: itsRun,
  findRun: itsRun,
  getJob: itsRun,
  listEvents: itsRun,
  listArtifacts: itsRun,
  listTests: itsRun,
  listRuns: itsProject,
  getProject: itsProject,
  listProjects: anyRun,
  listQueue: ({ queue }) => queue === true,
};

/** Makes an endpoint live; for pages with endpoints of their own. */
export function staleOn(id: EndpointId, rule: Rule): void {
  rules[id] = rule;
}
export const rulesFor = { itsRun, itsProject, anyRun };

export function isStale(changes: Changes, meta: LiveMeta, data: unknown): boolean {
  const rule = rules[meta.endpoint];
  return rule !== undefined && (changes.all === true || rule(changes, meta, data));
}

const everyMs = 1000;
/** Of a page that nobody sees; its title and icon go on to tell. */
const hiddenMs = 10_000;

/** Begins; the function it returns ends it. */
export function keepFresh(queries: QueryClient): () => void {
  const stale = new Set<Query>();
  const askedAt = new WeakMap<Query, number>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const ask = () => {
    clearTimeout(timer);
    timer = undefined;
    const now = Date.now();
    for (const query of stale) {
      const early =
        now - (askedAt.get(query) ?? 0) < (document.visibilityState === "hidden" ? hiddenMs : everyMs);
      if (early || query.state.fetchStatus !== "idle") continue;
      stale.delete(query);
      askedAt.set(query, now);
      void queries.invalidateQueries({ queryKey: query.queryKey, exact: true });
    }
    if (stale.size > 0) timer = setTimeout(ask, 150);
  };
  const off = onChanges(changes => {
    for (const query of queries.getQueryCache().getAll()) {
      const meta = query.meta as LiveMeta | undefined;
      if (meta === undefined || !isStale(changes, meta, query.state.data)) continue;
      stale.add(query);
    }
    // The first change is seen at once; those that follow are gathered.
    if (stale.size > 0) timer ??= setTimeout(ask, 0);
  });
  document.addEventListener("visibilitychange", ask);
  return () => {
    off();
    document.removeEventListener("visibilitychange", ask);
    clearTimeout(timer);
  };
}
