// The script that defines what every step may call: messages in colour, `fail`, `setMessage`, and `sudo` where
// the image has none. It is sourced into the session shell before the first step of a phase, so it is POSIX sh
// and leaves nothing behind but these names and errexit.

/** Text of the built-in step's `init.sh`. */
export const initScript = `success() { printf '\\033[32m\\033[1m%s\\033[m\\n' "\${1-}"; }
info() { printf '\\033[37m\\033[1m%s\\033[m\\n' "\${1-}"; }
debug() { printf '\\033[38m\\033[1m%s\\033[m\\n' "\${1-}"; }
warn() { printf '\\033[33m\\033[1m%s\\033[m\\n' "\${1-}"; }
error() { printf '\\033[31m\\033[1m%s\\033[m\\n' "error: \${1-}"; }
setMessage() {
  if [ -n "\${WERCKER_REPORT_MESSAGE_FILE-}" ]; then
    printf '%s' "\${1-}" > "$WERCKER_REPORT_MESSAGE_FILE" || :
  fi
}
fail() {
  printf '\\033[31m\\033[1m%s\\033[m\\n' "failed: \${1-}"
  setMessage "\${1-}"
  exit 1
}
if ! command -v source >/dev/null 2>&1; then
  eval 'source() { . "$1"; }'
fi
if command -v shopt >/dev/null 2>&1; then
  shopt -s expand_aliases
fi
alias sudo='' 2>/dev/null || :
set -e
`;
