// Reading what a server writes of its objects, without what takes longest to read and nobody here asks for. Pure.

const fieldsBegin = ',"managedFields":[';

/**
 * An object's JSON without the first `managedFields`: who wrote which field is a third of a Pod's text, takes as long to parse as
 * all the rest, and nobody here asks for it. It is cut out only where it is plain to see where its list ends; what was not is
 * no JSON any more, and is parsed whole. Throws SyntaxError for what is no JSON.
 */
export function parseSlim(text: string): unknown {
  const from = text.indexOf(fieldsBegin);
  const to = from === -1 ? -1 : text.indexOf("]}", from);
  if (to === -1) return JSON.parse(text);
  // Another member after it: the list had ended before.
  const more = text.indexOf('],"', from);
  if (more !== -1 && more < to) return JSON.parse(text);
  try {
    return JSON.parse(text.slice(0, from) + text.slice(to + 1));
  } catch {
    return JSON.parse(text);
  }
}
