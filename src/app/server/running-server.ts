// What a server is started with, and what it is while it runs.

import type { FirstAdmin } from "../../auth/first-admin.ts";
import type { ServerLog } from "../../http/server-log.ts";
import type { ServerSettings } from "./settings.ts";

export interface ServeOptions {
  settings: ServerSettings;
  log: ServerLog;
  version: string;
  environment: Readonly<Record<string, string | undefined>>;
}

export interface RunningServer extends AsyncDisposable {
  /** As people reach it. */
  url: string;
  runnerUrl: string | undefined;
  /** Told once, by the very first start. */
  firstAdmin: FirstAdmin | undefined;
  /** Takes no more jobs and waits for those that run, at most until the signal. */
  drain(signal: AbortSignal): Promise<void>;
}
