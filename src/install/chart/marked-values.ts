// Values that are no values but marks: objects made from them show where each value goes, and a chart is written from that. What
// decides the shape of objects is a switch, with each of its settings and the condition that a chart tests for it.

import { type Values, valuesSchema } from "../values.ts";

/** One setting of a switch, and the condition (in Go's templates) under which it holds. */
export interface Option {
  value: unknown;
  condition: string;
}

export interface Switch {
  path: string;
  options: Option[];
}

/** Path of a switch -> index of its option. */
export type Assignment = Readonly<Record<string, number>>;

function eq(path: string, ...settings: string[]): Switch {
  return { path, options: settings.map(value => ({ value, condition: `eq $.Values.${path} "${value}"` })) };
}
function flag(path: string): Switch {
  return {
    path,
    options: [
      { value: true, condition: `$.Values.${path}` },
      { value: false, condition: `not $.Values.${path}` },
    ],
  };
}
function given(path: string, value: unknown = mark(path), none: unknown = ""): Switch {
  return {
    path,
    options: [
      { value, condition: `$.Values.${path}` },
      { value: none, condition: `not $.Values.${path}` },
    ],
  };
}

/** A list of texts: one element stands for all, and joined they are known as joined. */
class MarkedList extends Array<string> {
  // What is made of a marked list by map or filter is an ordinary one.
  static override get [Symbol.species]() {
    return Array;
  }
  override join(): string {
    return `@@join:${this[0]!.slice(2)}`;
  }
}
function markedList(path: string): string[] {
  return MarkedList.from([mark(`${path}[]`)]);
}

export const switches: readonly Switch[] = [
  flag("nodeClasses"),
  eq("database.kind", "own", "external"),
  eq("blobs.kind", "s3", "volume"),
  eq("routes.kind", "ingress", "httproute", "none"),
  eq("blobs.volume.accessMode", "ReadWriteMany", "ReadWriteOnce"),
  flag("scrape"),
  ...["api", "logs", "reporter", "worker"].map(role => flag(`${role}.scale`)),
  given("caConfigMap"),
  given("knownHostsConfigMap"),
  given("forwardSecret"),
  given("database.storageClass"),
  given("blobs.s3.secret"),
  given("blobs.volume.storageClass"),
  given("routes.className"),
  given("routes.tlsSecret"),
  given("routes.gateway.namespace"),
  given("image.pullSecrets", markedList("image.pullSecrets"), []),
  given("routes.trustedProxies", markedList("routes.trustedProxies"), []),
];

/** Of a text in its place. */
function mark(path: string): string {
  return `@@${path}@@`;
}

/** What stands for each number: numbers that nothing else is. */
export const markedNumbers = new Map<number, string>();
const firstNumber = 917_000_001;

const maps = /(^|\.)(requests|limits|quota|defaultRequests|defaultLimits|annotations|settings)$/;

/** Lists of which objects have an element each. What is of `a[].b` lies in an element of `a`. */
export const lists = [
  "image.pullSecrets",
  "routes.from",
  "egress.except",
  "egress.except6",
  "egress.allow",
  "egress.allow[].ports",
  "egress.dnsAddresses",
] as const;

/**
 * Everything marked; switches as the assignment sets them. `twice`: a list that has its one element twice, which shows where its
 * elements go.
 */
export function markedValues(assignment: Assignment, twice?: string): Values {
  const byPath = new Map(switches.map(each => [each.path, each.options[assignment[each.path] ?? 0]!.value]));
  const values = marked(valuesSchema.parse({}), "", byPath) as Values;
  const { image, routes, egress } = values;
  const of: Record<string, unknown[] | undefined> = {
    "image.pullSecrets": image.pullSecrets,
    "routes.from": routes.from,
    "egress.except": egress.except,
    "egress.except6": egress.except6,
    "egress.allow": egress.allow,
    "egress.allow[].ports": egress.allow[0]?.ports,
    "egress.dnsAddresses": egress.dnsAddresses,
  };
  const list = twice === undefined ? undefined : of[twice];
  if (list !== undefined && list.length === 1) list.push(list[0]);
  return values;
}

function marked(value: unknown, path: string, settled: ReadonlyMap<string, unknown>): unknown {
  // A new list each time, since one may be made longer.
  if (settled.has(path)) {
    const value = settled.get(path);
    return Array.isArray(value) ? (value.length === 0 ? [] : markedList(path)) : value;
  }
  if (path === "egress.allow")
    return [{ cidr: mark(`${path}[].cidr`), ports: [numberFor(`${path}[].ports[]`)] }];
  if (typeof value === "string") return mark(path);
  if (typeof value === "number") return numberFor(path);
  if (typeof value === "boolean") throw new Error(`${path} is a switch`);
  if (Array.isArray(value)) return markedList(path);
  if (maps.test(path)) return { [mark(`key:${path}`)]: mark(`value:${path}`) };
  const below = Object.entries(value as object).map(([key, each]) => [
    key,
    marked(each, path === "" ? key : `${path}.${key}`, settled),
  ]);
  return Object.fromEntries(below);
}

function numberFor(path: string): number {
  for (const [number, known] of markedNumbers) if (known === path) return number;
  const number = firstNumber + markedNumbers.size;
  markedNumbers.set(number, path);
  return number;
}
