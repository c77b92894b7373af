// Reads the test cases of a JUnit report. The format has no standard; what all writers share is `testcase`
// elements with `failure`, `error` or `skipped` inside, and that is all that is read here. A report comes from a
// step, so it is a stranger's text: it is scanned once, in linear time, and no entity is ever expanded but the
// five that XML itself defines.

export interface TestCount {
  tests: number;
  failed: number;
  skipped: number;
  /** Names of failing tests, `class.name`. */
  failing: string[];
}

const entities: Record<string, string> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

/** One test of a report. */
export interface TestCase {
  /** Name of the innermost suite. */
  suite: string;
  /** `class.name`. */
  name: string;
  outcome: "passed" | "failed" | "skipped";
  durationMs: number | null;
  /** Why it failed or was skipped; cut at 8192 characters. */
  message: string;
}

const longestMessage = 8192;

/** Undefined where the text holds no `testsuite` or `testsuites`. */
export function readTests(xml: string): { count: TestCount; cases: TestCase[] } | undefined {
  const cases: TestCase[] = [];
  const suites: string[] = [];
  let known = false;
  let current: TestCase | undefined;
  let textFrom: number | undefined;
  const close = () => {
    if (current !== undefined) cases.push(current);
    current = undefined;
    textFrom = undefined;
  };
  for (const { tag, from, to } of tagsOf(xml)) {
    const name = /^\/?([A-Za-z:_][\w:.-]*)/.exec(tag)?.[1];
    const alone = tag.endsWith("/");
    if (name === "testsuite" || name === "testsuites") {
      known = true;
      if (tag.startsWith("/")) suites.pop();
      else if (!alone) suites.push(attribute(tag, "name") ?? "");
    } else if (name === "testcase") {
      close();
      if (tag.startsWith("/")) continue;
      const suite = suites.findLast(each => each !== "") ?? "";
      current = { suite, name: testName(tag), outcome: "passed", durationMs: duration(tag), message: "" };
      if (alone) close();
    } else if (current !== undefined && (name === "failure" || name === "error" || name === "skipped")) {
      if (tag.startsWith("/")) {
        if (textFrom !== undefined) addMessage(current, textOf(xml.slice(textFrom, from)));
        textFrom = undefined;
        continue;
      }
      if (name !== "skipped") current.outcome = "failed";
      else if (current.outcome === "passed") current.outcome = "skipped";
      addMessage(current, attribute(tag, "message") ?? "");
      textFrom = alone ? undefined : to;
    }
  }
  close();
  if (!known) return undefined;
  const failed = cases.filter(each => each.outcome === "failed");
  const skipped = cases.filter(each => each.outcome === "skipped").length;
  const failing = failed.map(each => each.name);
  return { count: { tests: cases.length, failed: failed.length, skipped, failing }, cases };
}

function addMessage(test: TestCase, text: string): void {
  const more = text.trim();
  if (more === "" || test.message === more) return;
  test.message = (test.message === "" ? more : `${test.message}\n${more}`).slice(0, longestMessage);
}

/** What stands between two tags, for people. */
function textOf(raw: string): string {
  const cut = raw.slice(0, 4 * longestMessage);
  return cut
    .split("<![CDATA[")
    .map((part, index) => {
      if (index === 0) return unescaped(part);
      const [literal = "", rest = ""] = part.split(/\]\]>(.*)/s);
      return literal + unescaped(rest);
    })
    .join("");
}

/** Seconds, as all writers have them. */
function duration(tag: string): number | null {
  const seconds = Number(attribute(tag, "time")?.replaceAll(",", "") || Number.NaN);
  const most = 2_000_000;
  return seconds >= 0 && seconds < most ? Math.round(seconds * 1000) : null;
}

/** The insides of tags, without comments, CDATA, declarations and processing instructions. */
function* tagsOf(xml: string): Generator<{ tag: string; from: number; to: number }> {
  let at = 0;
  for (;;) {
    const open = xml.indexOf("<", at);
    if (open === -1) return;
    const skip = skipped(xml, open);
    if (skip !== undefined) {
      at = skip;
      continue;
    }
    const end = tagEnd(xml, open + 1);
    if (end === -1) return;
    yield { tag: xml.slice(open + 1, end), from: open, to: end + 1 };
    at = end + 1;
  }
}

function skipped(xml: string, open: number): number | undefined {
  for (const [begin, end] of [
    ["<!--", "-->"],
    ["<![CDATA[", "]]>"],
    ["<?", "?>"],
    ["<!", ">"],
  ] as const) {
    if (!xml.startsWith(begin, open)) continue;
    const close = xml.indexOf(end, open + begin.length);
    return close === -1 ? xml.length : close + end.length;
  }
  return undefined;
}

function tagEnd(xml: string, from: number): number {
  let quote = "";
  for (let at = from; at < xml.length; at++) {
    const char = xml[at] as string;
    if (quote !== "") {
      if (char === quote) quote = "";
    } else if (char === '"' || char === "'") quote = char;
    else if (char === ">") return at;
  }
  return -1;
}

function testName(tag: string): string {
  const className = attribute(tag, "classname");
  const name = attribute(tag, "name") ?? "?";
  return className ? `${className}.${name}` : name;
}

function attribute(tag: string, name: string): string | undefined {
  const match = new RegExp(`\\s${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)')`).exec(tag);
  const text = match?.[1] ?? match?.[2];
  return text === undefined ? undefined : unescaped(text);
}

function unescaped(text: string): string {
  return text.replace(/&(lt|gt|amp|quot|apos);/g, (_, entity: string) => entities[entity] ?? "");
}
