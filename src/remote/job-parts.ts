// What a runner needs for its job but not for its claim, in one piece: read while the claim is on its way.

export { runJob } from "../runner/run-job.ts";
export { createStepStore } from "../steps/resolve-step.ts";
export { openJobSource } from "./job-source.ts";
export { remoteStorage } from "./remote-storage.ts";
export { testSender } from "./send-tests.ts";
export { storePatience } from "./store-patience.ts";
