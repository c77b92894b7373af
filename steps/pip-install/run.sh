#!/bin/sh
# Sourced. Leaves PIP_CACHE_DIR behind, so that later steps use the same cache; pip keeps the wheels it builds there.

export PIP_CACHE_DIR="$WERCKER_CACHE_DIR/pip"

(
  set -f
  if [ "$WERCKER_PIP_INSTALL_CLEAN_WHEEL_DIR" = true ] || [ "$WERCKER_PIP_INSTALL_CLEANUP_WHEEL_DIR" = true ]; then
    info "removing $PIP_CACHE_DIR"
    rm -rf "${PIP_CACHE_DIR:?}"
  fi
  mkdir -p "$PIP_CACHE_DIR" || fail "$PIP_CACHE_DIR cannot be made"

  pip="$WERCKER_PIP_INSTALL_PIP_COMMAND"
  if [ -z "$pip" ]; then
    if command -v pip >/dev/null 2>&1; then
      pip=pip
    elif command -v pip3 >/dev/null 2>&1; then
      pip=pip3
    elif command -v python3 >/dev/null 2>&1; then
      pip='python3 -m pip'
    else
      fail 'pip is not in this box: take an image with Python'
    fi
  fi

  # The command, its options and the packages are lists of words.
  # shellcheck disable=SC2086
  install() { $pip install "$@" $WERCKER_PIP_INSTALL_EXTRA_ARGS || fail "$pip install ended with status $?"; }

  file="$WERCKER_PIP_INSTALL_REQUIREMENTS_FILE"
  if [ -n "$WERCKER_PIP_INSTALL_PACKAGES_LIST" ]; then
    info "installing $WERCKER_PIP_INSTALL_PACKAGES_LIST"
    # shellcheck disable=SC2086
    install $WERCKER_PIP_INSTALL_PACKAGES_LIST
  fi
  if [ -n "$file" ] && [ -f "$file" ]; then
    info "installing what $file names"
    install -r "$file"
  elif [ -n "$file" ] && [ "$file" != requirements.txt ]; then
    fail "there is no $file in $PWD"
  elif [ -z "$WERCKER_PIP_INSTALL_PACKAGES_LIST" ]; then
    warn 'there is neither a packages_list nor a requirements.txt: nothing is installed'
  fi
)
