// What becomes of real pipeline files, run over the small source trees beside this file: green and red as they should
// be. Data only; `corpus.container.test.ts` runs it.

import type { Outcome } from "../../src/core/outcome.ts";

export interface CorpusCase {
  /** The file in the corpus, without `.yml`; the tree of the same name is its source, where there is one. */
  file: string;
  /** What the case shows. */
  shows: string;
  /** Words of the command line, without those that choose the engine. */
  args: string[];
  /** Files of the tree that are different here. */
  change?: Record<string, string>;
  outcome: Outcome;
  /** Shown name, outcome and exit code of every step of the main phase that ran, in order. */
  steps: [name: string, outcome: Outcome, exitCode: number | null][];
  /** Texts that the steps print. */
  prints?: (string | RegExp)[];
  /** Texts in the message of the run. */
  message?: (string | RegExp)[];
  /** Texts on stderr, where problems of the file are shown. */
  problems?: (string | RegExp)[];
  /** Files of the pipeline's output, with what they hold. */
  output?: Record<string, string | RegExp>;
}

export const corpusCases: CorpusCase[] = [
  {
    file: "harveylowndes__wercker-test__wercker",
    shows: "a base path and steps in the old shape",
    args: ["run", "test"],
    outcome: "passed",
    steps: [["test", "passed", 0]],
    prints: ["testing in /go/src/github.com/harveylowndes/wercker-test\n", "ok: 2 words\n"],
  },
  {
    file: "watawuwu__noritama__wercker",
    shows: "three steps and an output",
    args: ["run", "--artifacts"],
    outcome: "passed",
    steps: [
      ["test", "passed", 0],
      ["bench", "passed", 0],
      ["build", "passed", 0],
    ],
    prints: ["1 test passed\n", "3 lines\n"],
    output: { noritama: '#!/bin/sh\necho "noritama $1"\n' },
  },
  {
    file: "patrickmounir__aws-wercker",
    shows: "the npm steps of the library, and a deploy section that is not run",
    args: ["run"],
    outcome: "passed",
    steps: [
      ["echo nodejs information", "passed", 0],
      ["npm-install", "passed", 0],
      ["npm-test", "passed", 0],
    ],
    prints: [/node version v\d+\.\d+\.\d+ running/, /npm version \d+\.\d+\.\d+ running/, "pass 1"],
  },
  {
    file: "0x6a68__react-bem-decorator",
    shows: "an image with an owner and a tag, and a dependency that npm installs",
    args: ["run"],
    outcome: "passed",
    steps: [
      ["npm-install", "passed", 0],
      ["npm-test", "passed", 0],
    ],
    prints: ["1 class name is right\n"],
  },
  {
    file: "telescreen__aliyun-wercker-cicd-demo",
    shows: "options beside the step's name, and a package that pip builds",
    args: ["run"],
    outcome: "passed",
    steps: [
      ["pip-install", "passed", 0],
      ["echo python information", "passed", 0],
    ],
    prints: [/Successfully installed greeting-1\.0/, /python version Python 3\.\d+/, /pip version pip \d+/],
  },
  {
    file: "telescreen__aliyun-wercker-cicd-demo",
    shows: "the other pipeline of the file",
    args: ["run", "test"],
    outcome: "passed",
    steps: [["Test CICD Webapp", "passed", 0]],
    prints: ["2 passed"],
  },
  {
    file: "wercker__getting-started-openshift",
    shows: "bundle-install, whose settings the next step needs",
    args: ["run"],
    outcome: "passed",
    steps: [
      ["bundle-install", "passed", 0],
      ["rspec", "passed", 0],
    ],
    prints: ["gems are installed", "2 examples, 0 failures"],
  },
  {
    file: "wercker__step-maven",
    shows: "a pipeline without steps",
    args: ["run"],
    outcome: "passed",
    steps: [],
  },
  {
    file: "oracle__oci-cloud-controller-manager",
    shows: "an image of another registry, eight steps, pipelines beside it that need a daemon",
    args: ["run", "--artifacts"],
    outcome: "passed",
    steps: [
      ["check boilerplate", "passed", 0],
      ["go fmt", "passed", 0],
      ["golint", "passed", 0],
      ["go vet", "passed", 0],
      ["unit tests", "passed", 0],
      ["Build binaries", "passed", 0],
      ["Template manifests", "passed", 0],
      ["Write VERSION.txt", "passed", 0],
    ],
    prints: ["boilerplate is in place\n", "golint has nothing to say\n"],
    // Nothing was put into the output directory: the output is the whole source.
    output: { "dist/VERSION.txt": "1.2.3\n", "dist/manifest.yaml": /version: 1\.2\.3/ },
  },
  {
    file: "oracle__terraform-kubernetes-installer",
    shows: "a box of the pipeline's own with a command, and no box of the file",
    args: ["run", "init"],
    outcome: "passed",
    steps: [["init", "passed", 0]],
    prints: ["Init\n"],
  },
  {
    file: "wercker__wercker-gke-demo",
    shows: "create-file, and an output packed by the step",
    args: ["run", "--artifacts"],
    outcome: "passed",
    steps: [
      ["Nose tests", "passed", 0],
      ["Create a message file.", "passed", 0],
      ["Tar and pass to output dir", "passed", 0],
    ],
    prints: ["1 passed", "hello/message.cfg"],
    output: { "output.tar.gz": /^\x1f/ },
  },
  {
    file: "wercker__workflows-kubernetes-demo",
    shows: "a release that moves its source into the output",
    args: ["run", "release-build", "--artifacts", "--git-branch", "spring"],
    outcome: "passed",
    steps: [
      ["forward deployment scripts", "passed", 0],
      ["npm rebuild", "passed", 0],
      ["build release code", "passed", 0],
      ["prepare output", "passed", 0],
    ],
    output: { "app.js": "built for spring\n", "deployment/todo.yml": "kind: Deployment\n" },
  },
  {
    file: "TheMarvellousTeam__The-Marvellous-Spacedriller__wercker",
    shows: "a good pipeline beside a malformed one",
    args: ["run"],
    outcome: "passed",
    steps: [
      ["npm-install", "passed", 0],
      ["build front", "passed", 0],
    ],
    prints: ["wrote public/index.html\n"],
  },
  {
    file: "TheMarvellousTeam__The-Marvellous-Spacedriller__wercker",
    shows: "the malformed pipeline itself: its steps are a map",
    args: ["run", "deploy"],
    outcome: "failed",
    steps: [],
    message: ["deploy", /steps/],
  },
  {
    file: "harveylowndes__wercker-test__wercker",
    shows: "make that fails",
    args: ["run", "test"],
    change: { "words.txt": "keel\nMast\n" },
    outcome: "failed",
    steps: [["test", "failed", 2]],
    prints: ["FAIL: a word is not in lower case\n"],
    message: ["exit code 2", "make test"],
  },
  {
    file: "0x6a68__react-bem-decorator",
    shows: "npm test that fails",
    args: ["run"],
    change: { "class-names/class-names.js": "module.exports = block => block;\n" },
    outcome: "failed",
    steps: [
      ["npm-install", "passed", 0],
      ["npm-test", "failed", 1],
    ],
    prints: ["AssertionError"],
    message: ["npm test ended with status 1"],
  },
  {
    file: "telescreen__aliyun-wercker-cicd-demo",
    shows: "pytest that fails",
    args: ["run", "test"],
    change: { "webapp.py": "def page(name):\n    return '<p>good day</p>'\n" },
    outcome: "failed",
    steps: [["Test CICD Webapp", "failed", 1]],
    prints: ["1 failed, 1 passed"],
    message: ["exit code 1", "pytest"],
  },
  {
    file: "combient__wercker-example-java-redis",
    shows: "a real service with its link variables, and a program that the box lacks",
    args: ["run"],
    outcome: "failed",
    steps: [
      ["script", "passed", 0],
      ["script", "failed", 127],
    ],
    prints: [/^REDIS_PORT_6379_TCP_ADDR=\d+\.\d+\.\d+\.\d+$/m, /^REDIS_PORT=tcp:/m, /mvn.*not found/],
    message: ["exit code 127", "mvn -e compile"],
  },
  {
    file: "hanxue__dabao-service__wercker",
    shows: "a pipeline whose name is misspelt",
    args: ["build"],
    outcome: "failed",
    steps: [],
    message: ["No pipeline named build", "buid"],
  },
  {
    file: "hanxue__dabao-service__wercker",
    shows: "the only pipeline of the file, in a box that lacks go",
    args: ["run"],
    outcome: "failed",
    steps: [
      ["setup-go-workspace", "passed", 0],
      ["Get dependencies", "failed", 127],
    ],
    prints: ["GOPATH is /pipeline/go", /go: not found/],
    message: ["exit code 127", "go get"],
  },
  {
    file: "couchrishi__terraform-install-latest__wercker",
    shows: "a step that is nowhere to be found",
    args: ["run"],
    outcome: "failed",
    steps: [],
    message: ["validate-wercker-step", "wercker.yml:4", /looked|library/i],
  },
  {
    file: "AdrianPop__sense",
    shows: "an image that is not on this machine",
    args: ["run"],
    outcome: "failed",
    steps: [],
    message: ["alanbem/wercker-php", /not/],
  },
  {
    file: "kordless__site__wercker",
    shows: "a file that holds the name of another",
    args: ["run"],
    outcome: "failed",
    steps: [],
    message: ["The file has no pipelines"],
    problems: ['wercker.yml:1:1 warning: the file holds the text "wercker.yaml", not a map'],
  },
  {
    file: "AgAmemnno__gowerkgcloud",
    shows: "a second list of steps that is indented wrongly",
    args: ["run"],
    outcome: "failed",
    steps: [],
    message: ["Error parsing your wercker.yml:\n  yaml: line 36: ", "indent"],
    problems: [/^wercker\.yml:36:\d+ error: /m, /^> 36 \| /m],
  },
  {
    file: "DgFutureLab__satoyama-api__wercker",
    shows: "tabs",
    args: ["run"],
    outcome: "failed",
    steps: [],
    message: ["Error parsing your wercker.yml:\n  yaml: line 3: ", "tab"],
    problems: [/^wercker\.yml:3:\d+ error: /m],
  },
];
