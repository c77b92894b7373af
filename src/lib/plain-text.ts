// Texts of strangers, as a terminal may be shown them.

/** Without control characters and characters that turn the direction of writing; lines and tabs stay. */
export function plainText(value: string): string {
  return value.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, letter =>
    letter === "\n" || letter === "\t" ? letter : "\ufffd",
  );
}

/** Every text within a value of JSON. */
export function plainTexts<T>(value: T): T {
  if (typeof value === "string") return plainText(value) as T;
  if (Array.isArray(value)) return value.map(plainTexts) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plainTexts(each)])) as T;
}
