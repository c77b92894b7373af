#!/bin/sh
# Sourced. Leaves nothing behind but the packages.

(
  set -f
  # A list of words.
  # shellcheck disable=SC2086
  set -- $WERCKER_INSTALL_PACKAGES_PACKAGES
  [ $# -gt 0 ] || fail 'install-packages needs the option packages'

  as_root() {
    if [ "$(id -u)" = 0 ]; then
      "$@"
    elif (unalias sudo; command -v sudo) >/dev/null 2>&1; then
      command sudo "$@"
    else
      "$@"
    fi
  }

  # Lists of packages come from hosts that are away now and then.
  thrice() {
    "$@" || { warn "$* failed, trying again"; "$@"; } || { warn "$* failed, trying again"; "$@"; }
  }

  clean() {
    if [ "$WERCKER_INSTALL_PACKAGES_CLEAN_CACHE" = true ] || [ "$WERCKER_INSTALL_PACKAGES_CLEAN_DB" = true ]; then
      "$@" || warn "$* failed"
    fi
  }

  manager=
  for candidate in apt-get apk dnf microdnf yum zypper pacman; do
    if command -v "$candidate" >/dev/null 2>&1; then
      manager=$candidate
      break
    fi
  done

  info "installing $*"
  case $manager in
    apt-get)
      thrice as_root apt-get update || fail 'apt-get update failed'
      as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y "$@" ||
        fail "apt-get cannot install $*"
      clean as_root apt-get clean
      if [ "$WERCKER_INSTALL_PACKAGES_CLEAN_DB" = true ]; then
        set +f
        as_root rm -rf /var/lib/apt/lists/*
      fi
      ;;
    apk)
      thrice as_root apk update || fail 'apk update failed'
      as_root apk add "$@" || fail "apk cannot install $*"
      clean as_root apk cache clean
      ;;
    dnf | microdnf | yum)
      thrice as_root "$manager" install -y "$@" || fail "$manager cannot install $*"
      clean as_root "$manager" clean all
      ;;
    zypper)
      thrice as_root zypper --non-interactive refresh || fail 'zypper refresh failed'
      as_root zypper --non-interactive install "$@" || fail "zypper cannot install $*"
      clean as_root zypper clean --all
      ;;
    pacman)
      as_root pacman -Sy --noconfirm --needed "$@" || fail "pacman cannot install $*"
      clean as_root pacman -Scc --noconfirm
      ;;
    *)
      fail 'none of apt-get, apk, dnf, microdnf, yum, zypper and pacman is in this box'
      ;;
  esac
  success "installed $*"
)
