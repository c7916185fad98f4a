#!/usr/bin/env bash
# What a visitor sees who pays, and one who does not. SITE and TOKEN say where it runs otherwise than by Compose.
set -euo pipefail
cd "$(dirname "$0")"
SITE=${SITE:-http://127.0.0.1:8000}
token() {
  if [ -n "${TOKEN:-}" ]; then $TOKEN "$1"; else
    docker compose exec --no-TTY mint /nodejs/bin/node /app/examples/paywall/token.ts "$1"
  fi
}
failed=0
# expect STATUS WHAT CURL-OPTIONS...
expect() {
  local status=$1 what=$2 got
  shift 2
  got=$(curl --silent --output /dev/null --write-out '%{http_code}' "$@")
  if [ "$got" = "$status" ]; then echo "ok   $status  $what"; else echo "FAIL $got instead of $status  $what"; failed=1; fi
}

expect 200 'what is free costs nothing' "$SITE/free"
expect 402 'what is not is for payers' "$SITE/premium"
paid=$(token 1000)
expect 200 'a token pays for one request' --header "Authorization: Bearer $paid" "$SITE/premium"
expect 402 'and for no second one' --header "Authorization: Bearer $paid" "$SITE/premium"
expect 402 'a token that is worth too little pays for nothing' --header "X-Cashu: $(token 10)" "$SITE/premium-plus"
hour=$(token 5000)
expect 200 'a tier of its own' --header "X-Cashu: $hour" "$SITE/premium-plus"
expect 200 'for an hour' --header "X-Cashu: $hour" "$SITE/premium-plus/again"
expect 403 'what no rule allows is refused' "$SITE/elsewhere"
exit "$failed"
