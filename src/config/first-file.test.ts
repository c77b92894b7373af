import { expect, test } from "vitest";
import { checkFile } from "./check.ts";
import { firstFileFor } from "./first-file.ts";

const cases: [kind: string, names: string[]][] = [
  ["node", ["README.md", "package.json"]],
  ["node", ["package.json", "yarn.lock"]],
  ["node", ["package.json", "pnpm-lock.yaml", "Dockerfile"]],
  ["node", ["package.json", "package-lock.json"]],
  ["python", ["requirements.txt"]],
  ["python", ["pyproject.toml"]],
  ["ruby", ["Gemfile"]],
  ["go", ["go.mod"]],
  ["go", ["main.go"]],
  ["maven", ["pom.xml"]],
  ["maven", ["pom.xml", "mvnw"]],
  ["gradle", ["build.gradle.kts"]],
  ["gradle", ["gradlew"]],
  ["rust", ["Cargo.toml"]],
  ["docker", ["Dockerfile"]],
  ["default", []],
  ["default", ["README.md", "__proto__"]],
];

test.each(cases)("%s: %j", (kind, names) => {
  const first = firstFileFor(names);
  expect(first.kind).toBe(kind);
  const { problems, report } = checkFile(Buffer.from(first.text), {
    dialect: "slipway",
    name: "slipway.yml",
  });
  expect(problems).toEqual([]);
  expect(report.pipelines.build!.steps.length).toBeGreaterThan(0);
  expect(first.text).toMatch(/^# /);
});

test("the lock file decides how packages are installed", () => {
  expect(firstFileFor(["package.json", "package-lock.json"]).text).toContain("code: npm ci\n");
  expect(firstFileFor(["package.json"]).text).toContain("code: npm install\n");
  expect(firstFileFor(["package.json", "yarn.lock"]).text).toContain("yarn install");
});
