// What git says when it fails, as one of two things: the repository's answer, which is the user's affair, or a network or
// host in trouble, which is not.

import { type Refusal, SlipwayError } from "../core/failure.ts";
import type { GitOutput } from "./git-process.ts";

const refusals: { code: string; said: RegExp; hint: string }[] = [
  {
    code: "git-host-key",
    said: /host key verification failed|remote host identification has changed/i,
    hint: "the key of the host is not known: check it, and add it to the list of known hosts",
  },
  {
    code: "git-auth",
    said: /authentication failed|could not read (username|password)|terminal prompts disabled|permission denied \(|access denied|returned error: 40[13]\b|invalid credentials|error in libcrypto|invalid format/i,
    hint: "check the project's credential and what it may read",
  },
  {
    code: "git-not-found",
    said: /repository .*not found|does not appear to be a git repository|returned error: 404\b|no such file or directory|'[^']*' does not exist/i,
    hint: "check the address; some hosts say so too where the credential may not see the repository",
  },
  {
    code: "git-protocol",
    said: /transport '[^']*' not allowed/i,
    hint: "only https and ssh are allowed here",
  },
];

const noSuchRef = /couldn't find remote ref|not our ref|no such remote ref|unadvertised object|bad object/i;

const missingObject = {
  code: "git-no-commit",
  said: noSuchRef,
  hint: "it may have been removed by a forced push, or lie in another repository",
};

/** Whether the host answered that it does not give this commit or ref. */
export function deniesObject({ stderr }: GitOutput): boolean {
  return noSuchRef.test(stderr) || /does not support shallow|server does not support/i.test(stderr);
}

/** The refusal that the output stands for. Throws SlipwayError `git-unreachable` for everything else. */
export function refusalOf(output: GitOutput, what: string): Refusal {
  const said = lineOf(output);
  const found = [...refusals, missingObject].find(each => each.said.test(output.stderr));
  const hint = changedKeyIn(output) ?? found?.hint;
  if (found !== undefined)
    return { code: found.code, message: `${what}: ${said}`, ...(hint === undefined ? {} : { hint }) };
  throw new SlipwayError("git-unreachable", `${what}: ${said}`);
}

/** What to do about a host that has another key than before: ssh says where the old one stands. */
function changedKeyIn({ stderr }: GitOutput): string | undefined {
  if (!/remote host identification has changed/i.test(stderr)) return undefined;
  const place = /Offending \S+ key in (.+:\d+)/.exec(stderr)?.[1];
  const remove = /ssh-keygen -f .*/.exec(stderr)?.[0];
  const old = place === undefined ? "the old one from the list of known hosts" : `the old one, ${place}`;
  return (
    "the host has another key than before: somebody may sit in between. Ask who runs it for the new key's " +
    `fingerprint; where it is right, remove ${old}${remove === undefined ? "" : ` (${remove.trim()})`}`
  );
}

/** The line that tells most: what the server said, else the first that is an error. */
export function lineOf({ stderr, status }: GitOutput): string {
  const lines = stderr
    .split(/[\r\n]+/)
    .map(line => line.trim())
    .filter(line => line !== "" && !/^(hint|warning):/.test(line));
  const telling =
    lines.find(line => /^remote: (error|fatal|.*denied|.*not found)/i.test(line)) ??
    lines.find(line => /permission denied|host key|could not resolve|connection/i.test(line)) ??
    lines.find(line => /^(fatal|error):/.test(line)) ??
    lines.at(-1);
  return (telling ?? `git ended with ${status}`).slice(0, 300);
}
