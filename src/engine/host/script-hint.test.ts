import { expect, test } from "vitest";
import { hintForScript } from "./script-hint.ts";

test.each([
  "cd /pipeline/source",
  'cp -r build "/pipeline/output"',
  "export CACHE=/pipeline/cache",
  "PATH=$PATH:/pipeline/source/bin make",
  "ls /pipeline",
  "cat >/report/x",
])("%s names a path that is not there", code => {
  expect(hintForScript(code)).toMatch(/\/(pipeline|report).*WERCKER_/);
});

test.each([
  "cd $WERCKER_SOURCE_DIR",
  "curl https://ci.example/pipeline/1",
  "ls ./pipeline/x",
  "echo /pipelines/x",
  "cp a $BASE/report/b",
  "",
])("%s does not", code => {
  expect(hintForScript(code)).toBeUndefined();
});
