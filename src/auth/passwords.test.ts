import { describe, expect, test } from "vitest";
import { createPasswords } from "./passwords.ts";

const cheap = { n: 2 ** 10, r: 8, p: 1 };

describe("passwords", () => {
  test("fit their own hash and no other, whatever they are made of", async () => {
    const passwords = createPasswords({ cost: cheap });
    for (const password of [
      "correct horse battery",
      "пароль-пароль",
      "a".repeat(1024),
      "a b\u{1f600}c d e f g",
    ]) {
      const hash = await passwords.hash(password);
      expect(hash).toMatch(/^scrypt\$1024\$8\$1\$[\w-]{22}\$[\w-]{43}$/);
      expect(await passwords.fits(password, hash)).toBe(true);
      expect(await passwords.fits(`${password} `, hash)).toBe(false);
      expect(await passwords.fits("", hash)).toBe(false);
      expect(await passwords.hash(password)).not.toBe(hash);
    }
  });

  test("typed on another keyboard are the same characters", async () => {
    const passwords = createPasswords({ cost: cheap });
    expect(
      await passwords.fits("e\u0301te\u0301-en-ville", await passwords.hash("\u00e9t\u00e9-en-ville")),
    ).toBe(true);
  });

  test("keep the cost that they were hashed with", async () => {
    const hash = await createPasswords({ cost: { n: 2 ** 9, r: 4, p: 2 } }).hash("correct horse");
    expect(await createPasswords({ cost: cheap }).fits("correct horse", hash)).toBe(true);
  });

  test("cost as much for an account that has none", async () => {
    const passwords = createPasswords({ cost: { n: 2 ** 14, r: 8, p: 1 } });
    const hash = await passwords.hash("correct horse");
    const time = async (stored: string | null) => {
      const before = process.cpuUsage();
      expect(await passwords.fits("wrong", stored)).toBe(false);
      const { user, system } = process.cpuUsage(before);
      return user + system;
    };
    await time(hash);
    const [known, unknown] = [await time(hash), await time(null)];
    expect(unknown).toBeGreaterThan(known / 4);
  });

  test("by default cost 128 MiB a guess", async () => {
    expect(await createPasswords().hash("correct horse")).toMatch(/^scrypt\$131072\$8\$1\$/);
  });

  test("are looked at a few at a time; more than may wait are told to come again", async () => {
    const passwords = createPasswords({ cost: { n: 2 ** 12, r: 8, p: 1 }, atOnce: 2, waiting: 3 });
    const answers = await Promise.allSettled(Array.from({ length: 8 }, () => passwords.fits("x", null)));
    expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(5);
    for (const answer of answers) {
      if (answer.status === "rejected") expect(answer.reason).toMatchObject({ details: { status: 503 } });
    }
    expect(await passwords.fits("x", null)).toBe(false);
  });
});
