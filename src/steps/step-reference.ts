// Reads what stands in a pipeline file as a step's id. Pure; it knows nothing of where steps are kept.

import { accept, type Result, refuse } from "../core/failure.ts";

/** The parts of `[owner/]name[@version] ["url"]`. */
export interface StepReference {
  /** As written. */
  text: string;
  /** `wercker` where the file names none. */
  owner: string;
  /** Bare name: what option variables are built from. */
  name: string;
  /** A semver range or the name of a tag; `*` where the file names none. */
  version: string;
  /** Without its quotes. */
  url?: string;
}

const longest = 2048;
const form = /^\s*([^\s"]+)(?:\s+"([^"]*)")?\s*$/;
const word = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;

/**
 * Takes a step's id apart. The first `/` ends the owner, the first `@` after it begins the version. A refusal
 * (`step-reference-invalid`) names the part that cannot be used: names become directories and variables.
 */
export function parseStepReference(text: string): Result<StepReference> {
  const shown = text.length > 120 ? `${text.slice(0, 120)}...` : text;
  const match = text.length > longest ? null : form.exec(text);
  if (match === null) {
    return refuse(
      "step-reference-invalid",
      `"${shown}" is not a step`,
      'write owner/name@version, or name "https://host/step.tar.gz" with the URL in double quotes',
    );
  }
  const id = match[1]!;
  const url = match[2];
  const slash = id.indexOf("/");
  const owner = slash === -1 ? "wercker" : id.slice(0, slash);
  const rest = slash === -1 ? id : id.slice(slash + 1);
  const at = rest.indexOf("@");
  const name = at === -1 ? rest : rest.slice(0, at);
  const version = (at === -1 ? "" : rest.slice(at + 1)) || "*";
  for (const [what, value] of [
    ["owner", owner],
    ["name", name],
  ] as const) {
    if (!word.test(value)) {
      return refuse(
        "step-reference-invalid",
        `step "${shown}" has the ${what} "${value}"`,
        `an owner or a name consists of letters, digits, "_", "-" and "."`,
      );
    }
  }
  const reference: StepReference = { text, owner, name, version };
  if (url !== undefined) reference.url = url;
  return accept(reference);
}
