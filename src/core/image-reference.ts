// Names of images by Docker's rules: `[domain[:port]/]path[:tag][@digest]`. Pure text; no registry is asked.

import { accept, type Result, refuse } from "./failure.ts";

export interface ImageReference {
  /** Registry host with port. `docker.io` where none was written. */
  domain: string;
  /** Whether the domain stood in the text. */
  explicitDomain: boolean;
  /** Path in the registry, with `library/` for Docker Hub's own images. */
  path: string;
  tag?: string;
  digest?: string;
}

const hub = "docker.io";
const domainName =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9A-Fa-f:]+\])(?::[0-9]+)?$/;
const pathName = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const tagName = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const digestText = /^(?:sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})$/;
const imageId = /^[0-9a-f]{64}$/;

/**
 * Reads a reference. The name is put into lower case, as Docker asks for; tag and digest are not. Refuses with
 * `bad-image-name`, naming the part that is wrong.
 */
export function parseImageReference(text: string): Result<ImageReference> {
  if (text.length > 1024) return bad(`${text.slice(0, 64)}...`, "it is too long");
  const at = text.indexOf("@");
  const digest = at < 0 ? undefined : text.slice(at + 1);
  if (digest !== undefined && !digestText.test(digest)) {
    return bad(text, "what follows the @ is not a digest such as sha256: and 64 hexadecimal digits");
  }
  const named = at < 0 ? text : text.slice(0, at);
  const colon = named.indexOf(":", named.lastIndexOf("/") + 1);
  const tag = colon < 0 ? undefined : named.slice(colon + 1);
  if (tag !== undefined && !isTag(tag)) {
    return bad(text, `"${tag}" is not a tag (letters, digits, _ . and -, at most 128)`);
  }
  const name = (colon < 0 ? named : named.slice(0, colon)).toLowerCase();
  const split = splitDomain(name);
  if (split === undefined) return bad(text, nameFault(name));
  return accept({
    ...split,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  });
}

/** Whether a text can be an image's tag. */
export function isTag(text: string): boolean {
  return tagName.test(text);
}

function splitDomain(name: string): Pick<ImageReference, "domain" | "explicitDomain" | "path"> | undefined {
  if (imageId.test(name)) return undefined;
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  const explicitDomain = first === "localhost" || /[.:]/.test(first);
  const written = explicitDomain ? first : hub;
  const domain = written === "index.docker.io" || written === "registry-1.docker.io" ? hub : written;
  let path = explicitDomain ? name.slice(slash + 1) : name;
  if (domain === hub && path !== "" && !path.includes("/")) path = `library/${path}`;
  if (!domainName.test(domain) || !pathName.test(path) || domain.length + path.length > 254) return undefined;
  return { domain, explicitDomain, path };
}

function nameFault(name: string): string {
  if (name === "") return "it has no name";
  if (imageId.test(name)) return "64 hexadecimal digits are an image id, not a name";
  if (name.includes("://")) return "it is a URL";
  return "a name is made of lower-case letters, digits and single . _ or - between them, with / between its parts";
}

function bad(text: string, why: string): Result<ImageReference> {
  return refuse(
    "bad-image-name",
    `"${text}" is not a valid repository, error while validating repository name: ${why}.`,
    "Write the image as name, name:tag, host/name:tag or name@sha256:digest.",
  );
}

/** The fully qualified name without tag and digest: `docker.io/library/alpine`. */
export function repositoryOf(reference: ImageReference): string {
  return `${reference.domain}/${reference.path}`;
}

/**
 * The fully qualified image: `docker.io/library/alpine:latest`. A digest names the image alone; the tag beside it
 * is left out.
 */
export function formatImage(reference: ImageReference): string {
  const repository = repositoryOf(reference);
  if (reference.digest !== undefined) return `${repository}@${reference.digest}`;
  return `${repository}:${reference.tag ?? "latest"}`;
}
