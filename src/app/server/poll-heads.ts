// Where the branches of a project's repository stand, for the reporter that looks at repositories now and then.

import path from "node:path";
import { accept } from "../../core/failure.ts";
import { listRemote } from "../../git/list-remote.ts";
import { storedValues } from "../../services/api/runner/stored-values.ts";
import type { PollOptions } from "../../services/reporter/poll-pass.ts";
import type { Platform } from "./platform.ts";

/** A host that says nothing for so long is asked again later. */
const seconds = 30;

export function pollHeads({
  db,
  box,
  clock,
  directory,
  settings,
}: Pick<Platform, "db" | "box" | "clock" | "directory"> & {
  settings: Pick<Platform["settings"], "caFile" | "allowFileRepositories">;
}): PollOptions["heads"] {
  const values = storedValues(box);
  return async ({ id, repository }, signal) => {
    const credential = await values.credentialOf(db, id);
    const listed = await listRemote({
      repository,
      ...(credential === undefined ? {} : { credential }),
      ...(settings.caFile === undefined ? {} : { caFile: settings.caFile }),
      hostKeys: { file: path.join(directory, "known_hosts"), strict: false },
      environment: process.env,
      allowFile: settings.allowFileRepositories,
      directory,
      seconds,
      clock,
      signal,
    });
    if (!listed.ok) return listed;
    return accept(new Map(listed.value.refs.map(({ ref, commit }) => [ref, commit])));
  };
}
