// The settings of each role as variables. Secrets come from Secrets, never as values.

import type { EnvVar } from "kubernetes-types/core/v1.js";
import type { Values } from "../values.ts";
import { hasToken } from "./accounts.ts";
import { type Component, nameOf, ports, type Role, runnerService } from "./labels.ts";

/** Seconds that a role goes on answering after it was told to end, until balancers have heard that it is not ready. */
const lingerSeconds = 5;
/** Each role's pool of connections; the database of our own takes 200 from all Pods together. */
const databaseConnections = 12;

export function roleEnvironment(values: Values, role: Role): EnvVar[] {
  const common: EnvVar[] = [
    { name: "SLIPWAY_LISTEN", value: `:${ports.people}` },
    // Made below what is mounted, since the mount itself belongs to somebody else.
    { name: "SLIPWAY_DATA_DIR", value: "/data/slipway" },
    { name: "SLIPWAY_URL", value: values.url },
    { name: "SLIPWAY_LINGER_SECONDS", value: String(lingerSeconds) },
    ...authority(values),
  ];
  const own = role === "worker" ? workerEnvironment(values) : serviceEnvironment(values, role);
  return [...common, ...own, ...routeEnvironment(values, role), ...more(values)];
}

function authority({ caConfigMap }: Values): EnvVar[] {
  return caConfigMap === "" ? [] : [{ name: "SLIPWAY_CA_FILE", value: "/ca/ca.crt" }];
}

export function more({ settings }: Values): EnvVar[] {
  return Object.entries(settings).map(([name, value]) => ({ name, value }));
}

export function fromSecret(name: string, secret: string, key: string): EnvVar {
  return { name, valueFrom: { secretKeyRef: { name: secret, key } } };
}

/** Of a Service in the platform's namespace. */
function serviceUrl({ namespaces }: Values, service: string, port: number): string {
  return `http://${service}.${namespaces.platform}.svc:${port}`;
}

function serviceEnvironment(values: Values, role: Role): EnvVar[] {
  const { database, secret } = values;
  return [
    ...(role === "reporter" ? [] : [{ name: "SLIPWAY_RUNNER_LISTEN", value: `:${ports.runners}` }]),
    { name: "SLIPWAY_RUNNER_URL", value: serviceUrl(values, runnerService, ports.runners) },
    database.kind === "own"
      ? fromSecret("SLIPWAY_DATABASE_URL", secret, "databaseUrl")
      : fromSecret("SLIPWAY_DATABASE_URL", database.secret, "url"),
    { name: "SLIPWAY_DATABASE_CONNECTIONS", value: String(databaseConnections) },
    fromSecret("SLIPWAY_SECRET_KEY", secret, "secretKey"),
    ...blobsEnvironment(values),
    ...(values.forwardSecret === "" || role !== "logs"
      ? []
      : [fromSecret("SLIPWAY_FORWARD", values.forwardSecret, "forward")]),
    ...(role === "api" ? apiEnvironment(values) : []),
  ];
}

/** The worker's token is made known to the database by the api's migration. */
function apiEnvironment(values: Values): EnvVar[] {
  const logs = nameOf("logs");
  return [
    { name: "SLIPWAY_LOGS_URL", value: serviceUrl(values, logs, ports.people) },
    { name: "SLIPWAY_LOGS_RUNNER_URL", value: serviceUrl(values, logs, ports.runners) },
    fromSecret("SLIPWAY_WORKER_TOKEN", values.secret, "workerToken"),
    { name: "SLIPWAY_CLASSES", value: values.worker.classes.join(",") },
    ...(values.routes.trustedProxies.length === 0
      ? []
      : [{ name: "SLIPWAY_TRUSTED_PROXIES", value: values.routes.trustedProxies.join(",") }]),
  ];
}

