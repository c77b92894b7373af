// Where docker-push and docker-scratch-push send an image: repository, tags and credentials, from the step's options.

import { accept, type Refusal, type Result, refuse } from "../../core/failure.ts";
import { isTag, parseImageReference } from "../../core/image-reference.ts";
import { Secret } from "../../core/secret.ts";
import type { RegistryCredentials } from "../../engine/engine.ts";
import type { ImageTools } from "../../engine/image-tools.ts";
import { type RegistryPlan, registryAccess } from "../../plan/registry-auth.ts";
import { ecrCredentials } from "./ecr-token.ts";
import type { InternalContext } from "./internal-step.ts";
import { expanded, listOption } from "./step-options.ts";

export interface PushTarget {
  /** With the registry's host where it is known. */
  repository: string;
  /** At least one. */
  tags: string[];
  credentials?: RegistryCredentials;
}

const authKeys = [
  "username",
  "password",
  "registry",
  "aws-access-key",
  "aws-secret-key",
  "aws-region",
  "aws-registry-id",
  "azure-client-id",
  "azure-client-secret",
  "azure-subscription-id",
  "azure-tenant-id",
  "azure-resource-group",
  "azure-registry-name",
  "azure-login-server",
];

/** Reads the options; nothing is sent yet, but for the token call of Amazon ECR. */
export async function pushTarget(context: InternalContext): Promise<Result<PushTarget>> {
  const repository = expanded(context, "repository");
  if (repository === "")
    return refuse("no-repository", "Repository not specified", "give the option repository");
  const parsed = parseImageReference(repository);
  if (!parsed.ok) return invalid(repository, parsed.refusal.message);
  if (parsed.value.tag !== undefined || parsed.value.digest !== undefined) {
    return invalid(repository, "it has a tag, which belongs into the option tag");
  }
  const plan = registryPlan(context, repository);
  if (!plan.ok) return plan;
  const tags = tagsOf(context, plan.value);
  const wrong = tags.find(tag => !isTag(tag));
  if (wrong !== undefined) {
    return refuse(
      "bad-option",
      `Invalid tag: ${wrong}`,
      'a tag has letters, digits, "_", "." and "-", 128 at most',
    );
  }
  const credentials = await credentialsOf(context, plan.value);
  if (!credentials.ok) return credentials;
  const target = { repository: plan.value.repository, tags };
  return accept(credentials.value === undefined ? target : { ...target, credentials: credentials.value });
}

/** Registry and credentials of the step's options for an image without a tag. Tells what it inferred. */
export function registryPlan(context: InternalContext, repository: string): Result<RegistryPlan> {
  const auth = Object.fromEntries(authKeys.map(key => [key, expanded(context, key)]));
  const { builtInRegistry } = context.settings;
  const plan = registryAccess({
    repository,
    auth,
    ...(builtInRegistry === undefined ? {} : { builtInRegistry }),
  });
  if (plan.ok) for (const notice of plan.value.notices) context.progress(`${notice.message}\n`);
  return plan;
}

/** Credentials for a plan, hidden from the log from now on; undefined where none are given. */
export async function credentialsOf(
  context: InternalContext,
  { access }: RegistryPlan,
): Promise<Result<RegistryCredentials | undefined>> {
  if (access.kind === "none") return accept(undefined);
  if (access.kind === "ecr") {
    context.hide([access.secretKey.reveal()]);
    const credentials = await ecrCredentials(access, context.signal);
    if (credentials.ok) context.hide([credentials.value.password.reveal()]);
    return credentials;
  }
  const password = googleKey(access.username, access.server, access.password.reveal());
  if (password !== "") context.hide([password]);
  return accept({ username: access.username, password: new Secret(password), server: access.server });
}

/** A JSON key that went through a variable has its line breaks escaped once too often. */
function googleKey(username: string, server: string, password: string): string {
  const google = server === "gcr.io" || server.endsWith(".gcr.io");
  return google && username === "_json_key" ? password.replaceAll("\\\\n", "\\n") : password;
}

function tagsOf(context: InternalContext, plan: RegistryPlan): string[] {
  const tags = listOption(context, "tag");
  if (tags.length > 0) return tags;
  const branch = context.environment("WERCKER_GIT_BRANCH") ?? "";
  const commit = context.environment("WERCKER_GIT_COMMIT") ?? "";
  if (!plan.builtIn || branch === "" || commit === "") return ["latest"];
  return ["latest", `${branch}-${commit}`.replace(/[^A-Za-z0-9_.-]/g, "-").slice(0, 128)];
}

function invalid(repository: string, why: string): Result<never> {
  return refuse("bad-option", `Invalid repository: ${repository}: ${why}`);
}

/**
 * Gives `image` every tag of the target and, unless pulling and pushing are off, pushes each. Answers with the
 * first refusal.
 */
export async function pushAll(
  context: InternalContext,
  images: ImageTools,
  image: string,
  target: PushTarget,
): Promise<Refusal | undefined> {
  for (const tag of target.tags) {
    const name = `${target.repository}:${tag}`;
    if (name !== image) await images.tag(image, name);
    if (context.settings.pull === "never") continue;
    const pushed = await images.push(name, target.credentials, context.progress, context.signal);
    if (!pushed.ok) return pushed.refusal;
    await context.say(`\nPushed ${name}\n`);
  }
  return undefined;
}

/** Takes the tags away again where the settings say so. */
export async function removeTags(
  context: InternalContext,
  images: ImageTools,
  target: PushTarget,
): Promise<void> {
  if (!context.settings.cleanupImages) return;
  for (const tag of target.tags) await images.remove(`${target.repository}:${tag}`);
}
