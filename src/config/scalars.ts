// What a scalar of a pipeline file means. Files are read by two rules at once: fields with a type of their own keep the
// text as it stands, options of steps get the text of the value that YAML 1.1 makes of it. The resolution is that of
// the parser that existing files were written for, not that of the `yaml` package.

export type ScalarType = "string" | "int" | "float" | "bool" | "null" | "unsigned";

export interface Resolved {
  type: ScalarType;
  /**
   * As a step's option: decimal digits of an int, `true` or `false`, the text as written of strings and floats;
   * empty for null and for integers that need 64 bits without a sign.
   */
  text: string;
}

const truths = new Set(["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"]);
const untruths = new Set(["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"]);
const nulls = new Set(["", "~", "null", "Null", "NULL"]);
const special = /^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)|[-+](?:inf|infinity|nan))$/i;
const decimal = /^[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$/;
const integer = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|0b([01]+)|0([0-7]+)|(0|[1-9][0-9]*))$/;
const largest = 2n ** 63n - 1n;
const largestUnsigned = 2n ** 64n - 1n;

/** Resolves a plain (unquoted) scalar. */
export function resolvePlain(text: string): Resolved {
  if (nulls.has(text)) return { type: "null", text: "" };
  if (truths.has(text)) return { type: "bool", text: "true" };
  if (untruths.has(text)) return { type: "bool", text: "false" };
  if (!/^[-+.0-9]/.test(text) || text.length > 400) return { type: "string", text };
  // Underscores group digits, but not in what begins with a point.
  const digits = text.startsWith(".") ? text : text.replaceAll("_", "");
  const whole = readInteger(digits);
  if (whole !== undefined) return whole;
  if (decimal.test(digits) || special.test(text)) return { type: "float", text };
  return { type: "string", text };
}

function readInteger(text: string): Resolved | undefined {
  const match = integer.exec(text);
  if (match === null) return undefined;
  const [, sign, hex, binary, octal, plain] = match;
  const value = BigInt(
    hex !== undefined
      ? `0x${hex}`
      : binary !== undefined
        ? `0b${binary}`
        : octal !== undefined
          ? `0o${octal}`
          : plain!,
  );
  if (sign === "-" && value <= largest + 1n) return { type: "int", text: (-value).toString() };
  if (sign !== "-" && value <= largest) return { type: "int", text: value.toString() };
  if (sign === "" && value <= largestUnsigned) return { type: "unsigned", text: "" };
  // Larger ones lose digits in a float, as a decimal number may; one with a base prefix is no number at all.
  return plain === undefined && octal === undefined ? { type: "string", text } : undefined;
}
