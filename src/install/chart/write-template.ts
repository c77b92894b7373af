// A function of values to objects, turned into the text of a chart: the function is called with marks instead of values, for many
// settings of the switches, and where its objects differ the text has a condition. Pure, and knows nothing of what is installed.

import { type Assignment, lists, markedNumbers, type Switch } from "./marked-values.ts";

/** Objects by a key of their own; the same key is the same object under other settings. */
export type Render = (assignment: Assignment, twice?: string) => Map<string, unknown>;

interface Writer {
  switches: readonly Switch[];
  render: Render;
  bases: Assignment[];
}

type Step = string | number;

/** Text of each object, by key, in order. Empty conditions of an object stand around it. */
export function writeTemplates(render: Render, switches: readonly Switch[]): Map<string, string> {
  const cache = new Map<string, Map<string, unknown>>();
  const writer: Writer = {
    switches,
    render(assignment, twice = "") {
      const key = `${switches.map(({ path }) => assignment[path] ?? 0).join()} ${twice}`;
      const known = cache.get(key) ?? render(assignment, twice === "" ? undefined : twice);
      cache.set(key, known);
      return known;
    },
    bases: basesOf(switches),
  };
  const keys = orderOf(writer.bases.map(base => [...writer.render(base).keys()]));
  return new Map(
    keys.map(key => {
      const lines = node(writer, [key], { settled: {}, live: switches }, (value, place) =>
        body(writer, [key], value, place, 0),
      );
      return [key, lines.join("\n")];
    }),
  );
}

/** Settings from which each switch is turned in turn: enough that what depends on two together shows. */
function basesOf(switches: readonly Switch[]): Assignment[] {
  let seed = 12_345;
  const next = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((seed / 2 ** 31) * below);
  };
  return Array.from({ length: 24 }, () =>
    Object.fromEntries(switches.map(({ path, options }) => [path, next(options.length)])),
  );
}

function valueAt(
  { render }: Writer,
  [object, ...steps]: Step[],
  assignment: Assignment,
  twice?: string,
): unknown {
  let value: unknown = render(assignment, twice).get(object as string);
  for (const step of steps) {
    if (value === undefined) return undefined;
    value = Array.isArray(value)
      ? value.find((each, at) => elementKey(each, at) === step)
      : (value as Record<string, unknown>)[step];
  }
  return value;
}

/** Lists of what has names are told apart by them. */
function elementKey(element: unknown, at: number): Step {
  const name = (element as { name?: unknown } | null)?.name;
  return typeof name === "string" ? `name:${name}` : at;
}

type Shape = "absent" | "map" | "list" | "scalar";

function shapeOf(value: unknown): Shape {
  if (value === undefined) return "absent";
  if (Array.isArray(value)) return "list";
  return typeof value === "object" && value !== null ? "map" : "scalar";
}

/** What is settled by the conditions around a place, and which switches still matter there. */
interface Place {
  settled: Assignment;
  live: readonly Switch[];
}

/** Lines for what stands at a place, with conditions around them where its shape depends on switches. */
function node(
  writer: Writer,
  path: Step[],
  { settled, live }: Place,
  write: (value: unknown, place: Place) => string[],
): string[] {
  const bases = samplesOf(writer, { settled, live });
  const values = bases.map(base => valueAt(writer, path, base));
  const differing = live.filter(
    each => !Object.hasOwn(settled, each.path) && differs(writer, path, bases, values, each),
  );
  const turning = differing.find(each => turns(writer, path, bases, values, each));
  if (turning === undefined) return write(values[0], { settled, live: differing });
  const branches = turning.options.map((option, at) => ({
    condition: option.condition,
    lines: node(writer, path, { settled: { ...settled, [turning.path]: at }, live: differing }, write),
  }));
  return conditional(branches);
}

/** Where nothing matters any more, one is as good as all. */
function samplesOf({ bases }: Writer, { settled, live }: Place): Assignment[] {
  return (live.length === 0 ? bases.slice(0, 1) : bases).map(base => ({ ...base, ...settled }));
}

function differs(
  writer: Writer,
  path: Step[],
  bases: Assignment[],
  values: unknown[],
  { path: name, options }: Switch,
): boolean {
  return bases.some((base, at) => {
    const text = JSON.stringify(values[at]);
    return options.some(
      (_, option) =>
        base[name] !== option && JSON.stringify(valueAt(writer, path, { ...base, [name]: option })) !== text,
    );
  });
}

