// The settings as a table for `docs/server.md`, made from the schema.

import { flagOf, type SettingName, schema, secretSettings, variableOf } from "./settings.ts";

/** Lines of Markdown. A test holds the document to it. */
export function settingsTable(): string {
  const rows = (Object.entries(schema.shape) as [SettingName, { description?: string }][]).map(
    ([name, { description = "" }]) => {
      const flag = secretSettings.has(name) && name !== "databaseUrl" ? "" : `\`--${flagOf(name)}\``;
      return `| \`${name}\` | \`${variableOf(name)}\` | ${flag} | ${defaultOf(name)} | ${description.replaceAll("|", "\\|")} |`;
    },
  );
  return [
    "| in the file | variable | flag | unless told | meaning |",
    "| --- | --- | --- | --- | --- |",
    ...rows,
  ].join("\n");
}

function defaultOf(name: SettingName): string {
  const parsed = schema.parse({})[name];
  if (parsed === undefined) return "";
  const text =
    typeof parsed === "string"
      ? parsed
      : Array.isArray(parsed)
        ? parsed.join(",")
        : typeof parsed === "object"
          ? ""
          : String(parsed);
  return text === "" ? "" : `\`${text}\``;
}
