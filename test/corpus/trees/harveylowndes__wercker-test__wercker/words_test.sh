#!/bin/sh
# There are two words, and each is in lower case.
[ "$(wc -l < words.txt)" -eq 2 ] || { echo "FAIL: not two words"; exit 1; }
if grep -q '[^a-z]' words.txt; then
  echo "FAIL: a word is not in lower case"
  exit 1
fi
echo "ok: 2 words"
