// `$VAR` expansion as the runner itself does it: in images, tags, credentials, container environment, volumes and the
// options of internal steps. It must never be used for ordinary step options or code; those belong to the box's shell.

/** The value of a variable, or undefined where there is none. */
export type Lookup = (name: string) => string | undefined;

/** A piece of a text: literal, or a reference to a variable. */
export type TemplatePart = { literal: string } | { variable: string };

// `$*`, `$1` and their like are names of one character. Nobody can define them, so they expand to nothing.
const bareName = /[*#$@!?\-0-9]|[A-Za-z_][A-Za-z0-9_]*/y;

/**
 * Takes a text apart: `$NAME` and `${NAME}` are references; `${}` and an unclosed `${` are dropped; any other `$`
 * stays. There is no escape and no default-value syntax: `${A:-b}` refers to a variable of that very name.
 */
export function parseTemplate(text: string): TemplatePart[] {
  const parts: TemplatePart[] = [];
  const lastBrace = text.lastIndexOf("}");
  let end = 0;
  for (let at = text.indexOf("$"); at >= 0; at = text.indexOf("$", Math.max(end, at + 1))) {
    const reference = referenceAt(text, at, lastBrace);
    if (reference === undefined) continue;
    if (at > end) parts.push({ literal: text.slice(end, at) });
    end = at + reference.length;
    if (reference.name !== "") parts.push({ variable: reference.name });
  }
  if (end < text.length) parts.push({ literal: text.slice(end) });
  return parts;
}

/** What stands at a `$`: a name and the length of all of it. The last `}` is handed in so as not to look for it in vain. */
function referenceAt(
  text: string,
  at: number,
  lastBrace: number,
): { name: string; length: number } | undefined {
  if (text[at + 1] === "{") {
    if (lastBrace < at) return { name: "", length: 2 };
    const name = text.slice(at + 2, text.indexOf("}", at));
    return { name, length: name.length + 3 };
  }
  bareName.lastIndex = at + 1;
  const name = bareName.exec(text)?.[0];
  return name === undefined ? undefined : { name, length: name.length + 1 };
}

/** Expands a text in one pass: an unknown variable is empty, and what a value contains is not looked at again. */
export function expand(text: string, lookup: Lookup): string {
  return parseTemplate(text)
    .map(part => ("literal" in part ? part.literal : (lookup(part.variable) ?? "")))
    .join("");
}

/** The names in a text that `lookup` does not know, each once. */
export function unknownVariables(text: string, lookup: Lookup): string[] {
  const names = parseTemplate(text).flatMap(part => ("variable" in part ? [part.variable] : []));
  return [...new Set(names)].filter(name => lookup(name) === undefined);
}
