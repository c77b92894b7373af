// Counts the test cases of a JUnit report. The format has no standard; what all writers share is `testcase`
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

/** Undefined where the text holds no `testsuite` or `testsuites`. */
export function countTests(xml: string): TestCount | undefined {
  const count: TestCount = { tests: 0, failed: 0, skipped: 0, failing: [] };
  let suites = 0;
  let current: { name: string; failed: boolean; skipped: boolean } | undefined;
  const close = () => {
    if (current === undefined) return;
    count.tests += 1;
    if (current.failed) {
      count.failed += 1;
      count.failing.push(current.name);
    } else if (current.skipped) count.skipped += 1;
    current = undefined;
  };
  for (const tag of tagsOf(xml)) {
    const name = /^\/?([A-Za-z:_][\w:.-]*)/.exec(tag)?.[1];
    if (name === "testsuite" || name === "testsuites") suites += 1;
    else if (name === "testcase") {
      close();
      if (tag.startsWith("/")) continue;
      current = { name: testName(tag), failed: false, skipped: false };
      if (tag.endsWith("/")) close();
    } else if (current !== undefined && (name === "failure" || name === "error")) current.failed = true;
    else if (current !== undefined && name === "skipped") current.skipped = true;
  }
  close();
  return suites === 0 ? undefined : count;
}

/** The insides of tags, without comments, CDATA, declarations and processing instructions. */
function* tagsOf(xml: string): Generator<string> {
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
    yield xml.slice(open + 1, end);
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
  return text?.replace(/&(lt|gt|amp|quot|apos);/g, (_, entity: string) => entities[entity] ?? "");
}
