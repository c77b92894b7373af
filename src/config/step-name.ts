// What a step is called when its options do not say.

const form = /^\s*([^\s"]+)(?:\s+"[^"]*")?\s*$/;

/** Name of a step without owner, version and URL: `slack` of `me/slack@1.0 "https://..."`. */
export function bareStepName(ref: string): string {
  const id = form.exec(ref)?.[1] ?? ref.trim();
  const rest = id.slice(id.indexOf("/") + 1);
  const at = rest.indexOf("@");
  return at < 0 ? rest : rest.slice(0, at);
}

/** These two have the name of a container as an option and are always called the same. */
const fixedNames: Record<string, string> = {
  "internal/docker-run": "docker run",
  "internal/docker-kill": "docker kill",
};

/** Whether `name` is an option of the step itself and not what people read. */
export function keepsNameOption(ref: string): boolean {
  return Object.hasOwn(fixedNames, ref);
}

/** The name that a run shows: the step's `name`, else its bare name. */
export function displayNameOf(step: { ref: string; displayName?: string }): string {
  if (keepsNameOption(step.ref)) return fixedNames[step.ref]!;
  return step.displayName ?? bareStepName(step.ref);
}

/** What is wrong with the form of a step's id, if anything. */
export function stepIdFault(ref: string): string | undefined {
  const id = form.exec(ref)?.[1];
  if (id === undefined) return "a step's id has no spaces in it";
  const slash = id.indexOf("/");
  const at = id.indexOf("@");
  if (at >= 0 && at < slash) return "the @ and the version stand at the end, behind the name";
  if (id.endsWith("@")) return "there is no version behind the @";
  if (at !== id.lastIndexOf("@")) return "there is more than one @";
  return undefined;
}
