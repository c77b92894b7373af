// Every example does in containers what its `expected.json` says, on images made here.

import { afterAll, beforeAll, test } from "vitest";
import { testDaemon } from "./containers/docker-daemon.ts";
import { makeExampleImages } from "./containers/example-images.ts";
import { exampleNames, runExample } from "./example-run.ts";

const names = await exampleNames();
let images: AsyncDisposable | undefined;

beforeAll(async () => {
  images = await makeExampleImages(await testDaemon());
});

afterAll(() => images?.[Symbol.asyncDispose]());

test.for(names)("%s", async (name, { signal }) => {
  await runExample(name, ["--engine", "docker", "--docker-local"], signal);
});
