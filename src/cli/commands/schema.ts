// `slipway schema`: the JSON Schema of pipeline files.

import type { Command } from "../context.ts";

export const schema: Command = async context => {
  const { schemaText } = await import("../../config/json-schema.ts");
  await context.out.write(schemaText());
  return 0;
};
