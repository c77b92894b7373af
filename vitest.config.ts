// Four projects: "unit" needs nothing but Node and a POSIX shell and stays under a minute; "process" needs no more, but
// starts the whole program or trees of processes, again and again; "browser" opens pages in Chromium, and its files are called
// `*.browser.test.ts`; "container" talks to real daemons, and its files are called `*.container.test.ts`.

import { defineConfig } from "vitest/config";

const processTests = [
  "test/faults/**/*.test.ts",
  "test/server/**/*.test.ts",
  "steps/**/*.test.ts",
  "src/steps/resolve-{step,tarball,git}.test.ts",
  "src/app/run-workflow.test.ts",
  "test/bad-input/**/*.test.ts",
  "test/examples.test.ts",
  "src/app/run-remote-job.test.ts",
  "src/app/open-project.test.ts",
  "src/remote/run-remote-job.test.ts",
  "src/git/fetch-commit.test.ts",
  "src/git/open-commit.test.ts",
  "src/cli/main.test.ts",
  "src/cli/commands/completion.test.ts",
  "src/engine/host/host-engine.test.ts",
  "src/engine/host/host-box.test.ts",
  "src/launcher/process/{any-order,process-launcher,runner-ahead}.test.ts",
  "src/store/embedded-postgres.test.ts",
];
// Real daemons, kernels and process trees hiccup on a loaded machine. One more try, which the report shows, tells that
// from a fault; a test that needs it often is one to mend.
const retry = process.env.CI === undefined ? 0 : 1;
const containerTests = ["**/*.container.test.ts", "**/*.browser.test.ts", "**/node_modules/**"];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["{src,test,steps,web}/**/*.test.ts"],
          exclude: [...containerTests, ...processTests],
          setupFiles: ["test/leak-guard.ts"],
          // Many speak to a real database, which shares the machine with all others.
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "process",
          include: processTests,
          exclude: containerTests,
          setupFiles: ["test/leak-guard.ts"],
          testTimeout: 60_000,
          retry,
        },
      },
      {
        test: {
          name: "browser",
          include: ["test/web/**/*.browser.test.ts"],
          // A server, a database and a browser a file: one at a time is what two cores take in good time.
          maxWorkers: 1,
          setupFiles: ["test/web/leak-guard.ts"],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          retry,
        },
      },
      {
        test: {
          name: "container",
          include: ["{src,test,steps}/**/*.container.test.ts"],
          setupFiles: ["test/leak-guard.ts"],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          retry,
        },
      },
      {
        test: {
          // `npm run test:cluster`: what passes against the stand-in, against the cluster of KUBECONFIG.
          name: "cluster",
          include: [
            "test/cluster/**/*.cluster.ts",
            "test/kubernetes/api-{behaviour,flows}.test.ts",
            "test/install/apply.test.ts",
          ],
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
