// From a box or service as the file has it to a container with everything expanded. Pure: it opens no connection and
// never looks whether an image is there.

import { accept, type Result, refuse } from "../core/failure.ts";
import { formatImage, type ImageReference, isTag, parseImageReference } from "../core/image-reference.ts";
import type { BoxSpec, EnvEntry } from "../core/job.ts";
import type { Secret } from "../core/secret.ts";
import { mergeEnvironment } from "./environment.ts";
import { expand, type Lookup, unknownVariables } from "./expand.ts";
import type { PlanNotice } from "./plan-notice.ts";
import { type PortMapping, parsePorts } from "./ports.ts";
import { type RegistryAccess, type RegistryPlan, registryAccess } from "./registry-auth.ts";
import { splitShellWords } from "./shell-words.ts";
import { parseVolumes, type Volume } from "./volumes.ts";

export interface ContainerOptions {
  kind: "box" | "service";
  /** Pipeline environment first, then secrets. */
  lookup: Lookup;
  builtInRegistry?: { url: string; token: Secret };
  /** `--checkpoint NAME`: the tag becomes `w-NAME`. */
  checkpoint?: string;
  /** `--enable-volumes`; without it volumes are not even read. */
  enableVolumes?: boolean;
  /** `--publish`, in place of the box's `ports`. */
  publish?: string[];
  /** For engines that run without an image. */
  allowNoImage?: boolean;
}

/** Fits the engine's `ContainerSpec`. */
export interface PlannedContainer {
  /** Fully qualified; empty where the engine needs none. */
  image: string;
  shownImage: string;
  alias: string;
  credentials?: { username: string; password: Secret; server: string };
  cmd?: string[];
  entrypoint?: string[];
  env: EnvEntry[];
  ports: PortMapping[];
  volumes: Volume[];
  ready?: { port?: number; command?: string; timeoutMs: number };
}

export interface ContainerPlan {
  container: PlannedContainer;
  /** Where credentials have to be asked for first, they are not in `container` yet. */
  access: RegistryAccess;
  notices: PlanNotice[];
}

/**
 * Expands a box or a service. Box and service differ in the alias, which a box has none of. A box without `cmd` has
 * none here: the supervisor then picks bash or sh. Refuses what is wrong in image, credentials, ports, volumes and
 * command lines.
 */
export function boxContainer(box: BoxSpec, options: ContainerOptions): Result<ContainerPlan> {
  const { lookup, kind } = options;
  const image = imageOf(box, options);
  if (!image.ok) return image;
  const ports = parsePorts(kind === "box" && options.publish?.length ? options.publish : box.ports);
  if (!ports.ok) return ports;
  const volumes = parseVolumes(options.enableVolumes === true ? (box.volumes ?? "") : "", lookup);
  if (!volumes.ok) return volumes;
  const cmd = commandLine(box.cmd);
  if (!cmd.ok) return cmd;
  const entrypoint = commandLine(box.entrypoint);
  if (!entrypoint.ok) return entrypoint;
  const { access, reference, shownImage, notices } = image.value;
  const alias = kind === "box" ? "" : box.name || lastComponent(reference, shownImage);
  if (kind === "service" && !aliasName.test(alias)) return badAlias(alias);
  const container: PlannedContainer = {
    image: reference === undefined ? "" : formatImage(reference),
    shownImage,
    alias,
    env: mergeEnvironment(
      box.env.map(({ name, value }) => ({ name: name.toUpperCase(), value: expand(value, lookup) })),
    ),
    ports: ports.value,
    volumes: volumes.value,
    ...(cmd.value === undefined ? {} : { cmd: cmd.value }),
    ...(entrypoint.value === undefined ? {} : { entrypoint: entrypoint.value }),
    ...(box.ready === undefined ? {} : { ready: box.ready }),
    ...(access.kind === "plain"
      ? { credentials: { username: access.username, password: access.password, server: access.server } }
      : {}),
  };
  return accept({ container, access, notices });
}

/** What can be a host's name and part of a container's. */
const aliasName = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;

function badAlias(alias: string): Result<ContainerPlan> {
  return refuse(
    "bad-service-name",
    `A service cannot be called "${alias}".`,
    "A name begins with a letter or digit, goes on with letters, digits, _ . or -, and has at most 63 of them.",
  );
}

