// What an image says of itself: variables and ports of its configuration, for one platform.
// https://github.com/opencontainers/image-spec/blob/main/config.md

import { SlipwayError } from "../core/failure.ts";
import { parseImageReference } from "../core/image-reference.ts";
import { type Fetched, manifestTypes, type Registry, type RegistryLogin } from "./registry.ts";

export interface ImageRequest {
  /** Name as in a pipeline file, fully qualified or not. */
  image: string;
  login?: RegistryLogin;
  /** As the image format has it: `amd64`, `arm64`. */
  architecture: string;
}

export interface ImageDescription {
  env: { name: string; value: string }[];
  ports: { containerPort: number; protocol: "tcp" | "udp" }[];
}

const mostConfigBytes = 8 * 2 ** 20;
/** More than any image has; the rest is dropped. */
const mostEntries = 1000;

/**
 * Reads the image's configuration. Throws SlipwayError: `registry-...` of the registry, `bad-image` for what is none,
 * `image-platform` where there is none for the architecture.
 */
export async function describeImage(
  registry: Registry,
  { image, login, architecture }: ImageRequest,
  signal: AbortSignal,
): Promise<ImageDescription> {
  const parsed = parseImageReference(image);
  if (!parsed.ok) throw new SlipwayError(parsed.refusal.code, parsed.refusal.message);
  const { domain, path, tag = "latest", digest } = parsed.value;
  const repository = { domain, path, ...(login === undefined ? {} : { login }) };
  let manifest = await registry.manifest(repository, digest ?? tag, signal);
  if (isIndex(manifest)) {
    const chosen = choose(manifest, architecture, image);
    manifest = await registry.manifest(repository, chosen, signal);
  }
  const config = digestIn(objectOf(jsonOf(manifest, image)).config, image);
  return descriptionOf(jsonOf(await registry.blob(repository, config, mostConfigBytes, signal), image));
}

type Fields = Record<string, unknown>;

function objectOf(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value.slice(0, mostEntries) : [];
}

function bad(image: string, why: string): SlipwayError {
  return new SlipwayError("bad-image", `what the registry has for ${image} is no image: ${why}`);
}

function jsonOf({ bytes }: Fetched, image: string): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    throw bad(image, "it is no JSON");
  }
}

function isIndex({ mediaType }: Fetched): boolean {
  return mediaType === manifestTypes.index || mediaType === manifestTypes.list;
}

function digestIn(value: unknown, image: string): string {
  const { digest } = objectOf(value);
  // It becomes part of an address.
  if (typeof digest !== "string" || !/^sha(256|384|512):[0-9a-f]{64,128}$/.test(digest)) {
    throw bad(image, "it names no digest of its configuration");
  }
  return digest;
}

/** Of the same architecture the first one counts, as with every runtime that does not know of variants. */
function choose(index: Fetched, architecture: string, image: string): string {
  const manifests = listOf(objectOf(jsonOf(index, image)).manifests).map(objectOf);
  const fits = manifests.find(({ platform }) => {
    const { os, architecture: of } = objectOf(platform);
    return os === "linux" && of === architecture;
  });
  if (fits !== undefined) return digestIn(fits, image);
  throw new SlipwayError("image-platform", `image ${image} is not made for linux/${architecture}`);
}

function descriptionOf(configuration: unknown): ImageDescription {
  const config = objectOf(objectOf(configuration).config);
  const env = listOf(config.Env).flatMap(entry => {
    const at = typeof entry === "string" ? entry.indexOf("=") : -1;
    return at > 0 ? [{ name: (entry as string).slice(0, at), value: (entry as string).slice(at + 1) }] : [];
  });
  const ports = Object.keys(objectOf(config.ExposedPorts))
    .slice(0, mostEntries)
    .flatMap(key => {
      const [, port, protocol = "tcp"] = /^(\d{1,5})(?:\/(tcp|udp))?$/.exec(key) ?? [];
      const containerPort = Number(port);
      const isPort = containerPort > 0 && containerPort < 65_536;
      return isPort ? [{ containerPort, protocol: protocol as "tcp" | "udp" }] : [];
    });
  return { env, ports };
}
