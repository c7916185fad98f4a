#!/usr/bin/env bash
# What `npm run test:mints` needs besides .ci/servers.sh: cdk-mintd, a second implementation of a mint. Cargo builds it into
# ${SALLYPORT_CACHE:-~/.cache/sallyport}, in five minutes and 1 GB: on request, not in every run.
set -euo pipefail

version=0.18.3
cache=${SALLYPORT_CACHE:-$HOME/.cache/sallyport}
folder=$cache/cdk-$version

if [ -x "$folder/bin/cdk-mintd" ]; then
  echo "mints: cdk-mintd $version is there already"
elif ! command -v cargo >/dev/null; then
  echo 'mints: cargo is missing (https://rustup.rs): the tests of cdk-mintd will be skipped' >&2
  exit 0
elif ! command -v protoc >/dev/null; then
  echo 'mints: protoc is missing (apt-get install protobuf-compiler): the tests of cdk-mintd will be skipped' >&2
  exit 0
else
  echo "mints: cdk-mintd $version is built, which takes some minutes"
  CARGO_PROFILE_DEV_OPT_LEVEL=1 CARGO_PROFILE_DEV_DEBUG=0 CARGO_TARGET_DIR=$folder/target \
    nice -n 10 cargo install --locked --quiet --debug --root "$folder" "cdk-mintd@$version" \
    --no-default-features --features fakewallet,sqlite
  rm -rf "$folder/target"
fi
mkdir -p "$cache/bin"
ln -sfn "$folder/bin/cdk-mintd" "$cache/bin/cdk-mintd"
