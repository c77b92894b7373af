// Reads from image registries over the OCI distribution protocol, without a daemon: manifests and small blobs. A registry is
// a stranger: what it sends is bounded, what has a digest is checked, and a login goes to nobody but it and the place that
// it names for tokens.
// https://github.com/opencontainers/distribution-spec/blob/main/spec.md

import { createHash } from "node:crypto";
import { SlipwayError } from "../core/failure.ts";
import type { Secret } from "../core/secret.ts";
import { type Challenge, challengesOf, mayHaveLogin } from "./registry-challenge.ts";

export interface RegistryLogin {
  username: string;
  password: Secret;
}

export interface RegistryOptions {
  fetch: typeof globalThis.fetch;
  /** Registry host -> host to ask instead; where that has no answer the registry itself is asked. */
  mirrors?: Readonly<Record<string, string>>;
  /** Hosts that speak plain HTTP. Those of this machine do anyway. */
  plainHttp?: readonly string[];
  /** Of one request, with all that it reads. 30 s unless told. Milliseconds. */
  timeoutMs?: number;
}

/** Where something lies: a registry and a path in it. */
export interface Repository {
  domain: string;
  path: string;
  login?: RegistryLogin;
}

export interface Fetched {
  mediaType: string;
  digest: string;
  bytes: Buffer;
}

export interface Registry {
  /** By tag or digest. Throws SlipwayError `registry-...`; `registry-not-found` where there is none. */
  manifest(repository: Repository, reference: string, signal: AbortSignal): Promise<Fetched>;
  /** A blob of at most `mostBytes`. */
  blob(repository: Repository, digest: string, mostBytes: number, signal: AbortSignal): Promise<Fetched>;
}

export const manifestTypes = {
  index: "application/vnd.oci.image.index.v1+json",
  list: "application/vnd.docker.distribution.manifest.list.v2+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  schema2: "application/vnd.docker.distribution.manifest.v2+json",
} as const;

const mostManifestBytes = 4 * 2 ** 20;
const mostTokenBytes = 64 * 1024;
/** Docker Hub's images are called by one name and lie at another. */
const hub = { name: "docker.io", host: "registry-1.docker.io" };

/** Keeps the tokens that it was given while it lives. */
export function openRegistry(options: RegistryOptions): Registry {
  const { fetch, mirrors = {}, plainHttp = [], timeoutMs = 30_000 } = options;
  const tokens = new Map<string, string>();

  async function get(repository: Repository, what: Wanted, signal: AbortSignal): Promise<Fetched> {
    const mirror = mirrors[repository.domain];
    if (mirror !== undefined) {
      try {
        // A login is for the registry that it was given for.
        return await getFrom({ domain: mirror, path: repository.path }, what, signal);
      } catch {
        signal.throwIfAborted();
      }
    }
    return getFrom(repository, what, signal);
  }

  async function getFrom(repository: Repository, what: Wanted, outer: AbortSignal): Promise<Fetched> {
    const limit = AbortSignal.timeout(timeoutMs);
    const signal = AbortSignal.any([outer, limit]);
    const base = addressOf(repository.domain, plainHttp);
    const url = new URL(`/v2/${repository.path}/${what.kind}/${what.reference}`, base);
    try {
      const key = `${base} ${repository.path} ${repository.login?.username ?? ""}`;
      const ask = (authorization?: string) => request(url, what.accept, authorization, signal);
      let answer = await ask(tokens.get(key));
      if (answer.status === 401) {
        const authorization = await authorize(answer, repository, new URL(base), signal);
        if (authorization !== undefined) {
          tokens.set(key, authorization);
          await answer.body?.cancel();
          answer = await ask(authorization);
        }
      }
      return await take(answer, url, what);
    } catch (error) {
      outer.throwIfAborted();
      if (error instanceof SlipwayError) throw error;
      throw new SlipwayError(
        "registry-unreachable",
        `the registry ${repository.domain} does not answer: ${causeOf(error)}`,
        {
          cause: error,
          hint: "check the image's name, and whether this place may reach that registry",
        },
      );
    }
  }

  function request(
    url: URL,
    accept: string | undefined,
    authorization: string | undefined,
    signal: AbortSignal,
  ) {
    const headers: Record<string, string> = {};
    if (accept !== undefined) headers.accept = accept;
    if (authorization !== undefined) headers.authorization = authorization;
    return fetch(url, { headers, signal, redirect: "follow" });
  }

  /** What to send instead, by the first way that the registry offers and that we know. */
  async function authorize(
    answer: Response,
    { path, login }: Repository,
    base: URL,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const challenges = challengesOf(answer.headers.get("www-authenticate") ?? "");
    const bearer = challenges.find(({ scheme }) => scheme === "bearer");
    if (bearer !== undefined) return bearerOf(bearer, path, login, base, signal);
    const basic = challenges.some(({ scheme }) => scheme === "basic");
    return basic && login !== undefined ? basicOf(login) : undefined;
  }

  async function bearerOf(
    { parameters }: Challenge,
    path: string,
    login: RegistryLogin | undefined,
    base: URL,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const realm = URL.parse(parameters.realm ?? "");
    if (realm === null || !/^https?:$/.test(realm.protocol)) return undefined;
    if (parameters.service !== undefined) realm.searchParams.set("service", parameters.service);
    realm.searchParams.set("scope", parameters.scope ?? `repository:${path}:pull`);
    const known = login !== undefined && mayHaveLogin(realm, base) ? basicOf(login) : undefined;
    const answer = await request(realm, undefined, known, signal);
    if (answer.status !== 200) return undefined;
    const text = (await bytesOf(answer, mostTokenBytes, "its token")).toString("utf8");
    const { token, access_token: other } = JSON.parse(text) as { token?: unknown; access_token?: unknown };
    const value = token ?? other;
    return typeof value === "string" && /^[\x21-\x7e]+$/.test(value) ? `Bearer ${value}` : undefined;
  }

  return {
    manifest: (repository, reference, signal) =>
      get(
        repository,
        {
          kind: "manifests",
          reference,
          mostBytes: mostManifestBytes,
          accept: Object.values(manifestTypes).join(", "),
        },
        signal,
      ),
    blob: (repository, digest, mostBytes, signal) =>
      get(repository, { kind: "blobs", reference: digest, mostBytes }, signal),
  };
}

