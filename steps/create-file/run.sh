#!/bin/sh
# Sourced. Leaves nothing behind but the file.

(
  file="$WERCKER_CREATE_FILE_FILENAME"
  [ -n "$file" ] || fail 'create-file needs the option filename'
  case $file in -*) file="./$file" ;; esac

  if [ -e "$file" ] && [ "$WERCKER_CREATE_FILE_OVERWRITE" != true ]; then
    fail "$file is there already; overwrite: true replaces it"
  fi
  case $file in
    */*) mkdir -p "${file%/*}/" || fail "the directory of $file cannot be made" ;;
  esac

  # Line breaks come as \n in a variable.
  printf '%b\n' "$WERCKER_CREATE_FILE_CONTENT" > "$file" || fail "$file cannot be written"
  if [ -n "$WERCKER_CREATE_FILE_MODE" ]; then
    chmod "$WERCKER_CREATE_FILE_MODE" "$file" || fail "$file cannot get the mode $WERCKER_CREATE_FILE_MODE"
  fi

  info "wrote $file"
  if [ "$WERCKER_CREATE_FILE_HIDE_FROM_LOG" != true ]; then
    cat "$file"
  fi
)
