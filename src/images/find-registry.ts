// Whether the name of a registry can be found, without the machine's own look-up: that cannot be taken back, and a process
// that ends waits for it, ten seconds and more where no name server answers.

import { Resolver } from "node:dns/promises";
import { isIP } from "node:net";
import { parseImageReference } from "../core/image-reference.ts";
import { registryHost } from "./registry.ts";

/** False where nothing says within `timeoutMs` where the image's registry is; names are looked for as they are written. */
export async function findRegistry(image: string, timeoutMs: number): Promise<boolean> {
  const parsed = parseImageReference(image);
  if (!parsed.ok) return false;
  const host = registryHost(parsed.value.domain).replace(/:\d+$/, "");
  if (isIP(host.replace(/^\[|\]$/g, "")) !== 0 || host === "localhost") return true;
  const resolver = new Resolver({ timeout: timeoutMs, tries: 1 });
  const timer = setTimeout(() => resolver.cancel(), timeoutMs);
  try {
    await Promise.any([resolver.resolve4(host), resolver.resolve6(host)]);
    return true;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
