// Takes credentials that stand in the file as plain text out of a job: the job refers to them by name, and their
// values travel apart, like any secret. What is dumped, queued or logged then holds none.

import type { BoxSpec, EnvEntry, SecretName } from "../core/job.ts";
import { Secret } from "../core/secret.ts";
import { parseTemplate } from "./expand.ts";

const secretKeys = new Set(["password", "aws-secret-key", "azure-client-secret", "auth-token"]);

/** Collects what was taken out. One for each job, so that names do not collide. */
export interface CredentialCollector {
  names: SecretName[];
  values: Map<string, Secret>;
  /** Names that the job has for something else. */
  taken: ReadonlySet<string>;
}

/** Without anything in it yet. */
export function credentialCollector(taken: Iterable<string>): CredentialCollector {
  return { names: [], values: new Map(), taken: new Set(taken) };
}

/** The box with references in place of the literal secrets among its credentials. */
export function hideBoxCredentials(box: BoxSpec, collector: CredentialCollector): BoxSpec {
  const auth = Object.entries(box.auth).map(
    ([key, value]) => [key, hideValue(key, value, collector)] as const,
  );
  return { ...box, auth: Object.fromEntries(auth) };
}

/** The options of an internal step, which are expanded by the runner and so may refer to a secret. */
export function hideOptionCredentials(
  options: readonly EnvEntry[],
  collector: CredentialCollector,
): EnvEntry[] {
  return options.map(({ name, value }) => ({ name, value: hideValue(name, value, collector) }));
}

function hideValue(key: string, value: string, collector: CredentialCollector): string {
  if (key === "registry-auth-config") return hideInJson(value, collector);
  return secretKeys.has(key) ? hideText(value, collector) : value;
}

/** Only the literal pieces go: `$TOKEN` stays, as does the order of what is around it. */
function hideText(text: string, collector: CredentialCollector): string {
  return parseTemplate(text)
    .map(part => {
      if ("variable" in part) return `\${${part.variable}}`;
      return `\${${keep(part.literal, collector)}}`;
    })
    .join("")
    .replace(/^\$\{(\w+)\}$/, "$$$1");
}

function keep(text: string, collector: CredentialCollector): string {
  for (const [name, value] of collector.values) {
    if (value.reveal() === text) return name;
  }
  let number = collector.names.length + 1;
  while (collector.taken.has(nameOf(number)) || collector.values.has(nameOf(number))) number++;
  const name = nameOf(number);
  collector.names.push({ name, exported: false });
  collector.values.set(name, new Secret(text));
  return name;
}

function nameOf(number: number): string {
  return `SLIPWAY_CREDENTIAL_${number}`;
}

/** `{"https://host": {"username": ..., "password": ...}}`. Text that is no such JSON is kept whole as a secret. */
function hideInJson(text: string, collector: CredentialCollector): string {
  if (text === "") return text;
  const hide = (key: string, value: unknown): unknown =>
    typeof value === "string" && secretKeys.has(key) ? hideText(value, collector) : value;
  try {
    return JSON.stringify(JSON.parse(text), hide);
  } catch {
    return hideText(text, collector);
  }
}
