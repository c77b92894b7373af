// The headers in which a daemon takes registry credentials.

import type { RegistryCredentials } from "../engine.ts";

/** What a registry wants to hear: user and password, or a token in their place. */
export interface RegistryLogin {
  server: string;
  username?: string;
  password?: string;
  identityToken?: string;
}

/** Finds the login for an image; undefined for an anonymous one. */
export type FindLogin = (image: string) => Promise<RegistryLogin | undefined>;

export function loginOf(credentials: RegistryCredentials): RegistryLogin {
  return {
    server: credentials.server,
    username: credentials.username,
    password: credentials.password.reveal(),
  };
}

/** `X-Registry-Auth`. Without a login an empty object, which push insists on. */
export function registryAuthHeader(login: RegistryLogin | undefined): Record<string, string> {
  return { "x-registry-auth": encoded(login === undefined ? {} : wire(login)) };
}

/** `X-Registry-Config` of a build: every login there is, by server. */
export function registryConfigHeader(logins: RegistryLogin[]): Record<string, string> {
  return {
    "x-registry-config": encoded(Object.fromEntries(logins.map(login => [login.server, wire(login)]))),
  };
}

function wire(login: RegistryLogin): Record<string, string> {
  if (login.identityToken !== undefined && login.identityToken !== "") {
    return { identitytoken: login.identityToken, serveraddress: login.server };
  }
  return {
    username: login.username ?? "",
    password: login.password ?? "",
    serveraddress: login.server,
  };
}

// Without its padding a daemon takes the header for no credentials at all, and says nothing.
function encoded(value: unknown): string {
  const text = Buffer.from(JSON.stringify(value), "utf8").toString("base64");
  return text.replaceAll("+", "-").replaceAll("/", "_");
}
