// What runs in the box of a Pod: sh text that waits for the runner's FIFOs, connects, and then does what it is told. It
// needs nothing of the image but /bin/sh, and runs nothing of the user's before it is told. Nobody else looks after the
// box: with the runner it ends, and whatever the steps kill, the first process of the container is still there to be told.
//
// Orders, one line each on `control`; fields are octal-escaped as `%b` of printf has it:
//   env ID NAME VALUE        a variable of every later session; only while there is none
//   close ID                 kill everything
//   open ID                  kill everything, start the supervisor of ../supervisor.ts on `in`, `out` and `err`
//   kill ID TERM|KILL        a signal for everything but the supervisors
//   put ID SLOT DIR          unpack what comes on FIFO SLOT
//   get ID SLOT DIR NAME     pack into FIFO SLOT
//   look ID                  does all of it live?
//   exit ID N                end the box
// Words, one line each on `word`:
//   hello NONCE, unfit (instead of it: the box cannot take the tools that are lent to it), live, over N (the session's supervisor was told to exit), gone (it was killed), begun ID, none ID,
//   bare ID (an empty directory),
//   done ID STATUS TEXT, killed ID, seen ID, ended N (of the box)
// Whoever is in the box can write any of them. They only ever end or spoil a job; what a step came to is said on `out`
// and `err`, under tokens that nothing here knows.

import { supervisorScript } from "../supervisor.ts";

/** Where the runner lays its FIFOs, and where they are seen from the box. */
export const podIoDirectory = "/.slipway/io";
/** The static busybox and its links. */
export const podBinDirectory = "/.slipway/bin";
/** Of a supervisor whose runner did not come. */
export const noRunnerExitCode = 69;

/** Of a supervisor that could not take the runner's tools. */
export const unfitExitCode = 70;

export interface SupervisorPlace {
  /** `podIoDirectory` unless told. */
  io?: string;
  /** `podBinDirectory` unless told. */
  bin?: string;
  /** Where the busybox is copied from, with the image's own `mkdir` and `cp`, into a `bin` that is no volume. */
  lent?: string;
  /** How long the runner is waited for. Seconds. */
  waitSeconds?: number;
  /** Outside a container, where `everything` would be the whole machine: signals reach nobody. For tests. */
  harmless?: boolean;
}

/** Without volumes: the containers of a Pod share `/dev/shm`, and nothing there can be executed. */
export const sharedMemoryPlace = { io: "/dev/shm/.slipway", lent: "/dev/shm/.slipway/bin" };

const signals = "TERM INT HUP QUIT PIPE USR1 USR2 ALRM";

const everything = `
end_all() {
  own
  kill -STOP -1 2>/dev/null
  for p in /proc/[0-9]*; do
    p=\${p#/proc/}
    case " 1 $$ $self $1 " in *" $p "*) ;; *) kill -KILL "$p" 2>/dev/null ;; esac
  done
  for p in $1 $$; do kill -CONT "$p" 2>/dev/null; done
}
ask_all() { kill -TERM -1 2>/dev/null; }`;

const nothing = `
end_all() { :; }
ask_all() { :; }`;

const waiting = `
left=$(( WAIT * 1000 ))
until [ -p "$io/err" ]; do
  if sleep 0.02 2>/dev/null || "$bin/busybox" sleep 0.02 2>/dev/null; then left=$((left - 22))
  elif sleep 1 2>/dev/null; then left=$((left - 1000))
  else
    i=0
    while [ $i -lt 400 ] && ! [ -p "$io/err" ]; do i=$((i + 1)); done
    left=$((left - 1))
  fi
  if [ $left -le 0 ]; then
    echo "slipway: the runner of this Pod did not come within WAIT s: there is no $io" >&2
    exit ${noRunnerExitCode}
  fi
done`;

const borrowing = `
if ! { mkdir -p "$bin" && cp LENT/busybox "$bin/busybox" && [ -x "$bin/busybox" ]; } 2>/dev/null; then
  echo "slipway: the box cannot copy LENT/busybox to $bin" >&2
  tell unfit
  exit ${unfitExitCode}
fi`;

