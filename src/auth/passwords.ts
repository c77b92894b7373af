// Passwords, hashed with scrypt. The parameters stand beside the hash, so that they can grow.
// https://www.rfc-editor.org/rfc/rfc7914

import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from "node:crypto";

/** Cost as OWASP recommends: 128 MiB and about 0.3 s a guess. */
const cost = { n: 2 ** 17, r: 8, p: 1 };
const saltBytes = 16;
const hashBytes = 32;

/** `scrypt$N$r$p$SALT$HASH`. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(saltBytes);
  const hash = await derive(password, salt, cost);
  return ["scrypt", cost.n, cost.r, cost.p, salt.toString("base64url"), hash.toString("base64url")].join("$");
}

/** A wrong password, and an account without one (null), take the same time. */
export async function fitsPassword(password: string, stored: string | null): Promise<boolean> {
  const [, n, r, p, salt = "", hash = ""] = (stored ?? nobody).split("$");
  const expected = Buffer.from(hash, "base64url");
  const actual = await derive(password, Buffer.from(salt, "base64url"), {
    n: Number(n),
    r: Number(r),
    p: Number(p),
  });
  return stored !== null && expected.length === actual.length && timingSafeEqual(expected, actual);
}

const nobody = `scrypt$${cost.n}$${cost.r}$${cost.p}$${"A".repeat(22)}$${"A".repeat(43)}`;

function derive(password: string, salt: Buffer, { n, r, p }: typeof cost): Promise<Buffer> {
  const options: ScryptOptions = { N: n, r, p, maxmem: 256 * n * r };
  return new Promise((resolve, reject) => {
    scrypt(password.normalize("NFKC"), salt, hashBytes, options, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}
