// What can be said of the values without reading code: each with its meaning and what holds unless told, for documents, the chart's
// values.yaml, and a JSON Schema.

import { z } from "zod";
import { valuesSchema } from "./values.ts";

export interface ValueRow {
  /** `database.storage`. */
  path: string;
  usual: unknown;
  meaning: string;
}

interface JsonSchema {
  description?: string;
  properties?: Record<string, JsonSchema>;
}

/** For editors, and for Helm, which holds values to it. */
export function valuesJsonSchema(): object {
  return z.toJSONSchema(valuesSchema, { io: "input" });
}

/** Every value that may be told, in the order of the schema. */
export function valueRows(): ValueRow[] {
  return rowsOf(valuesJsonSchema() as JsonSchema, valuesSchema.parse({}), "");
}

function rowsOf({ properties = {} }: JsonSchema, usual: Record<string, unknown>, above: string): ValueRow[] {
  return Object.entries(properties).flatMap(([key, schema]) => {
    const path = above === "" ? key : `${above}.${key}`;
    if (schema.properties !== undefined) return rowsOf(schema, usual[key] as Record<string, unknown>, path);
    return [{ path, usual: usual[key], meaning: schema.description ?? "" }];
  });
}

/** Lines of Markdown. A test holds docs/production.md to it. */
export function valuesTable(): string {
  const rows = valueRows().map(({ path, usual, meaning }) => {
    const shown = usual === "" ? "" : `\`${typeof usual === "string" ? usual : JSON.stringify(usual)}\``;
    return `| \`${path}\` | ${shown} | ${meaning.replaceAll("|", "\\|")} |`;
  });
  return ["| value | unless told | meaning |", "| --- | --- | --- |", ...rows].join("\n");
}
