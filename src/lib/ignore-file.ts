// The ignore file of a project: which paths are not copied into the box. It looks like gitignore and is not:
// accepting lines win over ignoring ones wherever they stand, a pattern without a leading slash is compared with
// the trailing components of a path, and `*` never crosses a slash, not even doubled.

/** Says whether a path below the ignore file's directory stays out. With `/`, no slash in front or at the end. */
export type IgnoreRules = (relative: string, isDirectory: boolean) => boolean;

interface Rule {
  accepts: boolean;
  directoriesOnly: boolean;
  anchored: boolean;
  /** One for each component. */
  components: Token[][];
}

/**
 * The rules of an ignore file's text. A directory that is ignored is not entered, so nothing below it can be
 * accepted again. Lines that cannot be understood match nothing.
 */
export function parseIgnoreFile(text: string): IgnoreRules {
  const rules = text
    .split("\n")
    .map(parseLine)
    .filter(rule => rule !== undefined);
  if (rules.every(rule => rule.accepts)) return () => false;
  return (relative, isDirectory) => {
    const parts = relative.split("/");
    const hit = (accepts: boolean): boolean =>
      rules.some(rule => rule.accepts === accepts && matches(rule, parts, isDirectory));
    return hit(false) && !hit(true);
  };
}

function parseLine(raw: string): Rule | undefined {
  let line = raw.trim();
  if (line === "" || line.startsWith("#")) return undefined;
  const accepts = line.startsWith("!");
  if (accepts) line = line.slice(1);
  const directoriesOnly = line.endsWith("/");
  if (directoriesOnly) line = line.slice(0, -1);
  const anchored = line.startsWith("/");
  if (anchored) line = line.slice(1);
  if (line === "") return undefined;
  const components = line.split("/").map(componentPattern);
  if (components.includes(undefined)) return undefined;
  return { accepts, directoriesOnly, anchored, components: components.filter(one => one !== undefined) };
}

function matches(rule: Rule, parts: readonly string[], isDirectory: boolean): boolean {
  if (rule.directoriesOnly && !isDirectory) return false;
  const surplus = parts.length - rule.components.length;
  if (surplus < 0 || (rule.anchored && surplus > 0)) return false;
  return rule.components.every((component, at) => matchesComponent(component, parts[surplus + at]!));
}

type Token =
  | { kind: "star" }
  | { kind: "any" }
  | { kind: "char"; char: string }
  | { kind: "class"; negated: boolean; ranges: { from: string; to: string }[] };

/**
 * One component in the pattern language of file names: `*`, `?`, `[a-z]`, `[^a]`, and a backslash before what is
 * meant literally. Undefined where a bracket is malformed or a backslash has nothing behind it.
 */
function componentPattern(component: string): Token[] | undefined {
  const chars = [...component];
  const tokens: Token[] = [];
  while (chars.length > 0) {
    if (chars[0] === "[") {
      const bracket = takeBracket(chars);
      if (bracket === undefined) return undefined;
      tokens.push(bracket);
      continue;
    }
    const char = chars.shift()!;
    if (char === "*") tokens.push({ kind: "star" });
    else if (char === "?") tokens.push({ kind: "any" });
    else {
      const literal = char === "\\" ? chars.shift() : char;
      if (literal === undefined) return undefined;
      tokens.push({ kind: "char", char: literal });
    }
  }
  return tokens;
}

function takeBracket(chars: string[]): Token | undefined {
  chars.shift();
  const negated = chars[0] === "^";
  if (negated) chars.shift();
  const ranges: { from: string; to: string }[] = [];
  while (chars[0] !== "]" || ranges.length === 0) {
    const from = takeMember(chars);
    if (from === undefined) return undefined;
    let to: string | undefined = from;
    if (chars[0] === "-") {
      chars.shift();
      to = takeMember(chars);
    }
    if (to === undefined) return undefined;
    ranges.push({ from, to });
  }
  chars.shift();
  return { kind: "class", negated, ranges };
}

/** A character inside of brackets; undefined where `-`, `]` or the end stands in its place. */
function takeMember(chars: string[]): string | undefined {
  const char = chars.shift();
  if (char === "-" || char === "]") return undefined;
  return char === "\\" ? chars.shift() : char;
}

/** Never goes back further than to the last star, so that no pattern is slow. */
function matchesComponent(tokens: readonly Token[], name: string): boolean {
  const chars = [...name];
  let token = 0;
  let at = 0;
  let star = -1;
  let starAt = 0;
  while (at < chars.length) {
    const current = tokens[token];
    if (current?.kind === "star") {
      star = token++;
      starAt = at;
    } else if (current !== undefined && matchesChar(current, chars[at]!)) {
      token++;
      at++;
    } else if (star !== -1) {
      token = star + 1;
      at = ++starAt;
    } else return false;
  }
  return tokens.slice(token).every(rest => rest.kind === "star");
}

function matchesChar(token: Token, char: string): boolean {
  if (token.kind === "char") return token.char === char;
  if (token.kind !== "class") return token.kind === "any";
  const point = char.codePointAt(0)!;
  const inside = token.ranges.some(
    ({ from, to }) => from.codePointAt(0)! <= point && point <= to.codePointAt(0)!,
  );
  return inside !== token.negated;
}
