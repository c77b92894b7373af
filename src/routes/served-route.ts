// A route: paths of the platform's host, and what answers there. Services register their own when they start; handlers of
// others are registered by an administrator. Who routes them, a cluster's Ingress or Gateway or our own gateway, is the adapters' affair.

export interface ServedRoute {
  /** Name of the object that is registered, a DNS label: `slipway-api`, `slipway-handler-github`. */
  name: string;
  /** Prefixes by whole path elements: `/` is everything, `/api/v1/logs` itself and all below it. */
  paths: string[];
  /** A Service beside the platform's own. */
  service: string;
  port: number;
}

/** Handlers of others live below this, so that none can stand where the platform's own pages and calls are. */
export const handlerPath = (name: string): string => `/handlers/${name}`;

export const handlerRouteName = (name: string): string => `slipway-handler-${name}`;