/** Whether a switch changes what the text has to be here; what lies deeper sees to itself. */
function turns(
  writer: Writer,
  path: Step[],
  bases: Assignment[],
  values: unknown[],
  { path: name, options }: Switch,
): boolean {
  return bases.some((base, at) =>
    options.some((_, option) => {
      if (base[name] === option) return false;
      const [one, other] = [values[at], valueAt(writer, path, { ...base, [name]: option })];
      const [shape, otherShape] = [shapeOf(one), shapeOf(other)];
      if (shape !== otherShape) return true;
      if (shape === "scalar") return one !== other;
      return isEmpty(one) !== isEmpty(other);
    }),
  );
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

function conditional(branches: { condition: string; lines: string[] }[]): string[] {
  const texts = branches.map(({ lines }) => lines.join("\n"));
  if (texts.every(text => text === texts[0])) return branches[0]!.lines;
  const groups: { conditions: string[]; lines: string[] }[] = [];
  for (const [at, { condition, lines }] of branches.entries()) {
    const same = groups.find(group => group.lines.join("\n") === texts[at]);
    if (same !== undefined) same.conditions.push(condition);
    else groups.push({ conditions: [condition], lines });
  }
  const either = (all: string[]) =>
    all.length === 1 ? all[0]! : `or ${all.map(each => `(${each})`).join(" ")}`;
  const told = groups.filter(({ lines }) => lines.length > 0);
  const whole = told.length === groups.length;
  return [
    ...told.flatMap(({ conditions, lines }, at) => {
      const last = whole && at === told.length - 1;
      const word = at === 0 ? "if " : last ? "else" : "else if ";
      return [`{{- ${word}${last && at > 0 ? "" : either(conditions)} }}`, ...lines];
    }),
    "{{- end }}",
  ];
}

/** Map or list at a place, indented; a scalar never comes here. */
function body(writer: Writer, path: Step[], value: unknown, place: Place, indent: number): string[] {
  const pad = " ".repeat(indent);
  const bases = samplesOf(writer, place);
  if (shapeOf(value) === "map") {
    const keys = orderOf(bases.map(base => Object.keys((valueAt(writer, path, base) ?? {}) as object)));
    return keys.flatMap(key => {
      const list = /^@@key:(.*)@@$/.exec(key)?.[1];
      if (list !== undefined) {
        return [
          `{{- range $key, $value := $.Values.${list} }}`,
          `${pad}{{ $key | quote }}: {{ $value | quote }}`,
          "{{- end }}",
        ];
      }
      return node(writer, [...path, key], place, (child, now) =>
        entry(writer, [...path, key], child, now, indent, `${pad}${key}:`),
      );
    });
  }
  const keys = orderOf(
    bases.map(base =>
      ((valueAt(writer, path, base) ?? []) as unknown[]).map((each, at) => elementKey(each, at)),
    ),
  );
  return keys.flatMap(key =>
    node(writer, [...path, key], place, (child, now) => element(writer, [...path, key], child, now, indent)),
  );
}

function entry(
  writer: Writer,
  path: Step[],
  value: unknown,
  place: Place,
  indent: number,
  head: string,
): string[] {
  const shape = shapeOf(value);
  if (shape === "absent") return [];
  if (shape === "scalar") return [`${head} ${scalar(value)}`];
  if (isEmpty(value)) return [`${head} ${shape === "list" ? "[]" : "{}"}`];
  const lines = [head, ...body(writer, path, value, place, indent + 2)];
  const ranged = rangedAlone(writer, path, value, place);
  // Nothing in the list would leave the key without a value.
  if (ranged === undefined || Object.hasOwn(place.settled, ranged.slice("$.Values.".length))) return lines;
  return [
    `{{- if ${ranged} }}`,
    ...lines,
    "{{- else }}",
    `${head} ${shape === "list" ? "[]" : "{}"}`,
    "{{- end }}",
  ];
}

/** What a list or map is made of alone, where it has nothing of its own. */
function rangedAlone(writer: Writer, path: Step[], value: unknown, place: Place): string | undefined {
  const parts = Array.isArray(value) ? value : Object.keys(value as object);
  if (parts.length !== 1) return undefined;
  if (Array.isArray(value)) return rangeOf(writer, path, parts[0], place)?.over;
  const key = /^@@key:(.*)@@$/.exec(parts[0] as string)?.[1];
  return key === undefined ? undefined : `$.Values.${key}`;
}

function element(writer: Writer, path: Step[], value: unknown, place: Place, indent: number): string[] {
  if (value === undefined) return [];
  const pad = " ".repeat(indent);
  const range = rangeOf(writer, path.slice(0, -1), value, place);
  const lines =
    shapeOf(value) === "scalar"
      ? [`${pad}- ${scalar(value)}`]
      : dashed(body(writer, path, value, place, indent + 2), indent);
  return range === undefined ? lines : [`{{- range ${range.clause} }}`, ...lines, "{{- end }}"];
}

/** The dash takes the place of the first line's indent; a condition there would lose it. */
function dashed(lines: string[], indent: number): string[] {
  const first = lines[0] ?? "";
  if (first.startsWith("{{-")) return [`${" ".repeat(indent)}-`, ...lines];
  return [`${first.slice(0, indent)}- ${first.slice(indent + 2)}`, ...lines.slice(1)];
}

/**
 * What an element stands for all of: entries of a map, or a list whose second element would make the list at this place longer.
 */
function rangeOf(
  writer: Writer,
  path: Step[],
  element: unknown,
  place: Place,
): { over: string; clause: string } | undefined {
  const text = JSON.stringify(element, (_, value) => (typeof value === "number" ? named(value) : value));
  const entries = /^@@key:([\w.]+)@@$/.exec(String((element as { name?: unknown } | null)?.name))?.[1];
  if (entries !== undefined) {
    return { over: `$.Values.${entries}`, clause: `$key, $value := $.Values.${entries}` };
  }
  const longer = lists.find(list => text.includes(`@@${list}[]`) && isLonger(writer, path, place, list));
  if (longer === undefined) return undefined;
  const over = longer.includes("[]") ? longer.slice(longer.lastIndexOf("[]") + 2) : `$.Values.${longer}`;
  return { over, clause: over };
}

function isLonger(writer: Writer, path: Step[], place: Place, list: string): boolean {
  const base = { ...writer.bases[0]!, ...place.settled };
  const length = (twice?: string) => ((valueAt(writer, path, base, twice) ?? []) as unknown[]).length;
  return length(list) > length();
}

function named(number: number): string | number {
  const path = markedNumbers.get(number);
  return path === undefined ? number : `@@${path}@@`;
}

/** A value as a template writes it. */
function scalar(value: unknown): string {
  if (typeof value === "number") {
    const path = markedNumbers.get(value);
    return path === undefined ? String(value) : `{{ int ${reference(path)} }}`;
  }
  if (typeof value !== "string") return JSON.stringify(value);
  const json = /^\{"@@key:([\w.]+)@@":"@@value:[\w.]+@@"\}$/.exec(value)?.[1];
  if (json !== undefined) return `{{ toJson $.Values.${json} | quote }}`;
  const joined = /^@@join:([\w.]+)\[\]@@$/.exec(value)?.[1];
  if (joined !== undefined) return `{{ join "," $.Values.${joined} | quote }}`;
  if (/^@@key:[\w.]+@@$/.test(value)) return "{{ $key | quote }}";
  if (/^@@value:[\w.]+@@$/.test(value)) return "{{ $value | quote }}";
  const whole = /^@@([\w.[\]]+)@@$/.exec(value)?.[1];
  if (whole !== undefined) return `{{ ${reference(whole)} | quote }}`;
  const text = JSON.stringify(value).replace(
    /@@([\w.[\]]+)@@/g,
    (_, path: string) => `{{ ${reference(path)} }}`,
  );
  return text.replace(
    /9170\d{5}/g,
    number => `{{ int ${reference(markedNumbers.get(Number(number)) ?? "")} }}`,
  );
}

/** `a.b` of the values; what stands within a list is told from the element. */
function reference(path: string): string {
  const at = path.lastIndexOf("[]");
  if (at === -1) return `$.Values.${path}`;
  return path.slice(at + 2) === "" ? "." : path.slice(at + 2);
}

/** One order in which all of several orders hold, as far as they agree. */
function orderOf<T>(orders: T[][]): T[] {
  const order: T[] = [];
  // The longest knows most of who stands before whom.
  for (const list of orders.toSorted((one, other) => other.length - one.length)) {
    for (const [at, item] of list.entries()) {
      if (order.includes(item)) continue;
      const before = list.slice(0, at).findLast(each => order.includes(each));
      order.splice(before === undefined ? 0 : order.indexOf(before) + 1, 0, item);
    }
  }
  return order;
}