// Most of what is asked for at the end of a step is not there, or an empty directory: that is told without a process.
const transfers = `
report() {
  last=
  while read -r line; do
    case $line in
      "status "*) printf 'done %s %s %.300s\\n' "$1" "\${line#status }" "$last" >&4 ;;
      *) last=$line ;;
    esac
  done
}
quick() {
  decode "$3"; name=$text
  decode "$2"
  if ! cd / || ! cd "$text" 2>/dev/null || ! { [ -e "$name" ] || [ -L "$name" ]; }; then cd /; tell "none $1"; return; fi
  bare=
  if [ -d "$name" ] && ! [ -L "$name" ] && [ -r "$name" ] && [ -x "$name" ]; then
    bare=1
    for f in "$name"/* "$name"/.[!.]* "$name"/..?*; do
      if [ -e "$f" ] || [ -L "$f" ]; then bare=; break; fi
    done
  fi
  cd /
  [ "$bare" ] && tell "bare $1"
}
put() {
  decode "$3"
  if ! cd / || ! cd "$text" 2>/dev/null; then tell "done $1 nodir"; exit; fi
  {
    tell "begun $1"
    { EXTRACT_UNSAFE_SYMLINKS=1 "$bin/busybox" tar x -f - <&5 4>&- 5<&-; echo "status $?"; } 2>&1 | report "$1" 5<&-
    true
  } 5<"$io/$2" || tell "done $1 126 its pipe is gone"
}
get() {
  decode "$4"; name=$text
  decode "$3"
  if ! cd / || ! cd "$text" 2>/dev/null || ! { [ -e "$name" ] || [ -L "$name" ]; }; then tell "none $1"; exit; fi
  {
    tell "begun $1"
    { "$bin/busybox" tar c -f - -- "$name" 2>&1 >&5 4>&- 5>&-; echo "status $?"; } | report "$1"
    true
  } 5>"$io/$2" || tell "done $1 126 its pipe is gone"
}`;

// A session's supervisor is in a pipeline, not in the background: there it, and all the user's processes, would ignore
// INT. Its pipe carries only its process id.
const body = `
session() {
  trap - ${signals}
  exec 3<&- 4>&-
  own
  echo "$self"
  trap 'echo "over $?" 1<>"$io/word"' EXIT
  exec <"$io/in" >"$io/out" 2>"$io/err"
SUPERVISOR
}
control() {
  inner=
  if [ "$opened" ]; then read -r inner; tell live; fi
  while read -r word id a b c <&3; do
    case $word in
      env) decode "$b"; export "$a=$text" ;;
      open) end_all; return 251 ;;
      close) end_all; return 250 ;;
      kill)
        if [ "$a" = KILL ]; then end_all "$inner"; else ask_all; fi
        tell "killed $id" ;;
      put | get)
        if [ $word = get ] && quick "$id" "$b" "$c"; then continue; fi
        ( ( exec 3<&-; "$word" "$id" "$a" "$b" "$c" ) </dev/null & ) ;;
      look)
        tell "seen $id"
        if [ "$inner" ] && ! [ -d "/proc/$inner" ]; then tell gone; fi ;;
      exit) end_all; tell "ended $a"; return "$a" ;;
    esac
  done
  end_all
  return 252
}`;

// 250 to 252: what `control` says when it ends. 2: the shell could not fork. Whatever is above 128, and was no order: a
// signal has ended it, which only a process of the box can have sent.
const life = `
opened=
while :; do
  if [ "$opened" ]; then { session "$@"; } | control; else control; fi
  status=$?
  case $status in
    250) opened= ;;
    251) opened=1 ;;
    252) exit 1 ;;
    2) opened=; tell gone ;;
    130) exit 130 ;;
    *) if [ $status -lt 128 ]; then exit $status; fi; opened=; tell gone ;;
  esac
done`;

/**
 * The arguments of the box's container, whose ENTRYPOINT stays. Waits for the runner, gives up with
 * `noRunnerExitCode`, ends when the runner is gone. `shell` is the session shell's command; empty: bash where the image
 * has it, else sh. A `$` is as the shell wants it: whoever writes a Pod doubles it.
 */
export function podSupervisorCommand(nonce: string, shell: string[], place = usualPlace): string[] {
  const script = scripts.get(place) ?? podSupervisorScript(place);
  scripts.set(place, script);
  return ["/bin/sh", "-c", script, "slipway", nonce, ...shell];
}

const usualPlace: SupervisorPlace = {};
/** Made once for each place, not for each of thousands of Pods. */
const scripts = new WeakMap<SupervisorPlace, string>();

function podSupervisorScript(place: SupervisorPlace): string {
  const { io = podIoDirectory, bin = podBinDirectory, lent, waitSeconds = 120, harmless = false } = place;
  return [
    `trap '' ${signals}`,
    `io=${io}/box bin=${bin}`,
    "tell() { printf '%s\\n' \"$1\" >&4; }",
    "decode() { text=$1; case $1 in *\\\\*) text=$(printf '%b.' \"$1\"); text=${text%.} ;; esac; }",
    "own() { read -r self rest </proc/self/stat; }",
    'id() { "$bin/busybox" id "$@"; }',
    harmless ? nothing : everything,
    transfers,
    body.replace("SUPERVISOR", () => supervisorScript),
    waiting.replaceAll("WAIT", String(waitSeconds)),
    'exec 3<"$io/control" 4>"$io/word"',
    ...(lent === undefined ? [] : [borrowing.replaceAll("LENT", lent)]),
    'tell "hello $1"',
    life,
  ].join("\n");
}

/** A field of an order. */
export function orderField(bytes: Uint8Array | string): string {
  let field = "";
  for (const byte of Buffer.from(bytes)) {
    const plain = /[A-Za-z0-9/._-]/.test(String.fromCharCode(byte));
    field += plain ? String.fromCharCode(byte) : `\\0${byte.toString(8).padStart(3, "0")}`;
  }
  return field;
}
