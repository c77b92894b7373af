// Reads a step's manifest. Old and new names and both shapes of `properties` are understood; what cannot be
// understood costs the step its defaults and never the run.

/** What a manifest says, as far as anything here uses it. */
export interface Manifest {
  name: string;
  version: string;
  summary: string;
  keywords: string[];
  /** In the manifest's order. */
  properties: ManifestProperty[];
}

export interface ManifestProperty {
  name: string;
  type: string;
  required: boolean;
  /** Empty where the manifest gives none. */
  default: string;
}

/** File names in the order in which they are looked for. */
export const manifestNames = ["step.yml", "wercker-step.yml"];

const largestBytes = 256 * 1024;
const mostProperties = 500;

/** A manifest that says nothing. */
function emptyManifest(): Manifest {
  return { name: "", version: "", summary: "", keywords: [], properties: [] };
}

/**
 * The manifest in `text`. All scalars are kept as the text they are written as. Where the text is no manifest,
 * what it says is empty and `warning` tells why.
 */
export async function readManifest(text: string): Promise<{ manifest: Manifest; warning?: string }> {
  if (Buffer.byteLength(text) > largestBytes) {
    return { manifest: emptyManifest(), warning: `the manifest is larger than ${largestBytes} bytes` };
  }
  const { parse } = await import("yaml");
  let root: unknown;
  try {
    root = parse(text, { schema: "failsafe", uniqueKeys: false, maxAliasCount: 100, logLevel: "error" });
  } catch (error) {
    const message = error instanceof Error ? error.message.split("\n")[0]! : String(error);
    return { manifest: emptyManifest(), warning: `the manifest cannot be read: ${message}` };
  }
  if (!isMap(root)) return { manifest: emptyManifest(), warning: "the manifest is not a map" };
  const manifest: Manifest = {
    name: textOf(root.name),
    version: textOf(root.version),
    summary: textOf(root.summary) || textOf(root.description),
    keywords: listOf(root.keywords ?? root.tags),
    properties: propertiesOf(root.properties),
  };
  if (manifest.properties.length > mostProperties) {
    return { manifest: { ...manifest, properties: [] }, warning: `more than ${mostProperties} properties` };
  }
  return { manifest };
}

function propertiesOf(value: unknown): ManifestProperty[] {
  if (Array.isArray(value)) {
    return value.filter(isMap).flatMap(entry => property(textOf(entry.name), entry));
  }
  if (!isMap(value)) return [];
  return Object.entries(value).flatMap(([name, entry]) => property(name, isMap(entry) ? entry : {}));
}

function property(name: string, entry: Record<string, unknown>): ManifestProperty[] {
  if (name === "") return [];
  return [
    {
      name,
      type: textOf(entry.type),
      required: /^(y|yes|on|true)$/i.test(textOf(entry.required)),
      default: textOf(entry.default),
    },
  ];
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A plain empty value and `null` or `~` mean that nothing is given. */
function textOf(value: unknown): string {
  if (typeof value !== "string") return "";
  return value === "~" || value === "null" ? "" : value;
}

function listOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter(item => typeof item === "string") : [];
}
