#!/bin/sh
# Sourced. Leaves nothing behind.

(
  command -v npm >/dev/null 2>&1 || fail 'npm is not in this box: take an image with Node.js'
  # Options are a list of words.
  # shellcheck disable=SC2086
  npm test $WERCKER_NPM_TEST_OPTIONS || fail "npm test ended with status $?"
)
