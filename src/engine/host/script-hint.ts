// A remark for scripts that name the container's paths: on the host engine they are elsewhere.

const inContainer = /(^|[\s"'=:(<>])\/(pipeline|report)(?=$|[/\s"');:&|<>])/m;

/** What to tell about a script that names `/pipeline` or `/report` literally; undefined for any other. */
export function hintForScript(code: string): string | undefined {
  const found = inContainer.exec(code)?.[2];
  if (found === undefined) return undefined;
  const variable =
    found === "pipeline"
      ? "$WERCKER_ROOT, $WERCKER_CACHE_DIR or $WERCKER_OUTPUT_DIR"
      : "$WERCKER_REPORT_ARTIFACTS_DIR";
  return `the script names /${found}, which the host engine does not have; ${variable} works everywhere`;
}
