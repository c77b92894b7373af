// Where the branches of a project's repository stand, for looks at repositories whose host tells nobody of pushes.

import { mkdir } from "node:fs/promises";
import path from "node:path";
import { accept, type Result } from "../core/failure.ts";
import { listRemote } from "../git/list-remote.ts";
import { storedValues } from "../services/api/runner/stored-values.ts";
import type { PolledProject } from "../services/reporter/poll-pass.ts";
import { gitSettings, type ProjectOpening } from "./open-project.ts";

const seconds = 60;

/** What `polling.heads` of the reporter is. */
export function repositoryHeads(opening: ProjectOpening) {
  return async (
    project: PolledProject,
    signal: AbortSignal,
  ): Promise<Result<ReadonlyMap<string, string>>> => {
    const { db, box, clock } = opening;
    const directory = path.join(opening.directory, "planning");
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const credential = await storedValues(box).credentialOf(db, project.id);
    const listed = await listRemote({
      repository: project.repository,
      ...(credential === undefined ? {} : { credential }),
      ...gitSettings(opening),
      directory,
      seconds,
      clock,
      signal,
    });
    return listed.ok ? accept(new Map(listed.value.refs.map(({ ref, commit }) => [ref, commit]))) : listed;
  };
}
