#!/bin/sh
# Sourced. Leaves nothing behind in the shell; the host's keys stay in a file of known hosts.

(
  hostname="$WERCKER_ADD_TO_KNOWN_HOSTS_HOSTNAME"
  fingerprint="$WERCKER_ADD_TO_KNOWN_HOSTS_FINGERPRINT"
  [ -n "$hostname" ] || fail 'add-to_known_hosts needs the option hostname'
  case $hostname in -*) fail "hostname $hostname is no name of a host" ;; esac
  command -v ssh-keyscan >/dev/null 2>&1 || fail 'ssh-keyscan is not in this box: install openssh-client'

  set --
  if [ -n "$WERCKER_ADD_TO_KNOWN_HOSTS_PORT" ]; then set -- "$@" -p "$WERCKER_ADD_TO_KNOWN_HOSTS_PORT"; fi
  if [ -n "$WERCKER_ADD_TO_KNOWN_HOSTS_TYPE" ]; then set -- "$@" -t "$WERCKER_ADD_TO_KNOWN_HOSTS_TYPE"; fi

  work=$(mktemp -d) || fail 'there is no room for a temporary directory'
  trap 'rm -rf "$work"' EXIT
  ssh-keyscan "$@" "$hostname" > "$work/scanned" 2> "$work/errors" || :
  grep -v '^#' "$work/scanned" > "$work/keys" || :
  if [ ! -s "$work/keys" ]; then
    cat "$work/errors"
    fail "$hostname gave no key"
  fi

  if [ -n "$fingerprint" ]; then
    command -v ssh-keygen >/dev/null 2>&1 || fail 'ssh-keygen is not in this box: install openssh-client'
    : > "$work/good"
    while IFS= read -r line; do
      printf '%s\n' "$line" > "$work/one"
      { ssh-keygen -l -E md5 -f "$work/one"; ssh-keygen -l -E sha256 -f "$work/one"; } > "$work/prints" 2>/dev/null || :
      if sed -e 's/^[0-9]* //' -e 's/ .*//' "$work/prints" | grep -q -x -F \
        -e "$fingerprint" -e "MD5:$fingerprint" -e "SHA256:$fingerprint"; then
        cat "$work/one" >> "$work/good"
      fi
    done < "$work/keys"
    [ -s "$work/good" ] || fail "no key of $hostname has the fingerprint $fingerprint"
    cat "$work/good" > "$work/keys"
  else
    warn "$hostname is taken at its word: give its fingerprint to be sure"
  fi

  file=/etc/ssh/ssh_known_hosts
  if [ "$WERCKER_ADD_TO_KNOWN_HOSTS_LOCAL" = true ] ||
    ! { mkdir -p "${file%/*}" && touch "$file"; } 2>/dev/null; then
    file="$HOME/.ssh/known_hosts"
    (umask 077 && mkdir -p "${file%/*}") || fail "${file%/*} cannot be made"
  fi
  cat "$work/keys" >> "$file" || fail "$file cannot be written"
  success "$hostname is known now, in $file"
)
