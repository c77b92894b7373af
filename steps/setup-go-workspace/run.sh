#!/bin/sh
# Sourced. Leaves behind GOPATH, PATH, WERCKER_SOURCE_DIR and the working directory, for this and all later steps.

__go_package=$(
  (
    package="$WERCKER_SETUP_GO_WORKSPACE_PACKAGE_DIR"
    if [ -z "$package" ] && [ -f "$WERCKER_ROOT/go.mod" ]; then
      package=$(sed -n 's/^module[[:space:]]*"\{0,1\}\([^"[:space:]]*\).*/\1/p' "$WERCKER_ROOT/go.mod" | head -n 1)
    fi
    if [ -z "$package" ] && [ -n "$WERCKER_GIT_DOMAIN" ] && [ -n "$WERCKER_GIT_REPOSITORY" ]; then
      package="$WERCKER_GIT_DOMAIN/$WERCKER_GIT_OWNER/$WERCKER_GIT_REPOSITORY"
    fi
    if [ -z "$package" ] && command -v git >/dev/null 2>&1; then
      # git@host:owner/name.git and https://host/owner/name.git alike
      package=$(git -C "$WERCKER_ROOT" remote get-url origin 2>/dev/null |
        sed -e 's,^[a-z+]*://,,' -e 's,^[^@/]*@,,' -e 's,:[0-9]*/,/,' -e 's,:,/,' -e 's,\.git$,,')
    fi
    if [ -z "$package" ]; then
      package="local/${WERCKER_APPLICATION_OWNER_NAME:-wercker}/${WERCKER_APPLICATION_NAME:-app}"
    fi
    printf '%s' "$package"
  )
)
case /$__go_package/ in
  */../* | *//*) fail "package-dir $__go_package is no import path" ;;
esac

# The first entry of GOPATH counts; it may be one that the image brings.
export GOPATH="${GOPATH:-$WERCKER_PIPELINE_DIR/go}"
__go_workspace="${GOPATH%%:*}"
case $WERCKER_SOURCE_DIR in
  "$__go_workspace"/src/*)
    info "the source lies in the workspace already, in $WERCKER_SOURCE_DIR"
    ;;
  *)
    __go_target="$__go_workspace/src/$__go_package"
    __go_base="$WERCKER_SOURCE_DIR"
    case $WERCKER_SOURCE_DIR/ in "$WERCKER_ROOT"/*) __go_base="$WERCKER_ROOT" ;; esac
    mkdir -p "${__go_target%/*}" "$__go_workspace/bin" "$__go_workspace/pkg" ||
      fail "the workspace $__go_workspace cannot be made"
    if [ -L "$__go_target" ]; then rm -f "$__go_target"; fi
    if [ -e "$__go_target" ]; then fail "$__go_target is there already"; fi
    ln -s "$__go_base" "$__go_target" || fail "$__go_target cannot be made"
    export WERCKER_SOURCE_DIR="$__go_target${WERCKER_SOURCE_DIR#"$__go_base"}"
    ;;
esac
export PATH="$__go_workspace/bin:$PATH"
cd "$WERCKER_SOURCE_DIR" || fail "$WERCKER_SOURCE_DIR is not there"
unset __go_package __go_workspace __go_target __go_base
info "GOPATH is $GOPATH"
info "the source is $WERCKER_SOURCE_DIR"
