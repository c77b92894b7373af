// The JSON Schema (draft 2020-12) of `slipway.yml`, made from the table of keys.

/** The schema as text with a final newline: what `slipway schema` prints and `schema/slipway.schema.json` holds. */
export function schemaText(): string {
  return "{}\n";
}
