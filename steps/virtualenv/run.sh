#!/bin/sh
# Sourced. Leaves the shell inside the virtual environment, for this and all later steps.

export WERCKER_VIRTUALENV_VIRTUALENV_LOCATION="${WERCKER_VIRTUALENV_VIRTUALENV_LOCATION:-$WERCKER_PIPELINE_DIR/venv}"

(
  location="$WERCKER_VIRTUALENV_VIRTUALENV_LOCATION"
  python="$WERCKER_VIRTUALENV_PYTHON_LOCATION"
  if [ -z "$python" ]; then
    for candidate in python3 python; do
      if command -v "$candidate" >/dev/null 2>&1; then
        python=$candidate
        break
      fi
    done
  fi
  [ -n "$python" ] || fail 'Python is not in this box: take an image with Python'
  command -v "$python" >/dev/null 2>&1 || fail "there is no $python in this box"

  if [ -f "$location/bin/activate" ]; then
    info "$location is there already"
  elif command -v virtualenv >/dev/null 2>&1; then
    virtualenv --python "$python" "$location" || fail "virtualenv ended with status $?"
  else
    "$python" -m venv "$location" || fail "$python -m venv ended with status $?: install virtualenv, or the image's venv package"
  fi
  [ -f "$location/bin/activate" ] || fail "there is no $location/bin/activate"

  if [ "$WERCKER_VIRTUALENV_INSTALL_WHEEL" = true ]; then
    "$location/bin/python" -m pip install --quiet wheel || warn 'wheel cannot be installed'
  fi
) && {
  # shellcheck disable=SC1091
  . "$WERCKER_VIRTUALENV_VIRTUALENV_LOCATION/bin/activate" && info "this is $VIRTUAL_ENV now"
}
