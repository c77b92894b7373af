// Pipelines that look for a way out of their Pod, and that spoil what they share with their runner. The list of what they ask
// for is made of the endpoints themselves, so that a new one is tried as well.

import { endpointList } from "../../src/endpoints/table.ts";

/** Of the runner protocol, with a name where one belongs. */
const runnerCalls = [
  ...["POST heartbeat", "GET cancel?epoch=1", "POST events", "POST logs", "POST tests", "POST finish"],
  ...[
    "GET source",
    "GET inputs/output",
    "PUT artifacts/output?epoch=1",
    "GET cache?key=k",
    "PUT cache?key=k&epoch=1",
  ],
].map(call => call.replace(" ", " /runner/v1/"));
const others = [
  "/",
  "/metrics",
  "/readyz",
  "/healthz",
  "/openapi.json",
  "/api/v1",
  "/runner/v1/",
  "/badge/main/app",
];

/** Everything there is to ask for, with `x` for each parameter. */
export function everyCall(): string[] {
  const people = endpointList.map(
    ({ method, path }) => `${method} /api/v1${path.replace(/\{[^}]+\}/g, "x")}`,
  );
  return [...people, ...runnerCalls, ...others.map(path => `GET ${path}`)];
}

const workflow = (...entries: string[]) => `
workflows:
  - name: all
    pipelines:
${entries.map(entry => `      - ${entry}`).join("\n")}
`;
const indented = (text: string, by: number) => text.trim().replaceAll(/^/gm, " ".repeat(by));

/** Looks for secrets, tools to change and rights; then asks the door for everything, and other addresses for the main listener. */
export function inside(box: string, { runnerUrl, url }: { runnerUrl: string; url: string }): string {
  const { hostname, port } = new URL(runnerUrl);
  const claim = JSON.stringify({
    claimToken: "x".repeat(40),
    nonce: "0123456789abcdef",
    runner: { version: "1", engine: "pod" },
  });
  const code = `
wrong() { echo "WRONG: $*"; exit 9; }
ls /var/run/secrets/kubernetes.io /run/secrets/kubernetes.io 2>/dev/null && wrong "a service account's token"
env | grep -E 'CLAIM_TOKEN|RUNNER_URL|KUBERNETES_' && wrong "the runner's environment"
cat /proc/[0-9]*/environ 2>/dev/null | tr '\\000' '\\n' | grep -E '^(SLIPWAY_CLAIM_TOKEN|SLIPWAY_RUNNER_URL|KUBERNETES_)' && wrong "the environment of another process"
cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\000' ' ' | grep "runner-[m]ain" && wrong "the runner's process"
(echo evil > /.slipway/bin/busybox) 2>/dev/null && wrong "its tools can be written"
(rm /.slipway/bin/tar) 2>/dev/null && wrong "its tools can be removed"
grep '^Cap' /proc/self/status
ask() {
  said=$({ printf '%s %s HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\nContent-Type: application/json\\r\\nContent-Length: %s\\r\\n\\r\\n%s' "$1" "$2" "\${#3}" "$3"; } | nc -w 10 ${hostname} ${port} | head -n 1)
  set -- "$1" "$2" $said
  echo "answer \${4:-none} $1 $2"
}
ask POST /runner/v1/claim '${claim}'
while read -r method path; do ask "$method" "$path" '' </dev/null; done <<'CALLS'
${everyCall().join("\n")}
CALLS
for there in ${hostname} 127.0.0.1; do
  nc -w 2 $there ${new URL(url).port} </dev/null 2>/dev/null && wrong "the main listener answers at $there"
done
echo "all was tried"
`;
  return `box: ${box}
look:
  steps:
    - script:
        name: look around
        code: |
${indented(code, 10)}
${workflow("name: look")}`;
}

/** One writes to all pipes and fills their volume; one waits for a service that never comes. */
export function harmful(box: string): string {
  const code = `
for pipe in /.slipway/io/box/*; do (echo 'exit 0 0'; echo 'over 0'; echo 'ended 0') > $pipe & done
i=0; while [ $i -lt 500 ]; do : > /.slipway/io/$i; i=$((i+1)); done
head -c 20000000 /dev/zero > /.slipway/io/full
sleep 2
exit 3
`;
  return `box: ${box}
command-timeout: 1
start:
  steps:
    - script: { name: start, code: "true" }
hostile:
  steps:
    - script:
        name: spoil
        code: |
${indented(code, 10)}
unready:
  services:
    - id: ${box}
      name: never
      cmd: sleep 1000
      ready: { port: 9999, timeout: 3s }
  steps:
    - script: { name: unreached, code: "true" }
${workflow("name: start", "{ name: hostile, requires: [start] }", "{ name: unready, requires: [start] }")}`;
}

export function fine(box: string): string {
  return `box: ${box}
build:
  steps:
    - script: { name: work, code: "echo well" }
${workflow("name: build")}`;
}
