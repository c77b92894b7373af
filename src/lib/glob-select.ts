// Selects paths by globs, as `artifacts` and `reports` have them.

/**
 * A predicate for relative paths with `/`. A path is selected when a glob matches it or a directory above it, and
 * no glob with a leading `!` does. Without any glob that selects, everything is. Names that begin with a dot are
 * ordinary.
 */
export async function createPathSelector(globs: readonly string[]): Promise<(path: string) => boolean> {
  const { default: picomatch } = await import("picomatch");
  const compile = (patterns: string[]): ((path: string) => boolean) => {
    const matchers = patterns.map(glob => picomatch(withoutRoot(glob), { dot: true }));
    return path => prefixesOf(path).some(prefix => matchers.some(matches => matches(prefix)));
  };
  const wanted = globs.filter(glob => !glob.startsWith("!"));
  const unwanted = globs.filter(glob => glob.startsWith("!")).map(glob => glob.slice(1));
  const selects = wanted.length === 0 ? () => true : compile(wanted);
  const rejects = unwanted.length === 0 ? () => false : compile(unwanted);
  return path => selects(path) && !rejects(path);
}

function withoutRoot(glob: string): string {
  return glob.replace(/^(\.?\/)+/, "").replace(/\/+$/, "");
}

/** The path and every directory above it. */
function prefixesOf(path: string): string[] {
  const prefixes: string[] = [];
  for (let slash = path.indexOf("/"); slash !== -1; slash = path.indexOf("/", slash + 1)) {
    prefixes.push(path.slice(0, slash));
  }
  prefixes.push(path);
  return prefixes;
}
