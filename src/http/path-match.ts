// Finds the endpoint of a path among templates such as `/runs/{run}`. Pure.

interface Node<T> {
  literal: Map<string, Node<T>>;
  parameter?: { name: string; node: Node<T> };
  rest?: { name: string; values: Map<string, T> };
  /** By method. */
  values: Map<string, T>;
}

export interface Match<T> {
  /** By method, for what may be done here. */
  values: ReadonlyMap<string, T>;
  params: Record<string, string>;
}

export interface PathTree<T> {
  add(method: string, template: string, value: T): void;
  /** The path without its query, still percent-encoded. Undefined where nothing is. */
  find(path: string): Match<T> | undefined;
}

/** Literal parts go before parameters, and parameters of one place must have one name. */
export function createPathTree<T>(): PathTree<T> {
  const top = emptyNode<T>();
  return {
    add(method, template, value) {
      let node = top;
      for (const part of template.split("/").slice(1)) {
        const name = /^\{(\w+)(\.\.\.)?\}$/.exec(part);
        if (name === null) {
          const next = node.literal.get(part) ?? emptyNode<T>();
          node.literal.set(part, next);
          node = next;
          continue;
        }
        if (name[2] !== undefined) {
          node.rest ??= { name: name[1]!, values: new Map() };
          node.rest.values.set(method, value);
          return;
        }
        node.parameter ??= { name: name[1]!, node: emptyNode<T>() };
        if (node.parameter.name !== name[1]) {
          throw new Error(`${template}: {${name[1]}} is called {${node.parameter.name}} elsewhere`);
        }
        node = node.parameter.node;
      }
      if (node.values.has(method)) throw new Error(`${method} ${template} is declared twice`);
      node.values.set(method, value);
    },
    find(path) {
      const parts = path.split("/").slice(1);
      return walk(top, parts, 0, []);
    },
  };
}

function emptyNode<T>(): Node<T> {
  return { literal: new Map(), values: new Map() };
}

function walk<T>(
  node: Node<T>,
  parts: string[],
  at: number,
  params: [string, string][],
): Match<T> | undefined {
  if (at === parts.length) {
    return node.values.size === 0 ? undefined : { values: node.values, params: Object.fromEntries(params) };
  }
  const literal = node.literal.get(parts[at]!);
  const found = literal === undefined ? undefined : walk(literal, parts, at + 1, params);
  if (found !== undefined) return found;
  if (node.parameter !== undefined && parts[at] !== "") {
    const value = decoded(parts[at]!);
    if (value !== undefined) {
      const deeper = walk(node.parameter.node, parts, at + 1, [...params, [node.parameter.name, value]]);
      if (deeper !== undefined) return deeper;
    }
  }
  if (node.rest === undefined) return undefined;
  const rest = decoded(parts.slice(at).join("/"));
  if (rest === undefined) return undefined;
  return { values: node.rest.values, params: Object.fromEntries([...params, [node.rest.name, rest]]) };
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
