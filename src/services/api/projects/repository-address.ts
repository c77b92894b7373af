// Which addresses a project's repository may have. Pure.

import { invalid } from "../../../http/problem.ts";

/** Throws a Problem for what cannot be an address of a repository, or may not be one here. */
export function checkRepository(address: string, allowFile: boolean): void {
  const no = (what: string, hint: string) =>
    invalid("repository", `the repository ${JSON.stringify(shown(address))}: ${what}`, hint);
  const forms = "write https://HOST/PATH, ssh://USER@HOST/PATH or USER@HOST:PATH";
  if (/[\s\p{Cc}]/u.test(address) || address.startsWith("-")) throw no("is no address", forms);
  if (/^[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:(?!\/\/)[^-]/.test(address)) return;
  if (!URL.canParse(address)) throw no("is no address", forms);
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
  if (url.username.startsWith("-") || url.host.startsWith("-")) throw no("is no address", forms);
}

/** A credential in an address is not repeated: answers stand in terminals and logs. */
function shown(address: string): string {
  return address.replace(/(\/\/)[^/]*@/, "$1***@").slice(0, 200);
}
