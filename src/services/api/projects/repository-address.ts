// Which addresses a project's repository may have. Pure.

import { invalid } from "../../../http/problem.ts";

/** Throws a Problem for what cannot be an address of a repository, or may not be one here. */
export function checkRepository(address: string, allowFile: boolean): void {
  const no = (what: string, hint: string) =>
    invalid("repository", `the repository ${JSON.stringify(shown(address))}: ${what}`, hint);
  const forms = "write https://HOST/PATH, ssh://USER@HOST/PATH or USER@HOST:PATH";
  if (/[\s\p{Cc}]/u.test(address) || address.startsWith("-")) throw no("is no address", forms);
  if (shortForm.test(address)) return;
  // git does not read `https:host`, `https:/host` and `\\` as a URL does.
  if (!/^[A-Za-z]+:\/\//.test(address) || address.includes("\\") || !URL.canParse(address))
    throw no("is no address", forms);
  const url = new URL(address);
  if (url.protocol === "file:") {
    if (allowFile && url.host === "") return;
    throw no(
      "directories of the server's machine are not open to projects",
      "an operator may allow them: SLIPWAY_ALLOW_FILE_REPOSITORIES=true",
    );
  }
  if (!/^(https?|ssh):$/.test(url.protocol) || url.host === "")
    throw no("is of a kind that is not known", forms);
  if (url.password !== "" || (url.username !== "" && url.protocol !== "ssh:")) {
    throw no(
      "holds a credential, which everyone who sees the project would see",
      "leave it out, and set `credential`",
    );
  }
  // Nor is anything encoded that git would decode.
  if (!/^[\w.-]*$/.test(url.username) || !/^(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])$/.test(url.hostname))
    throw no("is no address", forms);
  if (url.username.startsWith("-") || url.host.startsWith("-")) throw no("is no address", forms);
}

/** `USER@HOST:PATH`. */
const shortForm = /^[A-Za-z0-9._-]+@([A-Za-z0-9][A-Za-z0-9.-]*):(?!\/\/)[^-]/;

/**
 * Whether a credential that was given for the one address may be shown to the other: the same host is asked in the same
 * way.
 */
export function sameServer(one: string, other: string): boolean {
  const [of, ofOther] = [serverOf(one), serverOf(other)];
  return of !== undefined && of === ofOther;
}

function serverOf(address: string): string | undefined {
  const host = shortForm.exec(address)?.[1];
  if (host !== undefined) return `ssh://${host.toLowerCase()}`;
  if (!URL.canParse(address)) return undefined;
  const { protocol, host: at } = new URL(address);
  return `${protocol}//${at.toLowerCase().replace(protocol === "ssh:" ? /:22$/ : /$^/, "")}`;
}

/** A credential in an address is not repeated: answers stand in terminals and logs. */
function shown(address: string): string {
  return address.replace(/(\/\/)[^/]*@/, "$1***@").slice(0, 200);
}
