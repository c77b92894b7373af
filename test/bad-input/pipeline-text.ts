// The text of a pipeline file for tests, from the code of its steps.

/**
 * A `slipway.yml` with one pipeline `build`: a script step for each name, an after-step where the name begins with
 * `after`. `words` are added to the pipeline, `file` to the file.
 */
export function pipelineText(
  steps: Record<string, string>,
  words: Record<string, unknown> = {},
  file: Record<string, unknown> = { box: "none" },
): string {
  const all = Object.entries(steps).map(([name, code]) => ({ script: { name, code } }));
  const isAfter = ({ script }: { script: { name: string } }) => script.name.startsWith("after");
  const after = all.filter(isAfter);
  const build = {
    ...words,
    steps: all.filter(step => !isAfter(step)),
    ...(after.length === 0 ? {} : { "after-steps": after }),
  };
  // JSON is YAML too.
  return JSON.stringify({ ...file, build }, undefined, 1);
}
