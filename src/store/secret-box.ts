// Encryption at rest: AES-256-GCM with a random nonce under the newest key of a ring; older keys still open. What is
// sealed names its key, so that a rotation finds what is left to do. The keys come from the settings and are never stored.

import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import { SlipwayError } from "../core/failure.ts";

export interface SecretBox {
  /** Names the key that seals: 8 hexadecimal digits. */
  readonly keyId: string;
  seal(plain: Uint8Array): Uint8Array;
  /** Throws SlipwayError `secret-key-missing` for a key that the ring does not have, `secret-damaged` for changed bytes. */
  open(sealed: Uint8Array): Uint8Array;
  /** The key that sealed it. */
  keyIdOf(sealed: Uint8Array): string;
}

const version = 1;
const idBytes = 4;
const nonceBytes = 12;
const tagBytes = 16;
const headerBytes = 1 + idBytes + nonceBytes;

/** The first of the keys (32 bytes each) seals, all of them open. Throws `secret-key-invalid` for another length or none. */
export function openSecretBox(keys: readonly Uint8Array[]): SecretBox {
  const ring = new Map(keys.map(key => [idOf(key), key]));
  const [first] = keys;
  if (first === undefined || keys.some(key => key.length !== 32)) {
    throw new SlipwayError("secret-key-invalid", "a secret key must have 32 bytes", {
      hint: "make one with `openssl rand -base64 32`",
    });
  }
  const keyId = idOf(first);
  const keyIdOf = (sealed: Uint8Array) => Buffer.from(sealed.subarray(1, 1 + idBytes)).toString("hex");
  return {
    keyId,
    keyIdOf,
    seal(plain) {
      const header = Buffer.concat([
        Buffer.from([version]),
        Buffer.from(keyId, "hex"),
        randomBytes(nonceBytes),
      ]);
      const cipher = createCipheriv("aes-256-gcm", first, header.subarray(1 + idBytes)).setAAD(header);
      return Buffer.concat([header, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    },
    open(sealed) {
      if (sealed.length < headerBytes + tagBytes || sealed[0] !== version) throw damaged();
      const key = ring.get(keyIdOf(sealed));
      if (key === undefined) {
        throw new SlipwayError("secret-key-missing", `a value is sealed with key ${keyIdOf(sealed)}`, {
          hint: "give the server that key too: older keys follow the newest one in SLIPWAY_SECRET_KEY, separated by commas",
        });
      }
      const header = sealed.subarray(0, headerBytes);
      const decipher = createDecipheriv("aes-256-gcm", key, header.subarray(1 + idBytes)).setAAD(header);
      decipher.setAuthTag(sealed.subarray(-tagBytes));
      try {
        return Buffer.concat([decipher.update(sealed.subarray(headerBytes, -tagBytes)), decipher.final()]);
      } catch (cause) {
        throw damaged(cause);
      }
    },
  };
}

function idOf(key: Uint8Array): string {
  return createHash("sha256")
    .update("slipway secret key")
    .update(key)
    .digest("hex")
    .slice(0, idBytes * 2);
}

function damaged(cause?: unknown): SlipwayError {
  return new SlipwayError("secret-damaged", "a sealed value has been changed or cut", { cause });
}
