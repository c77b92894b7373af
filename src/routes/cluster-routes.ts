// Routes in a cluster: applied with server-side apply by a field manager each, and applied again now and then, so that what
// somebody changed or deleted by hand is true again. An apply that changes nothing costs the cluster no write.
// https://kubernetes.io/docs/reference/using-api/server-side-apply/

import { messageOf, SlipwayError } from "../core/failure.ts";
import type { Answer, KubernetesApi } from "../kubernetes/kubernetes-api.ts";
import type { Clock } from "../lib/clock.ts";
import { pause } from "../lib/pause.ts";
import { collectionOf, type Owner, type RouteObject, routeLabel, routeObject } from "./route-objects.ts";
import type { RouteSettings } from "./route-settings.ts";
import type { ServedRoute } from "./served-route.ts";

/** Applies a route. May be repeated. Throws SlipwayError `route-refused` with the cluster's words. */
export async function applyRoute(
  api: KubernetesApi,
  object: RouteObject,
  settings: RouteSettings,
): Promise<void> {
  const { name } = object.metadata;
  const answer = await api.call("PATCH", `${collectionOf(settings)}/${name}`, {
    // JSON is YAML; servers of before 1.32 know no other name for it.
    contentType: "application/apply-patch+yaml",
    body: object,
    // What others wrote into a route of ours is wrong.
    query: { fieldManager: name, force: true, fieldValidation: "Strict" },
  });
  if (!answer.ok) throw refused("apply", object.kind, name, answer);
}

/** Removes a route; fine when it is gone. */
export async function removeRoute(api: KubernetesApi, name: string, settings: RouteSettings): Promise<void> {
  const answer = await api.call("DELETE", `${collectionOf(settings)}/${name}`);
  if (!answer.ok && answer.code !== 404) throw refused("delete", settings.kind, name, answer);
}

/** Names of the handlers' routes that are there. */
export async function handlerRoutes(api: KubernetesApi, settings: RouteSettings): Promise<string[]> {
  const answer = await api.call<{ items: RouteObject[] }>("GET", collectionOf(settings), {
    query: { labelSelector: `${routeLabel}=handler`, limit: 500 },
  });
  if (!answer.ok) throw refused("list", settings.kind, "of handlers", answer);
  return answer.body.items.map(({ metadata }) => metadata.name);
}

/** The Deployment of a service: what its route belongs to, and goes with. */
export async function deploymentOwner(
  api: KubernetesApi,
  { namespace }: RouteSettings,
  name: string,
): Promise<Owner> {
  const answer = await api.call<{ metadata: { uid: string } }>(
    "GET",
    `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`,
  );
  if (!answer.ok) throw refused("get", "deployment", name, answer);
  return { apiVersion: "apps/v1", kind: "Deployment", name, uid: answer.body.metadata.uid };
}

export interface KeepOptions {
  /** Makes everything true once; throws where it cannot. */
  pass(): Promise<void>;
  clock: Clock;
  /** Chance between 0 and 1, so that replicas do not come all at once. */
  random(): number;
  /** Hears of a pass that failed; it is tried again. */
  troubled(what: string): void;
}

export interface KeptRoutes extends AsyncDisposable {
  /** Looks again now. */
  nudge(): void;
}

const againMs = 30_000;
const soonMs = 2000;

/** Keeps routes true until it is disposed of; the routes stay, since other replicas serve them. */
export function keepRoutes({ pass, clock, random, troubled }: KeepOptions): KeptRoutes {
  const ending = new AbortController();
  let rest: AbortController | undefined;
  let nudged = false;
  const going = (async () => {
    while (!ending.signal.aborted) {
      nudged = false;
      let next = againMs;
      try {
        await pass();
      } catch (error) {
        next = soonMs;
        if (!ending.signal.aborted) troubled(messageOf(error));
      }
      if (nudged || ending.signal.aborted) continue;
      rest = new AbortController();
      await pause(clock, next * (0.5 + random()), rest.signal);
    }
  })();
  return {
    nudge() {
      nudged = true;
      rest?.abort();
    },
    async [Symbol.asyncDispose]() {
      ending.abort();
      rest?.abort();
      await going;
    },
  };
}

/** What a service does with its own route, from its start on. */
export function keepOwnRoute(
  api: KubernetesApi,
  route: ServedRoute,
  settings: RouteSettings,
  options: Omit<KeepOptions, "pass">,
): KeptRoutes {
  return keepRoutes({
    ...options,
    async pass() {
      // Asked for each time: a Deployment that was made anew has another uid.
      const owner = await deploymentOwner(api, settings, route.name);
      await applyRoute(api, routeObject(route, settings, "service", owner), settings);
    },
  });
}

function refused(
  verb: string,
  kind: string,
  name: string,
  answer: Answer<unknown> & { ok: false },
): SlipwayError {
  const { code, status } = answer;
  const said = status.message ?? `status ${code}`;
  return new SlipwayError("route-refused", `the cluster did not ${verb} the ${kind} ${name}: ${said}`, {
    hint:
      code === 403
        ? "the service account needs the rights that `slipway install` gives it"
        : code === 404
          ? "Gateway API has to be installed for SLIPWAY_ROUTES_KIND=httproute, and the Deployment must be there"
          : "see the message of the cluster",
  });
}
