// The server as a program: reads its settings, serves until it is told to end, and ends in order. A second signal hastens.

import type { FirstAdmin } from "../../auth/first-admin.ts";
import type { Result } from "../../core/failure.ts";
import { accept } from "../../core/failure.ts";
import { openServerLog } from "../../http/server-log.ts";
import { setUpNetwork } from "./network.ts";
import type { RunningServer } from "./running-server.ts";
import { serve } from "./serve.ts";
import { readSettings, type ServerSettings, shownSettings } from "./settings.ts";

export interface ServerProgram {
  flags: Record<string, string | undefined>;
  env: Readonly<Record<string, string | undefined>>;
  configFile: string | undefined;
  version: string;
  /** Aborted by the first signal to end. */
  ending: AbortSignal;
  /** Aborted by the second one. */
  hastened: AbortSignal;
  /** Called when all roles are ready. */
  ready(server: RunningServer, settings: ServerSettings): Promise<void>;
}

/** What is in effect, a line each, for `--print-config`. */
export function configLines(program: Pick<ServerProgram, "flags" | "env" | "configFile">): Result<string[]> {
  const read = readSettings({ flags: program.flags, env: program.env, file: program.configFile });
  if (!read.ok) return read;
  return accept(
    shownSettings(read.value).map(({ name, value, origin }) => `${name} = ${value}  (${origin})`),
  );
}

/** Serves until `ending`. Refuses wrong settings; throws SlipwayError where it cannot start. */
export async function runServer(program: ServerProgram): Promise<Result<void>> {
  const { flags, env, configFile: file, version, ending, hastened } = program;
  const read = readSettings({ flags, env, file });
  if (!read.ok) return read;
  const { settings } = read.value;
  const log = openServerLog(settings.logLevel);
  setUpNetwork({
    caFile: settings.caFile,
    environment: env,
    ownUrls: [settings.url, settings.runnerUrl, settings.apiUrl],
  });
  const server = await serve({ settings, log, version, environment: env });
  log.info({ url: server.url, runnerUrl: server.runnerUrl, roles: settings.roles }, "ready");
  try {
    await program.ready(server, settings);
    if (!ending.aborted) {
      await new Promise<void>(resolve => ending.addEventListener("abort", () => resolve(), { once: true }));
    }
    log.info({}, "ending");
    await server.drain(AbortSignal.any([hastened, AbortSignal.timeout(settings.drainSeconds * 1000)]));
  } finally {
    await server[Symbol.asyncDispose]();
  }
  log.info({}, "ended");
  return accept(undefined);
}

/** What the first start says, for people. */
export function greeting(url: string, admin: FirstAdmin): string {
  return [
    `Slipway runs at ${url}`,
    `Administrator: ${admin.name}, organisation: ${admin.organisation}`,
    `Token, shown this once: ${admin.token}`,
    `Sign in with: slipway login ${url}`,
    "",
  ].join("\n");
}
