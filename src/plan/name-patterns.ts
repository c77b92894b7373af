// Patterns for names of branches and tags. No regular expression is made of what a file says, so that no pattern can take
// long.

/**
 * Whether a name is selected by a list of patterns. The list is read in order and the last pattern that matches
 * decides; `!` in front of one excludes. Where the first pattern excludes, the list begins with everything selected.
 * A name that is missing or empty is never selected.
 */
export function matchesPatterns(patterns: readonly string[], name: string | undefined): boolean {
  if (name === undefined || name === "") return false;
  let selected = patterns[0]?.startsWith("!") ?? false;
  for (const pattern of patterns) {
    const excludes = pattern.startsWith("!");
    if (matchesPattern(excludes ? pattern.slice(1) : pattern, name)) selected = !excludes;
  }
  return selected;
}

type Token =
  | { kind: "text"; text: string }
  /** `?` */
  | { kind: "one" }
  /** `*` */
  | { kind: "star" }
  /** `**` */
  | { kind: "all" }
  /** In front of `**` and `/`: both may be nothing. */
  | { kind: "optional" }
  /** `**` and `/` together: anything that ends with a slash. */
  | { kind: "directories" };

/**
 * Whether the whole of `name` fits `pattern`: `*` is anything but `/`, `**` is anything, `?` is one character but `/`,
 * `\` takes the next character as it is. `**` followed by `/` may also be nothing. Takes time in proportion to the
 * lengths of both, multiplied.
 */
export function matchesPattern(pattern: string, name: string): boolean {
  const tokens = tokensOf(pattern);
  let states = withEmptySteps(new Set([0]), tokens);
  for (const character of name) {
    const next = new Set<number>();
    for (const state of states) {
      for (const target of targetsOf(tokens[state], state, character)) next.add(target);
    }
    if (next.size === 0) return false;
    states = withEmptySteps(next, tokens);
  }
  return states.has(tokens.length);
}

function targetsOf(token: Token | undefined, state: number, character: string): number[] {
  switch (token?.kind) {
    case "text":
      return token.text === character ? [state + 1] : [];
    case "one":
      return character === "/" ? [] : [state + 1];
    case "star":
      return character === "/" ? [] : [state];
    case "all":
      return [state];
    case "directories":
      return character === "/" ? [state, state + 1] : [state];
    default:
      return [];
  }
}

/** Adds the states that are reached without a character. A set gives what is added while it is walked through. */
function withEmptySteps(states: Set<number>, tokens: Token[]): Set<number> {
  for (const state of states) {
    const kind = tokens[state]?.kind;
    if (kind === "star" || kind === "all" || kind === "optional") states.add(state + 1);
    if (kind === "optional") states.add(state + 2);
  }
  return states;
}

function tokensOf(pattern: string): Token[] {
  return [...pattern.matchAll(/\*\*\/|\*\*+|\*|\?|\\?([\s\S])/gu)].flatMap(([piece, text]): Token[] => {
    if (text !== undefined) return [{ kind: "text", text }];
    if (piece === "?") return [{ kind: "one" }];
    if (piece === "*") return [{ kind: "star" }];
    return piece.endsWith("/") ? [{ kind: "optional" }, { kind: "directories" }] : [{ kind: "all" }];
  });
}
