// The endpoints of what jobs leave: artifacts, test results, and all that a replay needs.

import { getReplay, getReplayCache, getReplaySource } from "../../../endpoints/replay.ts";
import { getArtifact, listArtifacts, listTests, testHistory } from "../../../endpoints/results.ts";
import { getStatistics, listFailingTests } from "../../../endpoints/statistics.ts";
import { type Route, route } from "../../../http/route.ts";
import { failingTests } from "../statistics/failing-tests.ts";
import { runFigures } from "../statistics/run-figures.ts";
import { answerBlob } from "./answer-blob.ts";
import { artifactPage, findArtifact } from "./artifacts.ts";
import type { ResultDependencies } from "./dependencies.ts";
import { replayCacheKey, replayOf, replaySourceKey } from "./replay.ts";
import { historyPage, testPage } from "./tests.ts";

/** They have nothing of their own to close. */
export function resultRoutes(deps: ResultDependencies): Route[] {
  const { db, blobs, runDays } = deps;
  return [
    route(listArtifacts, ({ params, query }) => artifactPage(db, params.run, query, runDays)),
    route(getArtifact, async ({ params, request, response, signal }) => {
      const { blobKey, fileName } = await findArtifact(db, params.job, params.artifact);
      const what = `artifact ${params.artifact}`;
      return answerBlob({ blobs, blobKey, what, fileName, request, response, signal });
    }),
    route(listTests, ({ params, query }) => testPage(db, params.run, query)),
    route(testHistory, ({ named, query }) => historyPage(db, named.project!.id, query)),
    route(listFailingTests, ({ named, query }) => failingTests(db, named.project!.id, query)),
    route(getStatistics, ({ named, query }) => runFigures(db, named.project!.id, query)),
    route(getReplay, ({ params }) => replayOf(deps, params.job)),
    route(getReplaySource, async ({ params, request, response, signal }) => {
      const blobKey = await replaySourceKey(db, params.job);
      const fileName = `${params.job}-source.tar.zst`;
      return answerBlob({ blobs, blobKey, what: "the source", fileName, request, response, signal });
    }),
    route(getReplayCache, async ({ params, query, request, response, signal }) => {
      const blobKey = await replayCacheKey(db, params.job, query.key);
      const fileName = `${params.job}-cache.tar.zst`;
      return answerBlob({ blobs, blobKey, what: "the cache", fileName, request, response, signal });
    }),
  ];
}
