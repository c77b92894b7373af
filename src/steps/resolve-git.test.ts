import { execFileSync } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { useStepStore } from "./fixtures/use-step-store.ts";
import { choose } from "./git-steps.ts";
import type { StepStoreOptions } from "./resolve-step.ts";

const { at, write, resolved, refusal, textOf } = useStepStore();

describe("git", () => {
  let template: string;

  function git(...args: string[]): string {
    const identity = ["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "init.defaultBranch=main"];
    return execFileSync("git", [...identity, ...args], {
      cwd: at("repos/step-foo"),
      encoding: "utf8",
    }).trim();
  }

  async function commit(text: string): Promise<string> {
    await write("repos/step-foo/run.sh", text);
    git("add", ".");
    git("commit", "-qm", "x");
    return git("rev-parse", "HEAD");
  }

  beforeEach(async () => {
    await mkdir(at("repos/step-foo"), { recursive: true });
    template = at("repos/step-{name}");
    git("init", "-q");
  });

  test("a range is resolved over the tags, the commit is pinned, and the job gets that commit later", async () => {
    const one = await commit("one\n");
    git("tag", "v1.0.0");
    git("tag", "-a", "-m", "x", "1.2.0");
    const two = await commit("two\n");
    git("tag", "2.0.0");
    git("tag", "3.0.0-rc1");
    const head = await commit("head\n");
    expect((await resolved("me/foo", { gitTemplate: template })).source).toMatchObject({
      commit: two,
      tag: "2.0.0",
    });
    const step = await resolved("me/foo@~1", { gitTemplate: template });
    expect(step.source).toEqual({
      kind: "git",
      url: at("repos/step-foo"),
      commit: one,
      tag: "1.2.0",
    });
    await rm(at("cache"), { recursive: true });
    expect(await textOf(step.source, "run.sh")).toBe("one\n");
    expect(head).not.toBe(two);
    const told = await refusal("me/foo@9", { gitTemplate: template });
    expect(told.message).toContain('no tag satisfies "9"');
    expect(told.hint).toContain("3.0.0-rc1");
  });

  test("without tags `*` is the default branch, looked up anew each time", async () => {
    const one = await commit("one\n");
    expect((await resolved("foo", { gitTemplate: template })).source).toMatchObject({ commit: one });
    const two = await commit("two\n");
    const step = await resolved("foo", { gitTemplate: template });
    expect(step.source).toEqual({ kind: "git", url: at("repos/step-foo"), commit: two });
    expect(await textOf(step.source, "run.sh")).toBe("two\n");
  });

  test("a repository that is not there is named among the places looked at", async () => {
    const told = await refusal("me/bar", { gitTemplate: template });
    expect(told.message).toContain("the bundled library");
    expect(told.message).toContain(at("repos/step-bar"));
  });

  test("a host that is away is stood in for by what it said last; without that it is no refusal", async () => {
    const one = await commit("one\n");
    await resolved("foo", { gitTemplate: template });
    const away: Partial<StepStoreOptions> = {
      gitTemplate: template,
      git: async () => ({
        status: 128,
        stdout: Buffer.alloc(0),
        stderr: "fatal: unable to access: Could not resolve host",
      }),
    };
    const step = await resolved("foo", away);
    expect(step.source).toMatchObject({ commit: one });
    expect(step.warnings[0]).toContain("Could not resolve host");
    await expect(resolved("other", away)).rejects.toMatchObject({ code: "step-fetch-failed" });
  });

  test("no template turns a name into a command or an option", async () => {
    const spied: string[][] = [];
    const spy: StepStoreOptions["git"] = async args => {
      spied.push(args);
      return { status: 128, stdout: Buffer.alloc(0), stderr: "fatal: not found" };
    };
    for (const gitTemplate of [
      "ext::sh -c {name}",
      "--upload-pack={name}",
      "https://u:secret@git.example/{name}",
    ]) {
      const told = await refusal("me/foo", { gitTemplate, git: spy });
      expect(told.code).toBe("step-reference-invalid");
      expect(told.message).not.toContain("secret");
    }
    expect(spied).toEqual([]);
  });

  test("a pinned bundled version that is not there is looked for in git first", async () => {
    await rename("npm-install");
    const gitTemplate = at("repos/step-{name}");
    expect((await resolved("npm-install@^1", { gitTemplate })).source.kind).toBe("bundled");
    expect((await resolved("npm-install@4.0.0", { gitTemplate })).source.kind).toBe("git");
  });

  async function rename(name: string): Promise<void> {
    await commit("of git\n");
    git("tag", "4.0.0");
    execFileSync("cp", ["-r", at("repos/step-foo"), at(`repos/step-${name}`)]);
  }
});

test("of a listing the peeled commit of an annotated tag counts, and nonsense lines do not", async () => {
  const a = "a".repeat(40);
  const b = "b".repeat(40);
  const listing = `${a}\tHEAD\nnonsense\n${a}\trefs/tags/1.0.0\n${b}\trefs/tags/1.0.0^{}\nzz\trefs/tags/2.0.0\n`;
  expect(await choose(listing, "*")).toEqual({ ok: true, value: { commit: b, tag: "1.0.0" } });
  expect(await choose(listing, "1.0.0")).toEqual({ ok: true, value: { commit: b, tag: "1.0.0" } });
});

test("no listing and no version make the choice throw", async () => {
  const piece = fc.constantFrom(
    "a".repeat(40),
    "\t",
    "\n",
    "refs/tags/",
    "HEAD",
    "v1.2.3",
    "1.0",
    "^{}",
    "x",
    ">=",
    "*",
    " ",
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece), fc.array(piece), async (listing, version) => {
      const chosen = await choose(listing.join(""), version.join(""));
      if (chosen.ok) expect(chosen.value.commit).toMatch(/^[0-9a-f]{40}$/);
    }),
  );
});
