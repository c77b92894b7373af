#!/bin/sh
# Sourced. Leaves Bundler's settings behind as exported variables, so that `bundle exec` of later steps finds the
# gems. Flags for them are gone from new versions of Bundler; the variables work in all.

export BUNDLE_PATH="${WERCKER_BUNDLE_INSTALL_PATH:-$WERCKER_CACHE_DIR/bundle-install}"
if [ -n "$WERCKER_BUNDLE_INSTALL_WITHOUT" ]; then
  export BUNDLE_WITHOUT="$WERCKER_BUNDLE_INSTALL_WITHOUT"
fi
if [ -n "$WERCKER_BUNDLE_INSTALL_GEMFILE" ]; then
  export BUNDLE_GEMFILE="$WERCKER_BUNDLE_INSTALL_GEMFILE"
fi
if [ -n "$WERCKER_BUNDLE_INSTALL_BINSTUBS" ]; then
  export BUNDLE_BIN="$WERCKER_BUNDLE_INSTALL_BINSTUBS"
fi
if [ "$WERCKER_BUNDLE_INSTALL_DEPLOYMENT" = true ]; then
  export BUNDLE_DEPLOYMENT=true
fi
if [ "$WERCKER_BUNDLE_INSTALL_FROZEN" = true ]; then
  export BUNDLE_FROZEN=true
fi

(
  gemfile="${BUNDLE_GEMFILE:-Gemfile}"
  [ -f "$gemfile" ] || fail "there is no $gemfile in $PWD"

  if ! command -v bundle >/dev/null 2>&1; then
    command -v gem >/dev/null 2>&1 || fail 'neither bundle nor gem is in this box: take an image with Ruby'
    info 'bundle is not in this box, installing it'
    gem install bundler --no-document || fail 'gem install bundler failed'
  fi
  bundle --version

  set -- --retry "${WERCKER_BUNDLE_INSTALL_RETRY:-3}"
  if [ -n "$WERCKER_BUNDLE_INSTALL_JOBS" ]; then
    set -- "$@" --jobs "$WERCKER_BUNDLE_INSTALL_JOBS"
  fi

  # Options are a list of words.
  # shellcheck disable=SC2086
  bundle install "$@" $WERCKER_BUNDLE_INSTALL_OPTIONS || fail "bundle install ended with status $?"

  if [ "$WERCKER_BUNDLE_INSTALL_CLEAN" = true ]; then
    bundle clean || fail "bundle clean ended with status $?"
  fi
  success 'gems are installed'
)
