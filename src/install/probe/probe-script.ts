// What runs inside a probe Pod: POSIX sh and busybox, no more than any hostile job has. It tries, and writes what came of it to
// its termination message as lines NAME=VALUE; the judging is done outside.

/** What a probe is told to try to connect to: a name for the answer, a host and a port. */
export interface Target {
  name: string;
  host: string;
  port: number;
  /** The one door of a job. */
  mayReach?: boolean;
}

/** In the Slipway image and in busybox's own. */
export const busybox = "/bin/busybox";
/** Shared by all containers of the Pod, as in a job's. */
export const ioDirectory = "/.slipway/io";
const seconds = 3;
/** How often what is reached is tried again, a second apart: many network plug-ins hear of a Pod only after it has started. */
export const againTimes = 12;

const prelude = `bb=${busybox}
say() { printf '%s=%s\\n' "$1" "$2" >> /dev/termination-log; }
`;

/**
 * Of the container that stands where a job's box stands. `again` is how often what should be closed is tried again while it is
 * reached; `late-N` is the word for what was closed after N tries only.
 */
export function probeScript(targets: readonly Target[], again: number): string {
  const open = targets.filter(({ mayReach }) => mayReach === true);
  const closed = targets.filter(({ mayReach }) => mayReach !== true);
  return `${prelude}
connects() { $bb nc -w ${seconds} "$1" "$2" -e $bb true >/dev/null 2>&1 </dev/null; }
tries() {
  tried=0
  while connects "$2" "$3"; do
    tried=$((tried + 1))
    if [ $tried -gt ${again} ]; then say "$1" reached; return; fi
    $bb sleep 1
  done
  if [ $tried = 0 ]; then say "$1" closed; else say "$1" "late-$tried"; fi
}
enters() {
  tried=0
  until connects "$2" "$3"; do
    tried=$((tried + 1))
    if [ $tried -gt 3 ]; then say "$1" closed; return; fi
    $bb sleep 1
  done
  say "$1" reached
}
# A pipe between two containers: the other one makes it and writes.
n=0
while [ ! -p ${ioDirectory}/fifo ] && [ $n -lt 100 ]; do n=$((n + 1)); $bb sleep 0.1; done
if [ -p ${ioDirectory}/fifo ]; then
  got=$($bb timeout 10 $bb head -n 1 < ${ioDirectory}/fifo) || got=
  if [ "$got" = through ]; then say fifo works; else say fifo silent; fi
else
  say fifo missing
fi
if $bb timeout 5 $bb nslookup kubernetes.default.svc.cluster.local >/dev/null 2>&1; then say dns answers; else say dns silent; fi
tries api-server "$KUBERNETES_SERVICE_HOST" "$KUBERNETES_SERVICE_PORT" &
tries metadata 169.254.169.254 80 &
${closed.map(({ name, host, port }) => `tries '${name}' '${host}' ${port} &`).join("\n")}
${open.map(({ name, host, port }) => `enters '${name}' '${host}' ${port} &`).join("\n")}
wait
if [ -e /var/run/secrets/kubernetes.io/serviceaccount/token ]; then say token there; else say token none; fi
while read -r name value; do
  case $name in CapEff:|CapBnd:|NoNewPrivs:|Seccomp:) say "\${name%:}" "$value" ;; esac
done < /proc/self/status
say uid "$($bb id -u)"
read -r first second third < /proc/self/uid_map; say uid-map "$first:$second:$third"
say pid-1 "$($bb tr '\\0' ' ' < /proc/1/cmdline | $bb cut -c 1-60)"
$bb mkdir -p /tmp/probe 2>/dev/null
if $bb mount -t tmpfs none /tmp/probe 2>/dev/null; then say mount allowed; else say mount refused; fi
if $bb mknod /tmp/probe-device b 8 0 2>/dev/null; then say device allowed; else say device refused; fi
if (echo 1 > /proc/sys/kernel/panic_on_oops) 2>/dev/null; then say sysctl written; else say sysctl refused; fi
for each in /var/run/docker.sock /run/containerd/containerd.sock /run/crio/crio.sock /dev/kmsg /dev/mem; do
  if [ -e "$each" ]; then say host-path "$each"; fi
done
while read -r _ _ _ root at _; do
  case $at in
    /proc*|/sys*|/dev*|/etc/hosts|/etc/hostname|/etc/resolv.conf|/|${ioDirectory}|/tmp) ;;
    *) say mounted "$at" ;;
  esac
done < /proc/self/mountinfo
say end yes
`;
}

/** Of the container that stands where a job's runner stands. */
export function partnerScript(): string {
  return `bb=${busybox}
$bb mkfifo -m 0666 ${ioDirectory}/fifo.new && $bb mv ${ioDirectory}/fifo.new ${ioDirectory}/fifo
$bb timeout 20 $bb sh -c 'echo through > ${ioDirectory}/fifo'
exec $bb sleep 60
`;
}

/** Of a Pod that others try to reach. */
export function listenerScript(port: number): string {
  return `exec ${busybox} nc -ll -p ${port} -e ${busybox} true
`;
}

/** The last line is there, or what was written was cut. Several lines of a name are kept. */
export function readProbe(message: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const line of message.slice(0, 8192).split("\n")) {
    const at = line.indexOf("=");
    if (at < 1) continue;
    const name = line.slice(0, at);
    found.set(name, [...(found.get(name) ?? []), line.slice(at + 1).trim()]);
  }
  return found;
}
