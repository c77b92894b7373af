#!/bin/sh
# Sourced, as a rule in an after-step. Leaves nothing behind.

(
  url="$WERCKER_SLACK_NOTIFIER_URL"
  [ -n "$url" ] || fail 'slack-notifier needs the option url'
  case $url in
    *[\"\\[:space:]]*) fail 'the url of slack-notifier is no URL of a webhook' ;;
    http://* | https://*) ;;
    *) fail 'the url of slack-notifier is no URL of a webhook' ;;
  esac

  result="${WERCKER_RESULT:-passed}"
  if [ "$WERCKER_SLACK_NOTIFIER_NOTIFY_ON" = failed ] && [ "$result" != failed ]; then
    info 'nothing is told: the pipeline did not fail'
    exit 0
  fi
  if [ -n "$WERCKER_SLACK_NOTIFIER_BRANCH" ]; then
    found=
    # A list of words.
    for branch in $(printf '%s' "$WERCKER_SLACK_NOTIFIER_BRANCH" | tr ',' ' '); do
      if [ "$branch" = "$WERCKER_GIT_BRANCH" ]; then found=yes; fi
    done
    if [ -z "$found" ]; then
      info "nothing is told of the branch $WERCKER_GIT_BRANCH"
      exit 0
    fi
  fi

  # Text for the inside of a JSON string. Line breaks come as \n and stay so.
  json() {
    printf '%s' "$1" | tr '\n\t' '  ' | tr -d '\000-\037' |
      sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/\\\\n/\\n/g'
  }
  # Slack takes these three for itself.
  escape() { printf '%s' "$1" | sed -e 's/&/\&amp;/g' -e 's/</\&lt;/g' -e 's/>/\&gt;/g'; }

  kind=pipeline
  if [ "${DEPLOY-}" = true ]; then kind=deploy; fi
  if [ "${BUILD-}" = true ]; then kind=build; fi
  text="$(escape "${WERCKER_APPLICATION_OWNER_NAME-}/${WERCKER_APPLICATION_NAME-}"): $kind"
  if [ -n "${WERCKER_RUN_URL-}" ]; then text="$(escape "${WERCKER_APPLICATION_NAME-}"): <$WERCKER_RUN_URL|$kind>"; fi
  if [ -n "${WERCKER_GIT_BRANCH-}" ]; then text="$text of $(escape "$WERCKER_GIT_BRANCH")"; fi
  if [ -n "${WERCKER_STARTED_BY-}" ]; then text="$text by $(escape "$WERCKER_STARTED_BY")"; fi
  text="$text $result"
  if [ "$result" = failed ]; then
    color=danger
    if [ -n "${WERCKER_FAILED_STEP_DISPLAY_NAME-}" ]; then
      text="$text at $(escape "$WERCKER_FAILED_STEP_DISPLAY_NAME"): $(escape "${WERCKER_FAILED_STEP_MESSAGE-}")"
    fi
    text="${WERCKER_SLACK_NOTIFIER_FAILED_MESSAGE:-$text}"
  else
    color=good
    text="${WERCKER_SLACK_NOTIFIER_PASSED_MESSAGE:-$text}"
  fi

  field() { if [ -n "$2" ]; then printf '"%s":"%s",' "$1" "$(json "$2")"; fi; }
  channel="$WERCKER_SLACK_NOTIFIER_CHANNEL"
  case $channel in '' | '#'* | @*) ;; *) channel="#$channel" ;; esac
  body="{$(field channel "$channel")$(field username "$WERCKER_SLACK_NOTIFIER_USERNAME")"
  body="$body$(field icon_url "$WERCKER_SLACK_NOTIFIER_ICON_URL")$(field icon_emoji "$WERCKER_SLACK_NOTIFIER_ICON_EMOJI")"
  body="$body\"attachments\":[{$(field fallback "$text")$(field text "$text")\"color\":\"$color\"}]}"

  if command -v curl >/dev/null 2>&1; then
    # By its configuration on standard input the URL, which is a secret, is seen in no list of processes.
    printf 'url = "%s"\n' "$url" |
      curl -sS -f -m 30 -K - -o /dev/null -H 'Content-Type: application/json' --data "$body" ||
      fail 'Slack did not take the message: check the url'
  elif command -v wget >/dev/null 2>&1; then
    wget -q -T 30 -O /dev/null --header 'Content-Type: application/json' --post-data "$body" "$url" ||
      fail 'Slack did not take the message: check the url'
  else
    fail 'neither curl nor wget is in this box: install one of them'
  fi
  info 'Slack has been told'
)
