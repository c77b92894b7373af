// Passwords, hashed with scrypt. The parameters stand beside the hash, so that they can grow. A guess takes memory and
// time, so that only a few are looked at together and few may wait: the rest is told to come again.
// https://www.rfc-editor.org/rfc/rfc7914

import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from "node:crypto";
import { problem } from "../http/problem.ts";

export interface Passwords {
  /** `scrypt$N$r$p$SALT$HASH`. */
  hash(password: string): Promise<string>;
  /** A wrong password, and an account without one (null), take the same time. */
  fits(password: string, stored: string | null): Promise<boolean>;
}

export interface PasswordOptions {
  cost?: Cost;
  /** Looked at together, and waiting beside them. */
  atOnce?: number;
  waiting?: number;
}

interface Cost {
  n: number;
  r: number;
  p: number;
}

/** As OWASP recommends: 128 MiB and about 0.3 s a guess. */
const usualCost = { n: 2 ** 17, r: 8, p: 1 };
const saltBytes = 16;
const hashBytes = 32;

/** Both throw a Problem 503 when too many wait. */
export function createPasswords(options: PasswordOptions = {}): Passwords {
  const { cost = usualCost, atOnce = 2, waiting = 20 } = options;
  const inTurn = createTurns(atOnce, waiting);
  const nobody = `scrypt$${cost.n}$${cost.r}$${cost.p}$${"A".repeat(22)}$${"A".repeat(43)}`;
  return {
    async hash(password) {
      const salt = randomBytes(saltBytes);
      const hash = await inTurn(() => derive(password, salt, cost));
      const texts = [salt.toString("base64url"), hash.toString("base64url")];
      return ["scrypt", cost.n, cost.r, cost.p, ...texts].join("$");
    },
    async fits(password, stored) {
      const [, n, r, p, salt = "", hash = ""] = (stored ?? nobody).split("$");
      const expected = Buffer.from(hash, "base64url");
      const kept = { n: Number(n), r: Number(r), p: Number(p) };
      const actual = await inTurn(() => derive(password, Buffer.from(salt, "base64url"), kept));
      return stored !== null && expected.length === actual.length && timingSafeEqual(expected, actual);
    },
  };
}

function derive(password: string, salt: Buffer, { n, r, p }: Cost): Promise<Buffer> {
  const options: ScryptOptions = { N: n, r, p, maxmem: 2 ** 20 + 256 * n * r };
  return new Promise((resolve, reject) => {
    scrypt(password.normalize("NFKC"), salt, hashBytes, options, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}

function createTurns(atOnce: number, waiting: number): <T>(work: () => Promise<T>) => Promise<T> {
  const queue: (() => void)[] = [];
  let running = 0;
  return async work => {
    if (running >= atOnce) {
      if (queue.length >= waiting) throw tooMany();
      await new Promise<void>(resolve => queue.push(resolve));
    } else running++;
    try {
      return await work();
    } finally {
      // The place is handed on, not given back, where somebody waits for it.
      const next = queue.shift();
      if (next === undefined) running--;
      else next();
    }
  };
}

function tooMany() {
  const detail = "too many people are signing in at the moment";
  return problem(503, "busy", "Not available", detail, "try again in a few seconds");
}
