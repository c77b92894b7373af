#!/bin/sh
[ "$(./noritama.sh sea)" = "noritama sea" ] && echo "1 test passed"
