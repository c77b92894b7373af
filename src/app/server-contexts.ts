// Servers that a person has signed in to: name, address, token, in a file that only they can read.

import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
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
  /** Where it is known, the token can be revoked when it is forgotten. */
  tokenId?: number;
}

export interface ServerContexts {
  current: string | undefined;
  servers: ServerContext[];
  /** What was wrong with the file and has been mended; for the person to read. */
  mended: string[];
}

interface StoredServer {
  name: string;
  url: string;
  token: string;
  user: string;
  tokenId?: number;
}

interface Stored {
  current?: string;
  servers: StoredServer[];
}

type Env = Readonly<Record<string, string | undefined>>;

/** `$XDG_CONFIG_HOME/slipway/servers.json`. */
export function contextsFile(env: Env): string {
  const base = env.XDG_CONFIG_HOME || path.join(env.HOME || os.homedir(), ".config");
  return path.join(base, "slipway", "servers.json");
}

/** Throws SlipwayError `contexts` for a file that cannot be read or is no list of servers. */
export function listContexts(env: Env): ServerContexts {
  const file = contextsFile(env);
  const mended = [path.dirname(file), file].flatMap(closeToOthers);
  const { current, servers } = read(file);
  return { current, mended, servers: servers.map(each => ({ ...each, token: new Secret(each.token) })) };
}

/** Adds or replaces the one of that name, and makes it current. */
export function saveContext(env: Env, context: ServerContext): void {
  const file = contextsFile(env);
  const others = read(file).servers.filter(({ name }) => name !== context.name);
  const stored = { ...context, token: context.token.reveal() };
  write(file, { current: context.name, servers: [...others, stored] });
}

/** False where there is none of that name. */
export function removeContext(env: Env, name: string): boolean {
  const file = contextsFile(env);
  const stored = read(file);
  const servers = stored.servers.filter(each => each.name !== name);
  if (servers.length === stored.servers.length) return false;
  const current = stored.current === name ? servers[0]?.name : stored.current;
  write(file, { servers, ...(current === undefined ? {} : { current }) });
  return true;
}

/** False where there is none of that name. */
export function useContext(env: Env, name: string): boolean {
  const file = contextsFile(env);
  const stored = read(file);
  if (!stored.servers.some(each => each.name === name)) return false;
  write(file, { ...stored, current: name });
  return true;
}

/** It holds tokens: what others may read is closed, and it is told. */
function closeToOthers(place: string): string[] {
  if (process.platform === "win32") return [];
  try {
    const { mode } = statSync(place);
    if ((mode & 0o077) === 0) return [];
    chmodSync(place, mode & 0o700);
    return [`others could read ${place}, which leads to tokens of servers; it is closed to them now`];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw new SlipwayError("contexts", `${place} can be read by others, and cannot be closed to them`, {
      cause: error,
      hint: `run chmod go-rwx ${place}`,
    });
  }
}

function read(file: string): Stored {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { servers: [] };
    throw new SlipwayError("contexts", `${file} cannot be read`, { cause: error });
  }
  const stored = storedIn(text);
  if (stored !== undefined) return stored;
  throw new SlipwayError("contexts", `${file} is no list of servers`, {
    hint: "remove it, and run `slipway login` again",
  });
}

function storedIn(text: string): Stored | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { servers, current } = value as Partial<Record<string, unknown>>;
  if (!Array.isArray(servers) || !servers.every(isStoredServer)) return undefined;
  return { servers, ...(typeof current === "string" ? { current } : {}) };
}

function isStoredServer(value: unknown): value is StoredServer {
  if (typeof value !== "object" || value === null) return false;
  const each = value as Record<string, unknown>;
  const texts = ["name", "url", "token", "user"].every(key => typeof each[key] === "string");
  return texts && (each.tokenId === undefined || typeof each.tokenId === "number");
}

/** Whole or not at all. */
function write(file: string, stored: Stored): void {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const temporary = `${file}.${randomBytes(6).toString("hex")}`;
  try {
    writeFileSync(temporary, `${JSON.stringify(stored, undefined, 2)}\n`, { mode: 0o600, flag: "wx" });
    renameSync(temporary, file);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw new SlipwayError("contexts", `${file} cannot be written`, { cause });
  }
}
