#!/usr/bin/env bash
# What `npm run test:traefik` needs besides .ci/servers.sh: the real Traefik. Go builds it into
# ${SALLYPORT_CACHE:-~/.cache/sallyport}, in a quarter of an hour: on request, not in every run.
set -euo pipefail

version=3.6.12
cache=${SALLYPORT_CACHE:-$HOME/.cache/sallyport}
folder=$cache/traefik-$version

if [ -x "$folder/traefik" ]; then
  echo "traefik: $version is there already"
elif ! command -v go >/dev/null; then
  echo 'traefik: Go is missing: https://go.dev/dl/' >&2
  exit 1
else
  echo "traefik: $version is built, which takes up to a quarter of an hour"
  mkdir -p "$folder"
  module=$(GOFLAGS=-mod=mod go mod download -json "github.com/traefik/traefik/v3@v$version" |
    sed -n 's/^\t"GoMod": "\(.*\)",$/\1/p')
  # `go install` refuses what has replacements: a module of our own takes them over.
  {
    printf 'module sallyport/traefik\n\nrequire github.com/traefik/traefik/v3 v%s\n' "$version"
    sed -n -e '/^go /p' -e '/^replace (/,/^)/p' -e '/^exclude /p' "$module"
  } >"$folder/go.mod"
  (cd "$folder" && CGO_ENABLED=0 GOFLAGS=-mod=mod nice -n 10 \
    go build -trimpath -ldflags='-s -w' -o traefik.new github.com/traefik/traefik/v3/cmd/traefik)
  mv "$folder/traefik.new" "$folder/traefik"
fi
mkdir -p "$cache/bin"
ln -sfn "$folder/traefik" "$cache/bin/traefik"
