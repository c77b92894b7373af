import fc from "fast-check";
import { expect, test } from "vitest";
import { newToken, type TokenKind } from "../auth/tokens.ts";
import { keyOf, newClaimToken } from "../queue/postgres/tokens.ts";
import { openServerLog } from "./server-log.ts";

function lineOf(fields: Record<string, unknown>, message: string): string {
  const lines: string[] = [];
  openServerLog("debug", line => void lines.push(line)).info(fields, message);
  return lines.join("");
}

test("a line is one object of JSON with time, level, fields and message", () => {
  const line = lineOf({ run: "r1", text: "two\nlines" }, "done");
  expect(line.split("\n")).toHaveLength(2);
  expect(JSON.parse(line)).toMatchObject({ level: "info", run: "r1", text: "two\nlines", msg: "done" });
  expect(JSON.parse(line).time).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
});

test("lines below the level are not written; a child keeps its fields", () => {
  const lines: string[] = [];
  const log = openServerLog("warn", line => void lines.push(line)).child({ job: "j1" });
  log.debug({}, "no");
  log.info({}, "no");
  log.warn({}, "yes");
  expect(lines.map(line => JSON.parse(line))).toMatchObject([{ level: "warn", job: "j1", msg: "yes" }]);
});

const claim = newClaimToken("0123456789abcdef01234567");
const tokens = [
  ...(["personal", "project", "worker"] satisfies TokenKind[]).map(newToken),
  claim,
  keyOf(claim, "0123456789abcdef01234567", "nonce"),
];

test("no token stands in a line, wherever it was", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...tokens),
      fc.string(),
      fc.constantFrom("\n", "\t", "x", "_", " ", '"'),
      (token, text, before) => {
        const line = lineOf(
          {
            [`${before}${token}`]: 1,
            deep: { list: [`${text}${before}${token}`] },
            error: `Bearer ${token}`,
          },
          `${before}${token} ${text}`,
        );
        for (const secret of token.split(".")) expect(line.includes(secret.slice(-12))).toBe(false);
        expect(() => JSON.parse(line)).not.toThrow();
      },
    ),
  );
});

test("no password of an address stands in a line", () => {
  const line = lineOf(
    { url: "postgres://me:hunter2@db/x", other: "https://:hunter2@host" },
    "at redis://u:hunter2@h:1/",
  );
  expect(line).not.toContain("hunter2");
  expect(JSON.parse(line).url).toBe("postgres://me:***@db/x");
});
