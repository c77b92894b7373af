// How a registry asks for authorization, as text. Pure.
// https://www.rfc-editor.org/rfc/rfc9110#name-www-authenticate

export interface Challenge {
  /** In lower case. */
  scheme: string;
  parameters: Record<string, string>;
}

const longest = 8192;
const token = String.raw`[!#$%&'*+.^_\x60|~0-9A-Za-z-]+`;
const parameter = new RegExp(String.raw`^\s*,?\s*(${token})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|(${token}))`);
const scheme = new RegExp(String.raw`^\s*,?\s*(${token})(?=\s|,|$)`);

/** The challenges of a `WWW-Authenticate` header, in their order; what is malformed ends the list. */
export function challengesOf(header: string): Challenge[] {
  const challenges: Challenge[] = [];
  let rest = header.slice(0, longest);
  for (;;) {
    const named = scheme.exec(rest);
    if (named === null || rest.trim() === "") return challenges;
    rest = rest.slice(named[0].length);
    const parameters: Record<string, string> = Object.create(null);
    for (let next = parameter.exec(rest); next !== null; next = parameter.exec(rest)) {
      const [whole, name = "", quoted, plain] = next;
      parameters[name.toLowerCase()] =
        quoted === undefined ? (plain ?? "") : quoted.replaceAll(/\\(.)/g, "$1");
      rest = rest.slice(whole.length);
    }
    challenges.push({ scheme: (named[1] ?? "").toLowerCase(), parameters });
  }
}

/**
 * Whether a registry's login may be given to the place that it names for tokens: one that nobody listens in on, or itself.
 */
export function mayHaveLogin(realm: URL, registry: URL): boolean {
  return realm.protocol === "https:" || realm.host === registry.host;
}
