// Asks Amazon ECR for the user and password behind an access key. One call, signed here, since a whole SDK for it
// would weigh more than the rest of the program.

import { createHash, createHmac } from "node:crypto";
import { accept, type Result, refuse, SlipwayError } from "../../core/failure.ts";
import { Secret } from "../../core/secret.ts";
import type { RegistryCredentials } from "../../engine/engine.ts";

export interface EcrAccess {
  region: string;
  registryId: string;
  accessKey: string;
  secretKey: Secret;
  /** Host of the registry. */
  server: string;
}

export interface EcrOptions {
  /** URL of the service; the region's own by default. */
  endpoint?: string;
  fetch?: typeof globalThis.fetch;
  now?: () => Date;
}

const largestAnswer = 1024 * 1024;

/**
 * Credentials for the registry, good for some hours. Refuses (`registry-auth-refused`) where Amazon does not take
 * the key; throws SlipwayError where it cannot be asked, and the signal's reason when aborted. May be repeated.
 */
export async function ecrCredentials(
  access: EcrAccess,
  signal: AbortSignal,
  options: EcrOptions = {},
): Promise<Result<RegistryCredentials>> {
  const { fetch = globalThis.fetch, now = () => new Date() } = options;
  if (!/^[a-z0-9-]+$/.test(access.region)) {
    return refuse("registry-auth-refused", `"${access.region}" is no AWS region`, "check aws-region");
  }
  const suffix = access.region.startsWith("cn-") ? ".cn" : "";
  const url = new URL(options.endpoint ?? `https://api.ecr.${access.region}.amazonaws.com${suffix}/`);
  const body = JSON.stringify({ registryIds: [access.registryId] });
  const headers = signedHeaders({
    method: "POST",
    url,
    headers: {
      "content-type": "application/x-amz-json-1.1",
      "x-amz-target": "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken",
    },
    body,
    region: access.region,
    service: "ecr",
    accessKey: access.accessKey,
    secretKey: access.secretKey,
    time: now(),
  });
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, { method: "POST", headers, body, signal, redirect: "error" });
    text = (await response.text()).slice(0, largestAnswer);
  } catch (cause) {
    signal.throwIfAborted();
    throw new SlipwayError("registry-unreachable", `Amazon ECR cannot be asked at ${url.host}`, { cause });
  }
  if (response.status >= 500 || response.status === 429) {
    throw new SlipwayError("registry-unreachable", `Amazon ECR at ${url.host} answered ${response.status}`);
  }
  if (!response.ok) {
    const message = `Amazon ECR at ${url.host} refuses the access key: ${reasonOf(text, response.status)}`;
    return refuse(
      "registry-auth-refused",
      message,
      "check aws-access-key, aws-secret-key and aws-registry-id",
    );
  }
  return credentialsOf(text, access);
}

function credentialsOf(text: string, access: EcrAccess): Result<RegistryCredentials> {
  const answer = parse(text) as { authorizationData?: { authorizationToken?: unknown }[] } | undefined;
  const token = answer?.authorizationData?.[0]?.authorizationToken;
  const decoded = typeof token === "string" ? Buffer.from(token, "base64").toString("utf8") : "";
  const colon = decoded.indexOf(":");
  if (colon < 1)
    throw new SlipwayError("registry-answer", "Amazon ECR answered without an authorization token");
  const password = new Secret(decoded.slice(colon + 1));
  return accept({ username: decoded.slice(0, colon), password, server: access.server });
}

function reasonOf(text: string, status: number): string {
  const answer = parse(text) as { __type?: unknown; message?: unknown; Message?: unknown } | undefined;
  const parts = [answer?.__type, answer?.message ?? answer?.Message].filter(part => typeof part === "string");
  return parts.length === 0 ? `status ${status}` : parts.join(": ").slice(0, 500);
}

function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

export interface SignedRequest {
  method: string;
  url: URL;
  headers: Record<string, string>;
  body: string;
  region: string;
  service: string;
  accessKey: string;
  secretKey: Secret;
  time: Date;
}

/** The headers with AWS Signature Version 4 for a request without a query. Pure. */
export function signedHeaders(request: SignedRequest): Record<string, string> {
  const stamp = request.time.toISOString().replace(/[-:]|\.\d+/g, "");
  const day = stamp.slice(0, 8);
  const signed: Record<string, string> = { ...request.headers, host: request.url.host, "x-amz-date": stamp };
  const names = Object.keys(signed).sort();
  const canonical = [
    request.method,
    request.url.pathname,
    "",
    ...names.map(name => `${name}:${signed[name]!.trim()}`),
    "",
    names.join(";"),
    sha256(request.body),
  ].join("\n");
  const scope = `${day}/${request.region}/${request.service}/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", stamp, scope, sha256(canonical)].join("\n");
  let key: Uint8Array = Buffer.from(`AWS4${request.secretKey.reveal()}`);
  for (const part of [day, request.region, request.service, "aws4_request"]) key = hmac(key, part);
  const signature = Buffer.from(hmac(key, toSign)).toString("hex");
  // fetch sets `host` by itself and takes no other.
  const { host: _, ...sent } = signed;
  return {
    ...sent,
    authorization: `AWS4-HMAC-SHA256 Credential=${request.accessKey}/${scope}, SignedHeaders=${names.join(";")}, Signature=${signature}`,
  };
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function hmac(key: Uint8Array, text: string): Uint8Array {
  return createHmac("sha256", key).update(text).digest();
}
