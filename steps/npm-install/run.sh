#!/bin/sh
# Sourced. Leaves npm's settings behind as exported variables, so that later steps use the same cache.

if [ "$WERCKER_NPM_INSTALL_USE_CACHE" = true ]; then
  export npm_config_cache="$WERCKER_CACHE_DIR/npm"
fi
if [ "$WERCKER_NPM_INSTALL_STRICT_SSL" != true ]; then
  export npm_config_strict_ssl=false
fi

(
  command -v npm >/dev/null 2>&1 || fail 'npm is not in this box: take an image with Node.js'
  npm --version | sed 's/^/npm /'

  # Options and packages are lists of words.
  # shellcheck disable=SC2086
  install() { npm install $WERCKER_NPM_INSTALL_PACKAGE_LIST $WERCKER_NPM_INSTALL_OPTIONS; }

  for try in 1 2 3; do
    info "npm install, try $try"
    if install; then
      success 'packages are installed'
      exit 0
    fi
    warn 'npm install failed'
    if [ "$WERCKER_NPM_INSTALL_CLEAR_CACHE_ON_FAILED" = true ]; then
      npm cache clean --force || :
    fi
  done
  fail 'npm install failed three times'
)
