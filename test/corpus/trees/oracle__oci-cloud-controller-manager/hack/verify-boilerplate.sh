#!/bin/sh
# Copyright: none.
without=$(grep -L 'Copyright' controller.sh manifest.template hack/*.sh)
[ -z "$without" ] || { echo "no copyright: $without"; exit 1; }
echo "boilerplate is in place"
