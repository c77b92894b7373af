import { describe, expect, test, vi } from "vitest";
import { listener, projectWith } from "./fixtures/project.ts";
import { runWorkflow } from "./run-workflow.ts";
import { UsageRefused } from "./usage-refused.ts";

// Each test runs real shells, and a busy machine takes its time.
vi.setConfig({ testTimeout: 60_000 });

const file = `
box: busybox
make:
  steps:
    - script:
        code: |
          echo "made by make" > "$WERCKER_OUTPUT_DIR/made.txt"
left:
  steps:
    - script:
        code: cat made.txt; echo left > "$WERCKER_OUTPUT_DIR/left.txt"
right:
  steps:
    - script:
        code: cat made.txt; echo right > "$WERCKER_OUTPUT_DIR/right.txt"
join:
  steps:
    - script:
        code: cat left/left.txt right/right.txt; echo "DEPLOY=$DEPLOY CI=$CI WHERE=$WHERE"
fail:
  steps:
    - script:
        code: exit 3
many:
  matrix:
    n: [one, two]
  steps:
    - script:
        code: echo "$MATRIX_N" > "$WERCKER_OUTPUT_DIR/n.txt"
gather:
  steps:
    - script:
        code: cat many/*/n.txt
workflows:
  - name: diamond
    pipelines:
      - name: make
      - name: left
        requires: [make]
      - name: right
        requires: [make]
      - name: join
        requires: [left, right]
        envFile: where.env
  - name: broken
    pipelines:
      - name: make
      - name: fail
        requires: [make]
      - name: join
        requires: [fail]
      - name: left
        requires: [make]
  - name: fan
    pipelines:
      - name: many
      - name: gather
        requires: [many]
  - name: careful
    pipelines:
      - name: make
      - name: left
        requires: [make]
        approval: true
      - name: right
        requires: [make]
        branches: [release]
`;

function project() {
  return projectWith({ "slipway.yml": file, "where.env": "X_WHERE=production\n" });
}

test("outputs become sources: one as the source itself, several in directories of their own", async () => {
  await using place = await project();
  const heard = listener();
  const result = await runWorkflow({ ...place.options, workflow: "diamond" }, heard);
  expect(result).toMatchObject({ outcome: "passed", message: "" });
  expect(heard.output("left")).toBe("made by make\n");
  expect(heard.output("right")).toBe("made by make\n");
  expect(heard.output("join")).toContain("left\nright\n");
  expect(heard.output("join")).toContain("WHERE=production\n");
});

test("what builds upon a failed pipeline is skipped, everything else goes on", async () => {
  await using place = await project();
  const result = await runWorkflow({ ...place.options, workflow: "broken" }, listener());
  expect(result.outcome).toBe("failed");
  expect(result.message).toContain("unable to run pipeline fail: ");
  const ends = Object.fromEntries(result.pipelines.map(({ name, outcome }) => [name, outcome]));
  expect(ends).toEqual({ make: "passed", fail: "failed", join: "skipped", left: "passed" });
});

test("the outputs of a matrix lie side by side", async () => {
  await using place = await project();
  const heard = listener();
  const result = await runWorkflow({ ...place.options, workflow: "fan" }, heard);
  expect(result.outcome).toBe("passed");
  expect(heard.output("gather")).toBe("one\ntwo\n");
  expect(new Set(heard.events.map(({ label }) => label))).toEqual(
    new Set(["many one", "many two", "gather"]),
  );
});

describe("an approval", () => {
  test("that nobody can give is found out before anything runs", async () => {
    await using place = await project();
    const heard = listener();
    await expect(runWorkflow({ ...place.options, workflow: "careful" }, heard)).rejects.toThrow(UsageRefused);
    expect(heard.events).toEqual([]);
  });

  test("is asked for, and a no cancels the pipeline", async () => {
    await using place = await project();
    const asked: string[] = [];
    const ask = (question: string) => {
      asked.push(question);
      return Promise.resolve(false);
    };
    const result = await runWorkflow({ ...place.options, workflow: "careful" }, { ...listener(), ask });
    expect(asked).toEqual(["Run left?"]);
    expect(result.outcome).toBe("canceled");
    expect(result.pipelines).toContainEqual({
      name: "left",
      outcome: "canceled",
      reason: "it was not approved",
    });
  });

  test("can be given beforehand; branches keep an entry out", async () => {
    await using place = await project();
    const options = { ...place.options, workflow: "careful", approve: ["all"] };
    const result = await runWorkflow(options, listener());
    expect(result.outcome).toBe("passed");
    expect(result.pipelines).toContainEqual({
      name: "right",
      outcome: "skipped",
      reason: "there is no branch, not release",
    });
  });
});

test("an unknown workflow has failed, with what comes close", async () => {
  await using place = await project();
  const heard = listener();
  const result = await runWorkflow({ ...place.options, workflow: "diamnod" }, heard);
  expect(result).toMatchObject({ outcome: "failed", pipelines: [] });
  expect(result.message).toContain("Did you mean diamond?");
});

test("in the wercker dialect pipelines run as deploys, one after the other, and the first failure ends it", async () => {
  await using place = await projectWith({
    "wercker.yml": `${file.slice(0, file.indexOf("many:"))}
workflows:
  - name: line
    pipelines:
      - name: make
      - name: fail
        requires: [make]
      - name: left
        requires: [make]
  - name: kind
    pipelines:
      - name: echo
        pipelineName: join
`,
  });
  const options = { ...place.options, wercker: true };
  const line = await runWorkflow({ ...options, workflow: "line" }, listener());
  expect(line.pipelines.map(({ name, outcome }) => [name, outcome])).toEqual([
    ["make", "passed"],
    ["fail", "failed"],
    ["left", "skipped"],
  ]);
});
