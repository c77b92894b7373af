#!/bin/sh
# Takes out of a Debian tree what Slipway never calls: git's commands in Perl and Perl itself, parts of git for mail and
# for pushing over old protocols, texts for people. `$1` is the root of the tree.
set -eu
root=${1:?the root of the tree}
cd "$root"
rm -rf usr/share/doc usr/share/man usr/share/info usr/share/locale usr/share/lintian usr/share/bug \
  usr/share/bash-completion usr/share/gitweb usr/share/git-core/contrib usr/share/perl usr/share/perl5 \
  usr/lib/*/perl usr/lib/*/perl5 usr/lib/*/perl-base usr/lib/*/libperl.so* \
  var/cache/apt var/lib/apt/lists var/log/apt var/log/dpkg.log
rm -f usr/bin/perl* usr/bin/scalar usr/bin/git-shell usr/bin/c_rehash
for name in add--interactive archimport cvsexportcommit cvsimport cvsserver send-email svn imap-send http-push \
  instaweb daemon shell http-backend scalar request-pull filter-branch; do
  rm -f "usr/lib/git-core/git-$name" "usr/lib/git-core/$name"
done
# The second of two links to the same program weighs nothing here, but its copy does in a layer.
if [ -e usr/lib/git-core/git ] && [ -e usr/bin/git ]; then
  ln -sf ../../bin/git usr/lib/git-core/git
fi
