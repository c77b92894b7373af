// Which registry an image comes from and with which credentials, from the keys of a box, a service or a step that
// pushes. Pure: no registry is asked; for Amazon ECR it says what the token call needs.

import { accept, type Result, refuse } from "../core/failure.ts";
import { parseImageReference } from "../core/image-reference.ts";
import { Secret } from "../core/secret.ts";
import type { PlanNotice } from "./plan-notice.ts";

export type RegistryAccess =
  | { kind: "none" }
  | { kind: "plain"; username: string; password: Secret; server: string }
  | { kind: "ecr"; region: string; registryId: string; accessKey: string; secretKey: Secret; server: string };

export interface RegistryPlan {
  /** The repository, with the registry's host where it is known; without tag. */
  repository: string;
  /** URL of the registry as the keys or the repository give it; empty for Docker Hub. */
  registry: string;
  access: RegistryAccess;
  /** Whether it is the registry that comes with the platform. */
  builtIn: boolean;
  notices: PlanNotice[];
}

export interface RegistryRequest {
  /** Expanded, without tag. */
  repository: string;
  /** Expanded values of the keys. */
  auth: Readonly<Record<string, string>>;
  builtInRegistry?: { url: string; token: Secret };
}

/** Where the daemon looks for Docker Hub's credentials. */
const hubServer = "https://index.docker.io/v1/";
const awsKeys = ["aws-access-key", "aws-secret-key", "aws-region", "aws-registry-id"];
const azureKeys = [
  "azure-client-id",
  "azure-client-secret",
  "azure-subscription-id",
  "azure-tenant-id",
  "azure-resource-group",
  "azure-registry-name",
  "azure-login-server",
];

/**
 * Registry, repository and credentials. A refusal names the key that is wrong or missing. The built-in registry's
 * user is `token`.
 */
export function registryAccess(request: RegistryRequest): Result<RegistryPlan> {
  const { auth } = request;
  if (isSet(auth, "azure-client-secret")) return azureAccess(request);
  if (isSet(auth, "aws-secret-key")) return amazonAccess(request);
  const inferred = inferRegistry(auth.registry ?? "", request.repository);
  if (!inferred.ok) return inferred;
  const { registry, repository, notices } = inferred.value;
  const plan = { registry, repository, notices: [...notices, ...unsetCloudKeys(auth)] };
  const normal = normalizeRegistry(registry);
  const builtIn = request.builtInRegistry;
  if (builtIn !== undefined && normal.url === normalizeRegistry(builtIn.url).url) {
    const access = { kind: "plain", username: "token", password: builtIn.token } as const;
    return accept({ ...plan, access: { ...access, server: serverOf(normal.url) }, builtIn: true });
  }
  const username = auth.username ?? "";
  if (username === "") return accept({ ...plan, access: { kind: "none" }, builtIn: false });
  if (normal.forced) plan.notices.push(warning(`The registry ${registry} is taken as https, not http.`));
  const password = new Secret(auth.password ?? "");
  return accept({
    ...plan,
    access: { kind: "plain", username, password, server: serverOf(normal.url) },
    builtIn: false,
  });
}

function isSet(auth: Readonly<Record<string, string>>, key: string): boolean {
  return (auth[key] ?? "") !== "";
}

