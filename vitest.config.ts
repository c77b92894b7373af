// Two projects: "unit" needs nothing but Node and a POSIX shell; "container" talks to real daemons. A test file says
// where it belongs by its name: `*.container.test.ts` goes to the second.

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["{src,test,steps}/**/*.test.ts"],
          exclude: ["**/*.container.test.ts", "**/node_modules/**"],
          setupFiles: ["test/leak-guard.ts"],
        },
      },
      {
        test: {
          name: "container",
          include: ["{src,test,steps}/**/*.container.test.ts"],
          setupFiles: ["test/leak-guard.ts"],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
