// Where a listener is reached, when nobody has said so: by people, and by what runs on the same machine.

import os from "node:os";
import type { Listener } from "../../http/listener.ts";
import type { ServerSettings } from "./settings.ts";

type Told = Pick<ServerSettings, "url" | "tlsCert">;

/** For people: what they have to type, as far as can be told from here. */
export function publicUrl(told: Told, listener: Listener, hostname = os.hostname()): string {
  if (told.url !== undefined) return told.url;
  const url = new URL(listener.url);
  if (isEvery(url.hostname)) url.hostname = hostname;
  return url.origin;
}

/** For workers and runners of this machine. A certificate is for a name, which is that of the public address. */
export function localUrl(told: Told, listener: Listener): string {
  const url = new URL(listener.url);
  if (told.tlsCert !== undefined && told.url !== undefined) url.hostname = new URL(told.url).hostname;
  else if (isEvery(url.hostname)) url.hostname = url.hostname === "[::]" ? "[::1]" : "127.0.0.1";
  return url.origin;
}

function isEvery(hostname: string): boolean {
  return hostname === "[::]" || hostname === "0.0.0.0";
}