function azureAccess({ auth, repository }: RegistryRequest): Result<RegistryPlan> {
  const missing = azureKeys.filter(key => !isSet(auth, key));
  if (missing.length > 0) return incomplete("Azure", missing);
  const server = withoutSlashes(auth["azure-login-server"]!.replace(/^https?:\/\//, ""));
  const password = new Secret(auth["azure-client-secret"]!);
  return cloudPlan(repository, server, {
    kind: "plain",
    username: auth["azure-client-id"]!,
    password,
    server,
  });
}

function amazonAccess({ auth, repository }: RegistryRequest): Result<RegistryPlan> {
  const missing = awsKeys.filter(key => !isSet(auth, key));
  if (missing.length > 0) return incomplete("Amazon", missing);
  const region = auth["aws-region"]!;
  const registryId = auth["aws-registry-id"]!;
  const server = `${registryId}.dkr.ecr.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`;
  const secretKey = new Secret(auth["aws-secret-key"]!);
  return cloudPlan(repository, server, {
    kind: "ecr",
    region,
    registryId,
    accessKey: auth["aws-access-key"]!,
    secretKey,
    server,
  });
}

function cloudPlan(repository: string, server: string, access: RegistryAccess): Result<RegistryPlan> {
  if (repository === "") return noRepository();
  const name = repository.toLowerCase();
  const host = server.toLowerCase();
  const full = name.startsWith(`${host}/`) ? name : `${host}/${name}`;
  const parsed = parseImageReference(full);
  if (!parsed.ok) return parsed;
  return accept({ repository: full, registry: `https://${host}/v2/`, access, builtIn: false, notices: [] });
}

function incomplete(cloud: string, missing: string[]): Result<RegistryPlan> {
  return refuse(
    "registry-auth-incomplete",
    `The credentials for the ${cloud} registry are not complete: ${missing.join(", ")} ${missing.length === 1 ? "is" : "are"} missing or empty.`,
    "Give all of them, and check that the variables they name are set.",
  );
}

/** A key that is there but empty most likely names a variable that is not set. */
function unsetCloudKeys(auth: Readonly<Record<string, string>>): PlanNotice[] {
  const given = [...awsKeys, ...azureKeys].filter(key => isSet(auth, key));
  if (given.length === 0) return [];
  const secret = given[0]!.startsWith("aws-") ? "aws-secret-key" : "azure-client-secret";
  return [
    warning(
      `${given.join(", ")} ${given.length === 1 ? "is" : "are"} not used: ${secret} is missing or empty.`,
    ),
  ];
}

function warning(message: string): PlanNotice {
  return { level: "warning", message };
}

function noRepository(): ReturnType<typeof refuse> {
  return refuse("no-repository", "Repository not specified", "Give the image's name.");
}

/** The registry and the repository as they fit together. */
export interface InferredRegistry {
  registry: string;
  repository: string;
  notices: PlanNotice[];
}

/** Fits `registry` and `repository` together: a domain in the repository wins over the registry's URL. */
export function inferRegistry(registry: string, repository: string): Result<InferredRegistry> {
  if (repository === "") return noRepository();
  const name = repository.toLowerCase();
  const parsed = parseImageReference(name);
  if (!parsed.ok) return parsed;
  const domain = parsed.value.explicitDomain ? name.slice(0, name.indexOf("/")) : undefined;
  const ofDomain = domain === undefined ? "" : `https://${domain}/v2/`;
  if (registry === "") return accept({ registry: ofDomain, repository: name, notices: [] });
  const host = hostOf(registry);
  if (host === undefined) {
    if (domain === undefined) {
      return refuse(
        "bad-registry",
        `${registry} is not a valid registry URL, error: it has no scheme and host.`,
        `Write it as a URL, such as https://${registry.replace(/^[a-z]*:?\/+/i, "")}.`,
      );
    }
    const message = `${registry} is not a valid registry URL, using the domain of the repository: ${domain}`;
    return accept({ registry: ofDomain, repository: name, notices: [{ level: "info", message }] });
  }
  if (domain === undefined) {
    const full = `${host}/${name}`;
    const joined = parseImageReference(full);
    if (!joined.ok) return joined;
    const message = `Using repository inferred from registry: ${full}`;
    return accept({ registry, repository: full, notices: [{ level: "info", message }] });
  }
  if (domain === host) return accept({ registry, repository: name, notices: [] });
  return accept({
    registry: ofDomain,
    repository: name,
    notices: [
      { level: "info", message: `The registry ${registry} and the repository ${name} name different hosts.` },
      { level: "info", message: `Using the registry of the repository: ${ofDomain}` },
    ],
  });
}

/** Host and port of an absolute http or https URL. */
function hostOf(registry: string): string | undefined {
  if (!/^https?:\/\/[^/]/i.test(registry) || !URL.canParse(registry)) return undefined;
  return new URL(registry).host;
}

/**
 * A registry's URL in the form that is compared: https, with a version as last path element, and `/` at the end.
 * `forced` says that another scheme stood there.
 */
export function normalizeRegistry(registry: string): { url: string; forced: boolean } {
  if (registry === "") return { url: "https://index.docker.io/v2/", forced: false };
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(registry);
  const rest = withoutSlashes(scheme === null ? registry : registry.slice(scheme[0].length));
  const version = /\/v[12]$/.test(rest) ? "" : "/v1";
  const forced = scheme !== null && scheme[1]!.toLowerCase() !== "https";
  return { url: `https://${rest}${version}/`, forced };
}

/** Without those at the end. */
function withoutSlashes(text: string): string {
  let end = text.length;
  while (text[end - 1] === "/") end--;
  return text.slice(0, end);
}

function serverOf(normalUrl: string): string {
  const host = normalUrl.slice("https://".length).split("/", 1)[0]!;
  return ["docker.io", "index.docker.io", "registry-1.docker.io"].includes(host) ? hubServer : host;
}
