// Servers that a person has signed in to: name, address, token, in a file that only they can read.

import { chmodSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { SlipwayError } from "../core/failure.ts";
import { Secret } from "../core/secret.ts";

export interface ServerContext {
  name: string;
  url: string;
  token: Secret;
  /** Who the token belongs to. */
  user: string;
}

interface Stored {
  current?: string;
  servers: { name: string; url: string; token: string; user: string }[];
}

type Env = Readonly<Record<string, string | undefined>>;

/** `$XDG_CONFIG_HOME/slipway/servers.json`. */
export function contextsFile(env: Env): string {
  const base = env.XDG_CONFIG_HOME || path.join(env.HOME || os.homedir(), ".config");
  return path.join(base, "slipway", "servers.json");
}

export function listContexts(env: Env): { current: string | undefined; servers: ServerContext[] } {
  const { current, servers } = read(contextsFile(env));
  return { current, servers: servers.map(each => ({ ...each, token: new Secret(each.token) })) };
}

/** Adds or replaces the one of that name, and makes it current. */
export function saveContext(env: Env, context: ServerContext): void {
  const stored = read(contextsFile(env));
  const others = stored.servers.filter(({ name }) => name !== context.name);
  const { name, url, user } = context;
  write(contextsFile(env), {
    current: name,
    servers: [...others, { name, url, user, token: context.token.reveal() }],
  });
}

/** False where there is none of that name. */
export function removeContext(env: Env, name: string): boolean {
  const stored = read(contextsFile(env));
  const servers = stored.servers.filter(each => each.name !== name);
  if (servers.length === stored.servers.length) return false;
  const current = stored.current === name ? servers[0]?.name : stored.current;
  write(contextsFile(env), { servers, ...(current === undefined ? {} : { current }) });
  return true;
}

/** False where there is none of that name. */
export function useContext(env: Env, name: string): boolean {
  const stored = read(contextsFile(env));
  if (!stored.servers.some(each => each.name === name)) return false;
  write(contextsFile(env), { ...stored, current: name });
  return true;
}

function read(file: string): Stored {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
    // It holds tokens: what others may read is closed at once.
    if (process.platform !== "win32" && (statSync(file).mode & 0o077) !== 0) chmodSync(file, 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { servers: [] };
    throw new SlipwayError("contexts", `${file} cannot be read`, { cause: error });
  }
  try {
    const stored = JSON.parse(text) as Partial<Stored>;
    const servers = Array.isArray(stored.servers) ? stored.servers : [];
    return { servers, ...(typeof stored.current === "string" ? { current: stored.current } : {}) };
  } catch (cause) {
    throw new SlipwayError("contexts", `${file} is no JSON`, {
      cause,
      hint: "remove it, and run `slipway login` again",
    });
  }
}

function write(file: string, stored: Stored): void {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const temporary = `${file}.${process.pid}`;
  writeFileSync(temporary, `${JSON.stringify(stored, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(temporary, file);
}
