#!/bin/sh
# Sourced. Leaves behind PATH with the Maven it fetched, for later steps.

if [ -n "$WERCKER_MAVEN_VERSION" ]; then
  __maven_home="$WERCKER_CACHE_DIR/maven/apache-maven-$WERCKER_MAVEN_VERSION"
fi

(
  case $WERCKER_MAVEN_VERSION in *[!A-Za-z0-9.-]*) fail "maven version $WERCKER_MAVEN_VERSION is no version" ;; esac
  [ -n "$WERCKER_MAVEN_GOALS" ] || fail 'maven needs the option goals'
  if command -v mvn >/dev/null 2>&1; then
    exit 0
  fi
  [ -n "$WERCKER_MAVEN_VERSION" ] ||
    fail 'mvn is not in this box: take an image with Maven, or give the option version to fetch one'
  if [ -x "$__maven_home/bin/mvn" ]; then exit 0; fi

  command -v java >/dev/null 2>&1 || fail 'java is not in this box: take an image with a JDK'
  name="apache-maven-$WERCKER_MAVEN_VERSION"
  url="$WERCKER_MAVEN_MIRROR/maven-${WERCKER_MAVEN_VERSION%%.*}/$WERCKER_MAVEN_VERSION/binaries/$name-bin.tar.gz"
  info "fetching $url"
  work="$WERCKER_CACHE_DIR/maven/new"
  rm -rf "$work" && mkdir -p "$work" || fail "$work cannot be made"
  if command -v curl >/dev/null 2>&1; then
    curl -sS -f -L --retry 3 -o "$work/maven.tar.gz" "$url" || fail "$url cannot be fetched"
  elif command -v wget >/dev/null 2>&1; then
    wget -q -O "$work/maven.tar.gz" "$url" || fail "$url cannot be fetched"
  else
    fail 'neither curl nor wget is in this box: install one of them'
  fi
  tar -xzf "$work/maven.tar.gz" -C "$work" || fail "$url is no tarball"
  [ -f "$work/$name/bin/mvn" ] || fail "$url does not hold $name"
  rm -rf "$__maven_home" && mv "$work/$name" "$__maven_home" && rm -rf "$work" || fail "$__maven_home cannot be made"
) && {
  if [ -n "${__maven_home-}" ] && [ -x "$__maven_home/bin/mvn" ]; then
    export PATH="$__maven_home/bin:$PATH"
  fi
} && (
  if [ -n "$WERCKER_MAVEN_MAVEN_OPTS" ]; then export MAVEN_OPTS="$WERCKER_MAVEN_MAVEN_OPTS"; fi
  mvn --version || fail 'mvn does not start'
  set -f
  set -- --batch-mode
  if [ -n "$WERCKER_MAVEN_PROFILES" ]; then set -- "$@" --activate-profiles "$WERCKER_MAVEN_PROFILES"; fi
  if [ -n "$WERCKER_MAVEN_SETTINGS" ]; then
    [ -f "$WERCKER_MAVEN_SETTINGS" ] || fail "there is no $WERCKER_MAVEN_SETTINGS in $PWD"
    set -- "$@" --settings "$WERCKER_MAVEN_SETTINGS"
  fi
  if [ "$WERCKER_MAVEN_CACHE_REPO" = true ]; then
    set -- "$@" "-Dmaven.repo.local=$WERCKER_CACHE_DIR/maven/repository"
  fi
  # Options and goals are lists of words.
  # shellcheck disable=SC2086
  mvn "$@" $WERCKER_MAVEN_OPTIONS $WERCKER_MAVEN_GOALS || fail "mvn $WERCKER_MAVEN_GOALS ended with status $?"
)
