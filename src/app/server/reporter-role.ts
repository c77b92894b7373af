// The role reporter: plans, chains, retries, supersedes, expires, sweeps.

import { messageOf } from "../../core/failure.ts";
import { startReporter } from "../../services/reporter/reporter.ts";
import { openProject } from "../open-project.ts";
import type { Platform } from "./platform.ts";
import { pollHeads } from "./poll-heads.ts";

export async function openReporterRole(
  platform: Platform,
  baseUrl: string,
  stack: AsyncDisposableStack,
): Promise<void> {
  const { db, nudges, clock, blobs, box, log, settings } = platform;
  stack.use(
    startReporter({
      ...{ db, nudges, clock, blobs },
      planning: {
        open: openProject(platform),
        seal: plain => box.seal(plain),
        baseUrl,
        defaultClass: settings.defaultClass,
      },
      polling: { heads: pollHeads(platform) },
      retention: { runDays: settings.retentionDays },
      failed: (loop, error) => log.error({ loop, error: messageOf(error) }, "reporter"),
    }),
  );
}
