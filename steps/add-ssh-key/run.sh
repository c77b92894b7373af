#!/bin/sh
# Sourced. Leaves nothing behind in the shell; the key and an entry for it stay in ~/.ssh.

(
  keyname="$WERCKER_ADD_SSH_KEY_KEYNAME"
  host="$WERCKER_ADD_SSH_KEY_HOST"
  [ -n "$keyname" ] || fail 'add-ssh-key needs the option keyname'
  case $keyname in
    [0-9]* | *[!A-Za-z0-9_]*) fail "keyname $keyname cannot be part of a variable's name" ;;
  esac
  case $host in
    *[!A-Za-z0-9_.:*?!\ -]*) fail "host $host is no name that ssh knows" ;;
  esac
  eval "key=\"\${${keyname}_PRIVATE-}\""
  [ -n "$key" ] || fail "the variable ${keyname}_PRIVATE is not set: add the SSH key $keyname to the project"

  umask 077
  mkdir -p "$HOME/.ssh" || fail "$HOME/.ssh cannot be made"
  file="$HOME/.ssh/$keyname"
  # Line breaks come as \n in a variable.
  printf '%b\n' "$key" > "$file" || fail "$file cannot be written"
  chmod 600 "$file"

  # ssh takes the first value it finds, so an entry for all hosts goes to the end and one for a host to the front.
  config="$HOME/.ssh/config"
  { touch "$config" && chmod 600 "$config"; } || fail "$config cannot be written"
  if [ -n "$host" ]; then
    { printf 'Host %s\n  IdentityFile %s\n\n' "$host" "$file" && cat "$config"; } > "$config.new" ||
      fail "$config.new cannot be written"
    mv "$config.new" "$config" || fail "$config cannot be written"
    success "ssh uses the key $keyname for $host"
  else
    printf '\nHost *\n  IdentityFile %s\n' "$file" >> "$config" || fail "$config cannot be written"
    success "ssh uses the key $keyname for all hosts"
  fi
)
