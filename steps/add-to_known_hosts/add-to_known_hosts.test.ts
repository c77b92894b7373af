import { describe, expect, test } from "vitest";
import { StepSandbox, stepShells } from "../../test/step-sandbox.ts";

const scan =
  'echo "# git.example:22 SSH-2.0"; echo "git.example ssh-rsa AAAA1"; echo "git.example ssh-ed25519 AAAA2"';
/** Fingerprints of the key in the file it is given. */
const keygen = `
for file; do :; done
read -r host kind key < "$file"
case "$*" in *md5*) echo "2048 MD5:16:27:$key $host (RSA)" ;; *) echo "2048 SHA256:print$key $host (RSA)" ;; esac`;
const local = { hostname: "git.example", local: "true" };

describe.each(stepShells)("add-to_known_hosts in $name", shell => {
  test("adds all keys of the host, with a warning that nothing vouches for them", async () => {
    using sandbox = new StepSandbox();
    sandbox.write("home/.ssh/known_hosts", "other ssh-rsa X\n");
    const options = { ...local, port: "2222", type: "rsa,ed25519" };
    const end = await sandbox.run("add-to_known_hosts", { shell, options, stubs: { "ssh-keyscan": scan } });
    expect(end.status).toBe(0);
    expect(end.calls).toEqual(["ssh-keyscan [-p] [2222] [-t] [rsa,ed25519] [git.example]"]);
    expect(sandbox.read("home/.ssh/known_hosts")).toBe(
      "other ssh-rsa X\ngit.example ssh-rsa AAAA1\ngit.example ssh-ed25519 AAAA2\n",
    );
    expect(end.output).toContain("taken at its word");
  });

  test.each(["16:27:AAAA2", "MD5:16:27:AAAA2", "printAAAA2", "SHA256:printAAAA2"])(
    "with the fingerprint %s only that key",
    async fingerprint => {
      using sandbox = new StepSandbox();
      const stubs = { "ssh-keyscan": scan, "ssh-keygen": keygen };
      const end = await sandbox.run("add-to_known_hosts", {
        shell,
        options: { ...local, fingerprint },
        stubs,
      });
      expect(end.status).toBe(0);
      expect(sandbox.read("home/.ssh/known_hosts")).toBe("git.example ssh-ed25519 AAAA2\n");
    },
  );

  test("no key with the fingerprint, no key at all, no name and no ssh-keyscan are told, and nothing is added", async () => {
    using sandbox = new StepSandbox();
    const stubs = { "ssh-keyscan": scan, "ssh-keygen": keygen };
    const wrong = await sandbox.run("add-to_known_hosts", {
      shell,
      options: { ...local, fingerprint: "16" },
      stubs,
    });
    expect(wrong).toMatchObject({ status: 1, message: "no key of git.example has the fingerprint 16" });
    const silent = { "ssh-keyscan": "echo 'getaddrinfo git.example' >&2; exit 1" };
    const none = await sandbox.run("add-to_known_hosts", { shell, options: local, stubs: silent });
    expect(none).toMatchObject({ status: 1, message: "git.example gave no key" });
    expect(none.output).toContain("getaddrinfo");
    expect((await sandbox.run("add-to_known_hosts", { shell, stubs })).message).toContain(
      "the option hostname",
    );
    const bare = await sandbox.run("add-to_known_hosts", { shell, options: local });
    expect(bare.message).toContain("install openssh-client");
    expect(sandbox.read("home/.ssh/known_hosts")).toBeUndefined();
  });
});
