// The box's main process on every engine: a few lines of POSIX sh that start the session shell, tell its end and
// status, and start a new one when told. It outlives whatever a step does to the session shell.
//
// Spoken on its standard input, one line each:
//   start A B MODE   start a session shell; MODE is `split` or `merged` (stderr joins stdout)
//   exit N           end the box
// Said on standard output and standard error alike:
//   slipway-box NONCE ready UID GID SHELL          once, before anything else
//   AB end STATUS OOM                              a session shell has ended; OOM counts memory kills of the box
// Its input's end is its own end; a signal is not, though in some shells it makes `read` fail.
// A and B are the halves of a token that only runner and supervisor know. It is never whole in what a shell could
// echo, so nothing that a step prints can be taken for it.

/** The supervisor itself, for engines that wrap it: sh text, with the nonce and the session shell's command as `$@`. */
export const supervisorScript = `
exec 8>&1 9>&2
trap signaled=1 TERM INT HUP
nonce=$1; shift
say() { printf '%s\\n' "$1" >&8; printf '%s\\n' "$1" >&9; }
oom() {
  for f in /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control; do
    if [ -r $f ]; then
      while read -r key count rest; do
        if [ "$key" = oom_kill ]; then kills=$count; return; fi
      done < $f
    fi
  done
  kills=-
}
who() {
  if [ -r /proc/self/status ]; then
    while read -r key real effective rest; do
      case $key in
        Uid:) uid=$effective ;;
        Gid:) gid=$effective; return ;;
      esac
    done < /proc/self/status
  fi
  uid=$(id -u 2>/dev/null || echo -) gid=$(id -g 2>/dev/null || echo -)
}
if [ $# -eq 0 ]; then
  if [ -x /bin/bash ]; then set -- /bin/bash; else set -- /bin/sh; fi
fi
who
say "slipway-box $nonce ready $uid $gid $1"
while :; do
  signaled=
  read -r word a b mode || { if [ "$signaled" ]; then continue; fi; break; }
  case $word in
    start)
      if [ "$mode" = merged ]; then { "$@" 2>&1; } 2>/dev/null; else { "$@" 2>&9; } 2>/dev/null; fi
      status=$?
      oom
      say "$a$b end $status $kills" ;;
    exit) exit "$a" ;;
  esac
done
`;

/**
 * The command of the box: `/bin/sh` with the supervisor, the nonce, and the session shell's command (empty: bash
 * where the image has it, else sh).
 */
export function supervisorCommand(nonce: string, shell: string[], sh = "/bin/sh"): string[] {
  return [sh, "-c", supervisorScript, "slipway", nonce, ...shell];
}

/** What to do where the supervisor does not greet. */
export const noGreetingHint =
  "Most likely the image's ENTRYPOINT swallows the shell: set `entrypoint: /bin/sh -c 'exec \"$@\"' --` (or another that runs its arguments) in the box, or choose an image with /bin/sh.";

/** The line the supervisor greets with, up to the fields. */
export function greetingPrefix(nonce: string): string {
  return `slipway-box ${nonce} ready `;
}