function commandLine(text: string | undefined): Result<string[] | undefined> {
  if (text === undefined || text.trim() === "") return accept(undefined);
  return splitShellWords(text);
}

function lastComponent(reference: ImageReference | undefined, shown: string): string {
  return (reference?.path ?? shown).split("/").at(-1)!;
}

interface PlannedImage {
  reference: ImageReference | undefined;
  shownImage: string;
  access: RegistryAccess;
  notices: PlanNotice[];
}

function imageOf(box: BoxSpec, options: ContainerOptions): Result<PlannedImage> {
  if (box.id === "") return noImage(options);
  const { lookup } = options;
  const id = expand(box.id, lookup);
  const notices = unsetIn(`${box.id} ${box.tag ?? ""}`, lookup);
  if (id === "") {
    return refuse("no-repository", `Repository not specified: "${box.id}" is empty.`, hintOf(notices));
  }
  const name = splitImage(id);
  const tag =
    options.checkpoint === undefined ? expand(box.tag ?? "", lookup) || name.tag : `w-${options.checkpoint}`;
  const fault = imageFault(box, name, tag, options);
  if (fault !== undefined) return fault;
  const auth = Object.fromEntries(
    Object.entries(box.auth).map(([key, value]) => [key, expand(value, lookup)]),
  );
  const builtIn = options.builtInRegistry === undefined ? {} : { builtInRegistry: options.builtInRegistry };
  const plan = registryAccess({ repository: name.repository, auth, ...builtIn });
  if (!plan.ok) return plan;
  return fullImage(plan.value, tag, options.checkpoint === undefined ? name.digest : undefined, notices);
}

function fullImage(
  plan: RegistryPlan,
  tag: string,
  digest: string | undefined,
  notices: PlanNotice[],
): Result<PlannedImage> {
  const suffix = digest === undefined ? `:${tag || "latest"}` : `@${digest}`;
  const reference = parseImageReference(plan.repository + suffix);
  if (!reference.ok) return reference;
  return accept({
    reference: reference.value,
    shownImage: plan.repository + suffix,
    access: plan.access,
    notices: [...notices, ...plan.notices],
  });
}

function noImage(options: ContainerOptions): Result<PlannedImage> {
  if (options.allowNoImage !== true)
    return refuse("no-box", "No box definition found", "Name an image: box: alpine");
  return accept({ reference: undefined, shownImage: "", access: { kind: "none" }, notices: [] });
}

function unsetIn(text: string, lookup: Lookup): PlanNotice[] {
  return unknownVariables(text, lookup).map(name => ({
    level: "warning",
    message: `$${name} in the image ${text.trim()} is not set, it is taken as empty.`,
  }));
}

function hintOf(notices: PlanNotice[]): string {
  return notices.map(notice => notice.message).join(" ") || "Give the image's name.";
}

/** Takes an image apart without judging it: the tag begins at the first colon after the last slash. */
function splitImage(image: string): { repository: string; tag: string; digest?: string } {
  const at = image.indexOf("@");
  const named = at < 0 ? image : image.slice(0, at);
  const colon = named.indexOf(":", named.lastIndexOf("/") + 1);
  const repository = colon < 0 ? named : named.slice(0, colon);
  const tag = colon < 0 ? "" : named.slice(colon + 1);
  return at < 0 ? { repository, tag } : { repository, tag, digest: image.slice(at + 1) };
}

function imageFault(
  box: BoxSpec,
  name: { digest?: string },
  tag: string,
  options: ContainerOptions,
): Result<PlannedImage> | undefined {
  if (name.digest !== undefined && options.checkpoint === undefined && (box.tag ?? "") !== "") {
    return refuse(
      "bad-image-name",
      `The image "${box.id}" has a digest, and there is a tag "${box.tag}" beside it.`,
      "A digest names exactly one image: leave out the tag.",
    );
  }
  if (name.digest !== undefined && !name.digest.includes(":")) {
    return refuse(
      "bad-image-name",
      `Invalid box name, '@' is not allowed in docker repositories: ${box.id}`,
      "Boxes of the first platform were written so. Name an image, as name:tag or name@sha256:digest.",
    );
  }
  if (tag === "" || isTag(tag)) return undefined;
  return refuse(
    "bad-image-tag",
    `"${tag}" is not a tag that an image can have.`,
    "A tag is made of letters, digits, _ . and -, at most 128 of them.",
  );
}