interface Wanted {
  kind: "manifests" | "blobs";
  reference: string;
  mostBytes: number;
  accept?: string;
}

/** Where a registry lies that images call by this name. */
export function registryHost(domain: string): string {
  return domain === hub.name ? hub.host : domain;
}

function addressOf(domain: string, plainHttp: readonly string[]): string {
  const host = registryHost(domain);
  const here = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/.test(host);
  return `${here || plainHttp.includes(domain) ? "http" : "https"}://${host}`;
}

function basicOf({ username, password }: RegistryLogin): string {
  return `Basic ${Buffer.from(`${username}:${password.reveal()}`).toString("base64")}`;
}

async function take(answer: Response, url: URL, what: Wanted): Promise<Fetched> {
  const { status } = answer;
  const shown = `${url.host}${url.pathname}`;
  if (status === 404) throw new SlipwayError("registry-not-found", `the registry has no ${shown}`);
  if (status === 401 || status === 403) {
    throw new SlipwayError("registry-refused", `the registry does not let us read ${shown} (${status})`, {
      hint: "give the image's login in the pipeline file (`username`, `password`), and check its rights",
    });
  }
  if (status !== 200)
    throw new SlipwayError("registry-answer", `the registry answered ${status} for ${shown}`);
  const bytes = await bytesOf(answer, what.mostBytes, shown);
  const asked = what.reference.includes(":") ? what.reference : undefined;
  const digest = asked ?? `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  const [algorithm = ""] = digest.split(":");
  if (!["sha256", "sha384", "sha512"].includes(algorithm)) {
    throw new SlipwayError(
      "registry-digest",
      `${shown} is named by a digest of an unknown kind, ${algorithm}`,
    );
  }
  const found = `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;
  if (found !== digest) {
    throw new SlipwayError(
      "registry-digest",
      `the registry sent something else than ${shown}: its digest is ${found}`,
    );
  }
  const mediaType = answer.headers.get("content-type")?.split(";", 1)[0]?.trim() ?? "";
  return { mediaType, digest, bytes };
}

async function bytesOf(answer: Response, mostBytes: number, what: string): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of (answer.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += part.length;
    if (bytes > mostBytes) {
      throw new SlipwayError("registry-too-large", `${what} is longer than ${mostBytes} bytes`);
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
