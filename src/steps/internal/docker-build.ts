// internal/docker-build: builds an image from a Dockerfile, with the source as it lies in the box as context.

import { accept, type Result, refuse } from "../../core/failure.ts";
import { parseImageReference } from "../../core/image-reference.ts";
import { Secret } from "../../core/secret.ts";
import type { RegistryCredentials } from "../../engine/engine.ts";
import type { BuildRequest } from "../../engine/image-tools.ts";
import { renameArchive } from "../../lib/tar/rename-archive.ts";
import { endOfArchive } from "../../lib/tar/tar-header.ts";
import { needsImages, passed, refused } from "./answers.ts";
import type { InternalContext, InternalStep } from "./internal-step.ts";
import { registryServer } from "./registry-server.ts";
import { expanded, expandedWords, pairsOption, switchOption } from "./step-options.ts";

export const dockerBuild: InternalStep = { sync: true, run: build };

async function build(context: InternalContext) {
  const tools = needsImages(context);
  if ("refusal" in tools) return refused(context, tools.refusal);
  const request = requestOf(context);
  if (!request.ok) return refused(context, request.refusal);
  const directory = directoryOf(context);
  if (!directory.ok) return refused(context, directory.refusal);
  const archive = await context.box.get(directory.value, context.signal);
  if (archive === undefined) {
    const message = `there is no directory ${directory.value} in the box`;
    return refused(context, { code: "no-context", message, hint: "context is a directory below the source" });
  }
  const built = await tools.images.build(
    { ...request.value, context: contextArchive(archive) },
    context.progress,
    context.signal,
  );
  return built.ok ? passed : refused(context, built.refusal);
}

/** The directory's own name is no part of the paths in a build context. */
async function* contextArchive(archive: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* renameArchive(archive, path => (path.includes("/") ? path.slice(path.indexOf("/") + 1) : ""));
  yield endOfArchive;
}

function directoryOf(context: InternalContext): Result<string> {
  const source = `${context.paths.pipeline}/source`;
  const parts = expanded(context, "context")
    .split("/")
    .filter(part => part !== "" && part !== ".");
  if (parts.includes("..")) {
    return refuse("bad-option", `context: "${parts.join("/")}" leads out of the source`);
  }
  return accept([source, ...parts].join("/"));
}

function requestOf(context: InternalContext): Result<Omit<BuildRequest, "context">> {
  const name = expanded(context, "image-name");
  if (name === "")
    return refuse("bad-option", "image-name not set", "docker-push finds the image by this name");
  const tag = `${context.runId}${name}`;
  const parsed = parseImageReference(tag);
  if (!parsed.ok || /[A-Z]/.test(name)) {
    return refuse(
      "bad-option",
      `image-name: "${name}" cannot be the name of an image`,
      "use lower case letters, digits and dashes",
    );
  }
  const buildArgs = pairsOption(context, "build-args");
  if (!buildArgs.ok) return buildArgs;
  const labels = pairsOption(context, "labels");
  if (!labels.ok) return labels;
  const extraHosts = expandedWords(context, "extra-hosts");
  if (!extraHosts.ok) return extraHosts;
  const wrong = extraHosts.value.find(host => !/^[^:\s]+:\S+$/.test(host));
  if (wrong !== undefined)
    return refuse("bad-option", `extra-hosts: ${wrong} is not of the form host:address`);
  const credentials = credentialsOption(context);
  if (!credentials.ok) return credentials;
  return accept({
    tag,
    dockerfile: expanded(context, "dockerfile") || "Dockerfile",
    buildArgs: buildArgs.value,
    labels: labels.value,
    extraHosts: extraHosts.value,
    quiet: switchOption(context, "q"),
    noCache: switchOption(context, "no-cache"),
    squash: switchOption(context, "squash"),
    pull: context.settings.pull === "always",
    keepIntermediate: context.settings.keepContainers,
    credentials: credentials.value,
  });
}

/** `{"https://host/v1/": {"username": ..., "password": ...}}`, with variables in the inner values. */
function credentialsOption(context: InternalContext): Result<RegistryCredentials[]> {
  const text = context.options.get("registry-auth-config") ?? "";
  if (text.trim() === "") return accept([]);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return refuse(
      "bad-option",
      "registry-auth-config is no JSON object",
      'write {"https://registry.example/v2/": {"username": "$USER", "password": "$PASSWORD"}}',
    );
  }
  const credentials: RegistryCredentials[] = [];
  for (const [url, entry] of Object.entries(value)) {
    const text = (key: string) => {
      const given =
        typeof entry === "object" && entry !== null ? (entry as Record<string, unknown>)[key] : undefined;
      return typeof given === "string" ? context.expand(given) : "";
    };
    const password = text("password");
    if (password !== "") context.hide([password]);
    credentials.push({
      username: text("username"),
      password: new Secret(password),
      server: registryServer(url),
    });
  }
  return accept(credentials);
}
