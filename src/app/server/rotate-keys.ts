// `slipway rotate-keys`: seals all values again with the newest key of the settings, also beside servers that run.

import { openDatabase } from "../../store/database.ts";
import { migrate } from "../../store/migrate.ts";
import { rotateSecrets } from "../../store/rotate-secrets.ts";
import { openSecretBox } from "../../store/secret-box.ts";
import { openPlace } from "./back-up.ts";
import { secretKeys } from "./data-directory.ts";
import type { ServerSettings } from "./settings.ts";

export interface RotateKeysInput {
  settings: ServerSettings;
  say(text: string): void;
  signal: AbortSignal;
}

export interface KeysRotated {
  /** Names the key that seals everything now: 8 hexadecimal digits. */
  keyId: string;
  /** How many values of each table were sealed by an older key. */
  values: Record<string, number>;
}

/** May be cut off and repeated. Throws SlipwayError `secrets-left` where a value cannot be opened; the rest is done then. */
export async function rotateKeys(input: RotateKeysInput): Promise<KeysRotated> {
  await using stack = new AsyncDisposableStack();
  const { databaseUrl, directory } = await openPlace(input, stack);
  const box = openSecretBox(secretKeys(input.settings.secretKey, directory));
  const db = stack.use(openDatabase({ url: databaseUrl, connections: 2 }));
  await migrate(db);
  return { keyId: box.keyId, values: await rotateSecrets(db, box, input.signal) };
}