function blobsEnvironment({ blobs }: Values): EnvVar[] {
  if (blobs.kind === "volume") return [{ name: "SLIPWAY_BLOBS", value: "file:///blobs/slipway" }];
  const { address, secret } = blobs.s3;
  return [
    { name: "SLIPWAY_BLOBS", value: address },
    ...(secret === ""
      ? []
      : [
          fromSecret("SLIPWAY_S3_ACCESS_KEY", secret, "accessKey"),
          fromSecret("SLIPWAY_S3_SECRET_KEY", secret, "secretKey"),
        ]),
  ];
}

function workerEnvironment(values: Values): EnvVar[] {
  const { worker, namespaces, image, caConfigMap, knownHostsConfigMap, secret } = values;
  return [
    { name: "SLIPWAY_LAUNCHER", value: "kubernetes" },
    { name: "SLIPWAY_API_URL", value: serviceUrl(values, nameOf("api"), ports.people) },
    { name: "SLIPWAY_RUNNER_URL", value: serviceUrl(values, runnerService, ports.runners) },
    fromSecret("SLIPWAY_WORKER_TOKEN", secret, "workerToken"),
    { name: "SLIPWAY_CLASSES", value: worker.classes.join(",") },
    { name: "SLIPWAY_CAPACITY", value: String(worker.capacity) },
    { name: "SLIPWAY_CREATES_PER_SECOND", value: String(worker.createsPerSecond) },
    { name: "SLIPWAY_MAX_PODS", value: String(worker.maxPods) },
    // Pods go on without it, and the next worker adopts them.
    { name: "SLIPWAY_DRAIN_SECONDS", value: "5" },
    { name: "SLIPWAY_JOBS_NAMESPACE", value: namespaces.baseline },
    { name: "SLIPWAY_RESTRICTED_NAMESPACE", value: namespaces.restricted },
    { name: "SLIPWAY_RUNNER_IMAGE", value: image.name },
    { name: "SLIPWAY_RUNNER_PULL_POLICY", value: image.pullPolicy },
    ...(image.pullSecrets.length === 0
      ? []
      : [{ name: "SLIPWAY_RUNNER_PULL_SECRETS", value: image.pullSecrets.join(",") }]),
    ...(values.nodeClasses ? [{ name: "SLIPWAY_JOBS_NODE_CLASS", value: "peasant" }] : []),
    ...(caConfigMap === "" ? [] : [{ name: "SLIPWAY_CA_CONFIG_MAP", value: caConfigMap }]),
    ...(knownHostsConfigMap === ""
      ? []
      : [{ name: "SLIPWAY_KNOWN_HOSTS_CONFIG_MAP", value: knownHostsConfigMap }]),
  ];
}

/** What a service needs to register its own route. */
function routeEnvironment(values: Values, component: Component): EnvVar[] {
  if (component === "worker" || !hasToken(values, component)) return [];
  const { kind, className, tlsSecret, annotations, gateway } = values.routes;
  return [
    { name: "SLIPWAY_ROUTES_KIND", value: kind },
    { name: "SLIPWAY_ROUTES_NAMESPACE", valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } } },
    { name: "SLIPWAY_ROUTES_SERVICE", value: nameOf(component) },
    ...(kind === "ingress" && className !== "" ? [{ name: "SLIPWAY_ROUTES_CLASS", value: className }] : []),
    ...(kind === "ingress" && tlsSecret !== ""
      ? [{ name: "SLIPWAY_ROUTES_TLS_SECRET", value: tlsSecret }]
      : []),
    ...(kind === "httproute"
      ? [
          { name: "SLIPWAY_ROUTES_GATEWAY", value: gateway.name },
          ...(gateway.namespace === ""
            ? []
            : [{ name: "SLIPWAY_ROUTES_GATEWAY_NAMESPACE", value: gateway.namespace }]),
        ]
      : []),
    { name: "SLIPWAY_ROUTES_ANNOTATIONS", value: JSON.stringify(annotations) },
  ];
}
