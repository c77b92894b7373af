// Which branches and tags a repository has, and their commits, without fetching any of them.

import { accept, type Result, refuse, SlipwayError } from "../core/failure.ts";
import type { Clock } from "../lib/clock.ts";
import { type GitAccess, type GitAccessOptions, openGitAccess } from "./git-access.ts";
import { refusalOf } from "./git-failure.ts";
import { isCommit } from "./repository-address.ts";

export interface RemoteRef {
  /** In full. */
  ref: string;
  /** Of an annotated tag the commit that it stands for. */
  commit: string;
}

export interface RemoteRefs {
  /** Branches and tags, by name. */
  refs: RemoteRef[];
  /** Full name of the branch that HEAD is on, where the host says so. */
  head?: string;
}

export interface ListRemoteOptions extends GitAccessOptions {
  /** Only these full names; all branches and tags unless told. */
  only?: readonly string[];
  seconds: number;
  clock: Clock;
  signal: AbortSignal;
}

const mostBytes = 32 * 1024 * 1024;

/** May be repeated. Refuses as `fetchCommit` does; throws SlipwayError where the host cannot be reached. */
export async function listRemote(options: ListRemoteOptions): Promise<Result<RemoteRefs>> {
  const opened = await openGitAccess(options);
  if (!opened.ok) return opened;
  await using access = opened.value;
  return await listRefs(access, options);
}

/** The same with an access that is open. */
export async function listRefs(
  access: GitAccess,
  { only = [], seconds, clock, signal }: Pick<ListRemoteOptions, "only" | "seconds" | "clock" | "signal">,
): Promise<Result<RemoteRefs>> {
  const bad = only.find(name => !/^[A-Za-z0-9]/.test(name) || /[\p{Cc}\s]/u.test(name));
  if (bad !== undefined) return refuse("git-ref", `"${bad.slice(0, 100)}" is no name of a ref`);
  const late = new AbortController();
  const disarm = clock.after(seconds * 1000, () =>
    late.abort(new SlipwayError("git-timeout", `${access.address.url} did not answer within ${seconds} s`)),
  );
  try {
    // Patterns match ends of names, and `x` also `x^{}`, the commit of an annotated tag.
    const patterns = only.length === 0 ? [] : ["HEAD", ...only.flatMap(name => [name, `${name}^{}`])];
    const output = await access.run(
      ["ls-remote", "--quiet", "--symref", "--", access.address.url, ...patterns],
      {
        mostBytes,
        signal: AbortSignal.any([signal, late.signal]),
      },
    );
    if (output.status !== 0) return { ok: false, refusal: refusalOf(output, access.address.url) };
    return accept(parseListing(output.stdout.toString("utf8"), only));
  } finally {
    disarm();
  }
}

/** What `git ls-remote --symref` prints. */
export function parseListing(text: string, only: readonly string[] = []): RemoteRefs {
  const found = new Map<string, string>();
  let head: string | undefined;
  for (const line of text.split("\n")) {
    const [value = "", name = ""] = line.split("\t");
    if (value.startsWith("ref: ")) {
      if (name === "HEAD") head = value.slice("ref: ".length);
    } else if (isCommit(value) && /^refs\/(heads|tags)\/./.test(name)) {
      // The second line of an annotated tag, with ^{}, comes behind the first.
      found.set(name.replace(/\^\{\}$/, ""), value);
    }
  }
  const refs = [...found]
    .filter(([ref]) => only.length === 0 || only.includes(ref))
    .map(([ref, commit]) => ({ ref, commit }));
  return { refs, ...(head === undefined ? {} : { head }) };
}
