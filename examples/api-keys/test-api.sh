#!/usr/bin/env bash
# Walks through the gateway as its users would. Needs curl, the running example, and SALLYPORT_ADMIN_TOKEN (taken from .env).
#
#   GATEWAY=http://localhost:8000 ADMIN=http://localhost:8080 ./test-api.sh
set -euo pipefail
cd "$(dirname "$0")"

gateway=${GATEWAY:-http://localhost:8000}
admin=${ADMIN:-http://localhost:8080}
if [ -z "${SALLYPORT_ADMIN_TOKEN:-}" ] && [ -f .env ]; then
  SALLYPORT_ADMIN_TOKEN=$(sed -n 's/^SALLYPORT_ADMIN_TOKEN=//p' .env)
fi
: "${SALLYPORT_ADMIN_TOKEN:?is not set, and there is no .env: see .env.example}"

failures=0
body=$(mktemp)
trap 'rm -f "$body"' EXIT

ok() { printf 'ok      %s\n' "$1"; }
not_ok() {
  printf 'not ok  %s: %s\n' "$1" "$2"
  failures=$((failures + 1))
}

# expect STATUS NAME CURL-ARGUMENTS...: the answer's body is left in $body.
expect() {
  local wanted=$1 name=$2 status
  shift 2
  status=$(curl --silent --show-error --max-time 20 --output "$body" --write-out '%{http_code}' "$@" || true)
  if [ "$status" = "$wanted" ]; then ok "$name"; else not_ok "$name" "expected $wanted, got $status: $(head -c 300 "$body")"; fi
}

# says TEXT NAME: the last answer's body has it.
says() { if grep -qF -- "$1" "$body"; then ok "$2"; else not_ok "$2" "no $1 in $(head -c 600 "$body")"; fi; }
says_nothing_of() { if grep -qF -- "$1" "$body"; then not_ok "$2" "there is $1"; else ok "$2"; fi; }

# The value of a member of the last answer, which is flat where it is looked for.
member() { sed -n 's/.*"'"$1"'":"\([^"]*\)".*/\1/p' "$body" | head -n 1; }

api() { # api STATUS NAME METHOD PATH [BODY]
  local wanted=$1 name=$2 method=$3 path=$4
  shift 4
  expect "$wanted" "$name" --request "$method" --header "Authorization: Bearer $SALLYPORT_ADMIN_TOKEN" \
    ${1:+--header 'Content-Type: application/json' --data "$1"} "$admin$path"
}

create() { # create LIMIT: leaves the key in $key and its id in $id
  api 201 "a key of $1 requests a minute is made" POST /api/keys \
    '{"user_id":"user123","name":"My API Key","rate_limit_per_minute":'"$1"',"rate_limit_per_day":10000}'
  key=$(member key) id=$(member id)
}

echo "Gateway $gateway, admin API $admin"

expect 200 'GET /health is open' "$gateway/health"
expect 403 'a request without a key is refused' "$gateway/hello"
expect 403 'an invented key is refused' --header 'Authorization: Bearer sk-your-api-key' "$gateway/hello"
expect 401 'the admin API wants its token' "$admin/api/keys/user123"

create 100
bearer=(--header "Authorization: Bearer $key")
expect 200 'GET /hello with the key' "${bearer[@]}" "$gateway/hello"
says '"user_id":"user123"' 'the backend is told whose key it is'
expect 200 'the key in X-API-Key opens as well' --header "X-API-Key: $key" "$gateway/hello"

for method in GET POST PUT PATCH DELETE OPTIONS; do
  expect 200 "$method /echo" "${bearer[@]}" --request "$method" --data 'some body' "$gateway/echo"
  says "\"method\":\"$method\"" "the backend gets $method"
  says '"body":"some body"' 'and its body'
done
expect 200 'HEAD /echo' "${bearer[@]}" --head "$gateway/echo"
expect 200 'a client that claims to be somebody else' "${bearer[@]}" --header 'X-User-ID: admin' "$gateway/echo"
says '"x-user-id":"user123"' 'is who its key says'
says_nothing_of "$key" 'the backend never sees the key'

api 200 "the user's keys are listed" GET /api/keys/user123
says "$id" 'with this one'
says_nothing_of "$key" 'and no key is shown again'

first=$id
create 3
limited=(--header "Authorization: Bearer $key")
for request in 1 2 3; do expect 200 "request $request of 3" "${limited[@]}" "$gateway/hello"; done
expect 429 'the fourth is one too many' --dump-header "$body.headers" "${limited[@]}" "$gateway/hello"
if grep -qi '^retry-after:' "$body.headers"; then ok 'and is told when to come again'; else not_ok 'Retry-After' 'missing'; fi
rm -f "$body.headers"

# Envoy sends its log about once a second, and usage is written as often.
for _ in $(seq 1 40); do
  api 200 'usage arrives' GET "/api/usage?key_id=$id" >"$body.said"
  if grep -qE '"requests":[1-9]' "$body"; then break; fi
  sleep 0.5
done
cat "$body.said" && rm -f "$body.said"
if grep -qE '"requests":[1-9]' "$body"; then ok 'by key'; else not_ok 'by key' "$(head -c 300 "$body")"; fi

api 200 'what is billed, and what would be' GET /api/billing/status

api 204 'the key is deleted' DELETE "/api/keys/$first"
status=200
for _ in $(seq 1 24); do
  status=$(curl --silent --output /dev/null --write-out '%{http_code}' "${bearer[@]}" "$gateway/hello")
  if [ "$status" = 403 ]; then break; fi
  sleep 0.5
done
if [ "$status" = 403 ]; then ok 'and opens nothing'; else not_ok 'and opens nothing' "still $status"; fi
api 204 'the other one too' DELETE "/api/keys/$id"

if [ "$failures" -gt 0 ]; then
  echo "$failures failed"
  exit 1
fi
echo 'All as it should be.'
