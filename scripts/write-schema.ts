// Writes schema/slipway.schema.json from the table of keys. Run it after a change there: node scripts/write-schema.ts

import { writeFile } from "node:fs/promises";
import { schemaText } from "../src/config/json-schema.ts";

await writeFile(new URL("../schema/slipway.schema.json", import.meta.url), schemaText());
