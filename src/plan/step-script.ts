// The text that is typed into the session shell. Every group is one compound command, so that the shell has read
// all of it before any of it runs and no program of the user's can eat the rest. A group ends with a record
// (`AB end STATUS PHASE MESSAGE LINE COMMAND`) on stdout and stderr alike, through descriptors 8 and 9 that the
// supervisor opened; a shell that dies in a step says `AB died ...` the same way where it can. The halves A and B
// never stand together in what a shell could echo (`set -v`, `set -x`, `set`).

/** The two halves of a group's token. */
export interface Token {
  a: string;
  b: string;
}

/** Single-quoted for sh, byte for byte. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * Typed once into a new session shell: functions that end a group. Bash also remembers the command that failed
 * (ERR trap), other shells at least the line. Where a step has taken descriptor 8 or 9 for itself, it is opened
 * anew through the supervisor's; where that cannot be (sockets), the shell ends with the step's status, which the
 * supervisor tells.
 */
export function sessionPrelude(token: Token, merged: boolean): string {
  return `{
__slipway_a= __slipway_b= __slipway_p=- __slipway_f=- __slipway_s=0 __slipway_c= __slipway_l= __slipway_fd=
if [ /proc/self/fd/8 -ef /proc/$PPID/fd/1 ] && [ /proc/self/fd/9 -ef /proc/$PPID/fd/2 ]; then __slipway_fd=$PPID; fi
__slipway_reopen() {
  if (: > "/proc/$__slipway_fd/fd/$2") 2>/dev/null; then return 0; fi
  trap - EXIT
  exit "$1"
}
__slipway_say() {
  __slipway_m=-
  if [ -s "\${WERCKER_REPORT_MESSAGE_FILE:-}" ]; then __slipway_m=m; fi
  if [ -n "$__slipway_fd" ]; then
    if [ /proc/self/fd/8 -ef "/proc/$__slipway_fd/fd/1" ]; then :; else __slipway_reopen "$2" 1 && exec 8>"/proc/$__slipway_fd/fd/1"; fi
    if [ /proc/self/fd/9 -ef "/proc/$__slipway_fd/fd/2" ]; then :; else __slipway_reopen "$2" 2 && exec 9>"/proc/$__slipway_fd/fd/2"; fi
  fi
  command printf '%s%s %s %s %s %s %s %s\\n' "$__slipway_a" "$__slipway_b" "$1" "$2" "$__slipway_p" "$__slipway_m" "\${__slipway_l:--}" "$__slipway_c" >&8
  command printf '%s%s %s %s %s %s %s %s\\n' "$__slipway_a" "$__slipway_b" "$1" "$2" "$__slipway_p" "$__slipway_m" "\${__slipway_l:--}" "$__slipway_c" >&9
}
__slipway_end() {
  set +exuv
  __slipway_say end "$1"
  __slipway_c= __slipway_l=
}
__slipway_merged=${merged ? "8" : "9"}
__slipway_user() {
  case $__slipway_f in *u*) set -u ;; esac
  case $__slipway_f in *v*) set -v ;; esac
  case $__slipway_f in *x*) set -x ;; esac
}
__slipway_died() {
  __slipway_s=$?
  set +exuv
  : "\${__slipway_l:=\${1:-}}"
  __slipway_say died "$__slipway_s"
}
trap '{ __slipway_died "\${LINENO:-}"; } 2>/dev/null' EXIT
if [ -n "\${BASH_VERSION:-}" ]; then
  eval 'trap '\\''{ __slipway_c=\${BASH_COMMAND//[[:cntrl:]]/ } __slipway_c=\${__slipway_c:0:300} __slipway_l=$LINENO; } 2>/dev/null'\\'' ERR; set -E'
fi
${begin(token)}
${end("0")}
}
`;
}

function begin(token: Token): string {
  return `{ set +exuv; __slipway_a=${token.a} __slipway_b=${token.b} __slipway_p=-; } 2>/dev/null`;
}

// The second line gives the shell its output back, whatever the step did to it; inside the braces it would be
// undone with their redirection.
function end(status: string): string {
  return `{ __slipway_end ${status}; } 2>/dev/null\nexec 1>&8 2>&"$__slipway_merged"`;
}

/** Plain commands, run without errexit; the record carries the last one's status. */
export function commandGroup(token: Token, lines: string[]): string {
  return `{\n${begin(token)}\n:\n${lines.join("\n")}\n${end('"$?"')}\n}\n`;
}

export interface StepScript {
  /** The step's directory in the box. */
  root: string;
  /** `/report/<safe id>`. */
  report: string;
  cwd?: string;
  /** `export ...` lines. */
  exports: string[];
  hasInit: boolean;
  hasRun: boolean;
  /** File that keeps the exports as they were before the step. */
  saveExportsTo?: string;
}

/** One try at an ordinary step. Phases in the record: `cwd`, `missing`, `init`, `run`. */
export function stepGroup(token: Token, step: StepScript): string {
  const lines = [
    "{",
    begin(token),
    `if [ -d ${quote(`${step.report}/artifacts`)} ]; then :; else mkdir -p ${quote(`${step.report}/artifacts`)}; fi`,
    `if [ -s ${quote(`${step.report}/message.txt`)} ]; then : > ${quote(`${step.report}/message.txt`)}; fi`,
    "__slipway_p=cwd __slipway_s=0",
  ];
  if (step.saveExportsTo !== undefined) lines.push(`export -p > ${quote(step.saveExportsTo)}`);
  lines.push(`if cd "$WERCKER_SOURCE_DIR"${step.cwd === undefined ? "" : ` && cd "${step.cwd}"`}; then`);
  lines.push(...step.exports, ":");
  if (step.hasInit) lines.push(...source(step.root, "init"));
  if (step.hasRun) lines.push(...source(step.root, "run"));
  lines.push("else __slipway_s=1", "fi", end('"$__slipway_s"'), "}", "");
  return lines.join("\n");
}

function source(root: string, phase: "init" | "run"): string[] {
  const file = quote(`${root}/${phase}.sh`);
  return [
    `if [ "$__slipway_s" -ne 0 ]; then :; elif [ ! -f ${file} ]; then __slipway_p=missing __slipway_s=1; else`,
    `{ __slipway_p=${phase}; __slipway_user; } 2>/dev/null`,
    `. ${file} </dev/null`,
    "{ __slipway_s=$? __slipway_f=$-; set +xuv; } 2>/dev/null",
    "fi",
  ];
}

/** Restores exports saved by `saveExportsTo` in a new session shell. */
export function restoreExports(file: string): string[] {
  return [`if [ -f ${quote(file)} ]; then . ${quote(file)}; fi`];
}

/** Prints every exported variable, each followed by a NUL, or line by line where `env` cannot. */
export const printEnvironment = [
  "if env -0 >/dev/null 2>&1; then env -0; else env; fi",
  "set -e",
  "__slipway_f=$-",
];
