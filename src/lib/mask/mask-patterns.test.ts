import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createMasker } from "./create-masker.ts";
import { maskPatterns } from "./mask-patterns.ts";

function mask(text: string, ...values: string[]): string {
  const masker = createMasker(maskPatterns(values));
  return Buffer.concat([...masker.push(Buffer.from(text)), ...masker.flush()]).toString();
}

const secret = `p&ss "w\\rd' \`$x\` /é<1>`;
const key = [
  "-----BEGIN KEY-----",
  "MIIEowIBAAKCAQEA0b3",
  "short",
  "qwertyuiop/+1234567890",
  "-----END KEY-----",
].join("\n");

test("a value under four characters is not masked", () => {
  expect(maskPatterns(["", "abc", " ab ", "        ", "abc\n"])).toEqual([]);
  expect(mask("abc", "abc")).toBe("abc");
  expect(mask("äöü", "äöü")).toBe("äöü");
  expect(mask("abcd", "abcd")).toBe("***");
});

test("a value is masked with and without the white space around it", () => {
  expect(mask("=hunter22=", "hunter22\n")).toBe("=***=");
  expect(mask("=hunter22\n=", "hunter22\n")).toBe("=***=");
});

test("Base64 is masked at all three alignments and in both alphabets", () => {
  for (const value of ["hunter22", "abcd", "ÿþýüûúùø??>>~~"]) {
    for (const encoding of ["base64", "base64url"] as const) {
      for (let before = 0; before < 3; before++) {
        const text = Buffer.from("x".repeat(before) + value + "tail").toString(encoding);
        const masked = mask(text, value);
        expect(masked).toContain("***");
        // What is left of it are at most the two characters that it shares with its neighbours, and these.
        expect(masked.length).toBeLessThanOrEqual(
          3 + 2 + Math.ceil((before * 8) / 6) + Math.ceil((6 * 8) / 6),
        );
      }
    }
  }
});

test("Base64 that a tool has broken into lines is masked", () => {
  for (const columns of [64, 76]) {
    const text = Buffer.from(key)
      .toString("base64")
      .replace(new RegExp(`.{${columns}}`, "g"), "$&\n");
    expect(mask(text, key).replaceAll("***", "").trim().length).toBeLessThanOrEqual(4);
  }
});

test("URL encoding is masked in its dialects", () => {
  const upper = encodeURIComponent(secret);
  expect(mask(upper, secret)).toBe("***");
  expect(
    mask(
      upper.replace(/%[0-9A-F]{2}/g, part => part.toLowerCase()),
      secret,
    ),
  ).toBe("***");
  expect(mask(upper.replaceAll("%20", "+"), secret)).toBe("***");
  expect(mask(new URLSearchParams({ a: secret }).toString(), secret)).toBe("a=***");
  expect(
    mask(
      upper.replace(/[!'()*]/g, char => "%" + char.charCodeAt(0).toString(16).toUpperCase()),
      secret,
    ),
  ).toBe("***");
});

test("JSON is masked as JavaScript, Python, Go and PHP write it, and inside another JSON string", () => {
  const plain = JSON.stringify({ a: `${secret}\t\n` });
  expect(mask(plain, `${secret}\t\n`)).toBe('{"a":"***"}');
  expect(mask(JSON.stringify({ a: plain }), `${secret}\t\n`)).not.toContain("ss");
  expect(mask('"\\u00e9-geheim"', "é-geheim")).toBe('"***"');
  expect(mask('"a\\u0026b-geheim"', "a&b-geheim")).toBe('"***"');
  expect(mask('"a\\/b-geheim"', "a/b-geheim")).toBe('"***"');
});

test("what a POSIX shell prints of a variable is masked", () => {
  const env = { S: secret };
  for (const script of ['set -x; : "$S"', "set", "export -p"]) {
    const out = execFileSync("/bin/sh", ["-c", `{ ${script}; } 2>&1`], { env, encoding: "utf8" });
    expect(mask(out, secret), script).not.toMatch(/S='?p&ss/);
    expect(mask(out, secret), script).toContain("***");
  }
});

test("shell escapes are masked in the three styles", () => {
  expect(mask(`'p'\\''q $1 r'`, "p'q $1 r")).toBe("'***'");
  expect(mask(`p\\'q\\ \\$1\\ r`, "p'q $1 r")).toBe("***");
  expect(mask('"p\\"q\\\\r\\`s $t"', 'p"q\\r`s $t')).toBe('"***"');
  expect(mask('"p\\"q\\\\r\\`s \\$t"', 'p"q\\r`s $t')).toBe('"***"');
});

test("the form in which variables are exported is masked, with what is not printable", () => {
  expect(mask('"a\\tb\\x01c\\ad\\u200be\\"$f"', 'a\tb\x01c\x07d\u200be"$f')).toBe('"***"');
});

test("a value of several lines is masked with literal line ends and line by line", () => {
  expect(mask(key.replaceAll("\n", "\\n"), key)).toBe("***");
  expect(mask(`>${key}<`, key)).toBe(">***<");
  expect(mask("  qwertyuiop/+1234567890", key)).toBe("  ***");
  expect(mask("short", key)).toBe("short");
  expect(mask(key.replaceAll("\n", "\r\n"), key)).toBe("***\r\n***\r\nshort\r\n***\r\n***");
});

test("a value with literal line ends is masked as it is and after `echo -e`", () => {
  const flat = key.replaceAll("\n", "\\n");
  expect(mask(flat, flat)).toBe("***");
  expect(mask(key, flat)).toBe("***");
  expect(mask("qwertyuiop/+1234567890", flat)).toBe("***");
});

test("no form of any value survives", () => {
  const value = fc
    .string({ unit: "grapheme", minLength: 8, maxLength: 40 })
    .filter(text => text.isWellFormed());
  fc.assert(
    fc.property(value, text => {
      fc.pre(!text.includes("*") && text.trim().length >= 8);
      const forms = [
        text,
        encodeURIComponent(text),
        JSON.stringify(text).slice(1, -1),
        text.replaceAll("'", "'\\''"),
        Buffer.from(text)
          .toString("base64")
          .slice(0, Math.floor((Buffer.byteLength(text) * 8) / 6)),
      ];
      for (const form of forms) expect(mask(`[${form}]`, text)).toMatch(/^\[\*\*\*.{0,4}\]$/s);
    }),
  );
});
