// What a probe's words mean: whether a guard holds, does not, or cannot be told. Only what was really tried against something
// that answers counts as held. Pure.

import type { Level } from "./probe-pods.ts";

export interface Finding {
  guard: string;
  /** Namespace and RuntimeClass. */
  place: string;
  holds: "yes" | "no" | "unproven";
  detail: string;
  /** It holds, but only some time after the start of a Pod. */
  isLate?: true;
}

/** What is known of targets from outside: whether somebody would answer there. */
export type Answering = ReadonlyMap<string, boolean>;

/** https://github.com/torvalds/linux/blob/master/include/uapi/linux/capability.h */
const capabilityNames =
  "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE".split(
    " ",
  );

/** Names of a mask of /proc/self/status. */
export function capabilitiesOf(mask: string): string[] {
  if (!/^[0-9a-f]{1,16}$/i.test(mask)) return [`unreadable: ${mask.slice(0, 20)}`];
  const bits = BigInt(`0x${mask}`);
  return Array.from({ length: 64 }, (_, bit) => bit)
    .filter(bit => (bits >> BigInt(bit)) & 1n)
    .map(bit => capabilityNames[bit] ?? `number ${bit}`);
}

export interface Judged {
  place: string;
  level: Level;
  /** Capabilities that boxes are given, for the level. */
  allowed: readonly string[];
  words: Map<string, string[]>;
  answering: Answering;
}

export function judgeProbe(judged: Judged): Finding[] {
  const { words, place } = judged;
  if (!words.has("end")) {
    return [finding("probe", place, "unproven", "the probe was cut off; what it said is not used")];
  }
  return [
    ...networkFindings(judged),
    ...rightsFindings(judged),
    ...hostFindings(judged),
    fifoFinding(judged),
  ];
}

/** The last of the words: what a name is said twice for was said by somebody who writes there too. */
function word(words: Map<string, string[]>, name: string): string {
  return words.get(name)?.at(-1) ?? "nothing";
}

function networkFindings({ words, place, answering }: Judged): Finding[] {
  const closed = (guard: string, name: string, what: string): Finding => {
    const said = word(words, name);
    if (said === "reached") return finding(guard, place, "no", `${what} can be reached from a job`);
    const late = /^late-(\d{1,3})$/.exec(said)?.[1];
    if (late !== undefined) {
      const detail = `${what} can be reached in the first ${late} s of a job: the network plug-in comes after the Pod`;
      return { ...finding(guard, place, "no", detail), isLate: true };
    }
    if (said !== "closed")
      return finding(guard, place, "unproven", "it is not there, or the probe says nothing of it");
    return answering.get(name) === true
      ? finding(guard, place, "yes", `${what} answers others, and not a job`)
      : finding(guard, place, "unproven", `${what} answers nobody, so nothing is proven`);
  };
  const runners = word(words, "runner-listener") === "reached";
  const others = [...words.keys()].filter(name => name.startsWith("pod-"));
  return [
    closed("API server", "api-server", "the cluster's API"),
    ...(words.has("api-server-itself")
      ? [closed("API server itself", "api-server-itself", "the cluster's API at its own address")]
      : []),
    closed("metadata", "metadata", "169.254.169.254"),
    closed("api", "api", "the platform's api"),
    closed("logs", "logs", "the role logs"),
    closed("database", "database", "the database"),
    ...others.map(name => closed("other Pods", name, `the Pod ${name.slice(4)}`)),
    finding(
      "DNS",
      place,
      word(words, "dns") === "answers" ? "yes" : "unproven",
      word(words, "dns") === "answers"
        ? "names are resolved"
        : "names are not resolved: jobs will not find the runner listener",
    ),
    finding(
      "runner listener",
      place,
      runners ? "yes" : answering.get("runner-listener") === true ? "no" : "unproven",
      runners ? "the one open door is open" : "the runner listener cannot be reached: no job would run",
    ),
  ];
}

function rightsFindings({ words, place, level, allowed }: Judged): Finding[] {
  const has = capabilitiesOf(word(words, "CapBnd"));
  const more = has.filter(name => !allowed.includes(name));
  const token = word(words, "token");
  const seccomp = word(words, "Seccomp");
  const found = [
    finding(
      "service account",
      place,
      token === "none" ? "yes" : "no",
      token === "none" ? "no token in the Pod" : "a token lies in the Pod",
    ),
    finding(
      "capabilities",
      place,
      more.length === 0 ? "yes" : "no",
      more.length === 0
        ? `none but ${has.join(", ") || "none"}`
        : `more than there should be: ${more.join(", ")}`,
    ),
    finding(
      "seccomp",
      place,
      seccomp === "2" ? "yes" : seccomp === "0" ? "no" : "unproven",
      seccomp === "2"
        ? "system calls are filtered"
        : "system calls are not filtered, or the kernel does not say so (gVisor has its own)",
    ),
  ];
  if (level === "baseline") return found;
  const uid = word(words, "uid");
  const raised = word(words, "NoNewPrivs");
  return [
    ...found,
    finding("not root", place, uid !== "0" && uid !== "nothing" ? "yes" : "no", `user ${uid}`),
    finding(
      "no new rights",
      place,
      raised === "1" ? "yes" : "no",
      raised === "1" ? "programs cannot raise their rights" : "programs can raise their rights",
    ),
  ];
}

function hostFindings({ words, place }: Judged): Finding[] {
  const paths = [...(words.get("host-path") ?? []), ...(words.get("mounted") ?? [])];
  const refused = (guard: string, name: string, what: string) => {
    const said = word(words, name);
    return finding(
      guard,
      place,
      said === "refused" ? "yes" : "no",
      said === "refused" ? `${what} is refused` : `${what} is possible`,
    );
  };
  const first = word(words, "pid-1");
  const foreign = /systemd|\/sbin\/init|kubelet/.test(first);
  return [
    finding(
      "host mounts",
      place,
      paths.length === 0 ? "yes" : "no",
      paths.length === 0 ? "nothing of the node is in the Pod" : `of the node: ${paths.join(", ")}`,
    ),
    finding(
      "host processes",
      place,
      foreign ? "no" : "yes",
      foreign ? `process 1 is ${first}` : "process 1 is the container's own",
    ),
    refused("mounting", "mount", "mounting a file system"),
    refused("devices", "device", "making a device"),
    ...(word(words, "sysctl") === "written"
      ? [finding("kernel", place, "no", "settings of the kernel can be written")]
      : []),
  ];
}

function fifoFinding({ words, place }: Judged): Finding {
  const said = word(words, "fifo");
  return finding(
    "pipes",
    place,
    said === "works" ? "yes" : "no",
    said === "works"
      ? "named pipes work between containers of a Pod"
      : "named pipes do not work between containers of a Pod: no job runs here (gVisor: host FIFOs have to be allowed, --host-fifo=open)",
  );
}

function finding(guard: string, place: string, holds: Finding["holds"], detail: string): Finding {
  return { guard, place, holds, detail };
}
