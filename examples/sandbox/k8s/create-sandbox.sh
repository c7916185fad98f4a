#!/usr/bin/env bash
# create-sandbox.sh NAME TENANT TEAM [TTL]: mints the token of a sandbox, and starts its pod.
set -euo pipefail
cd "$(dirname "$0")"

name=${1:?usage: create-sandbox.sh NAME TENANT TEAM [TTL]} tenant=${2:?tenant} team=${3:?team} ttl=${4:-24h}
[[ $name =~ ^[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?$ ]] || { echo "NAME: lower-case letters, digits and -" >&2; exit 2; }

token=$(kubectl exec --namespace credential-resolver deployment/credential-resolver -- \
  /usr/local/bin/sallyport sandbox token --tenant "$tenant" --team "$team" --sandbox "$name" --ttl "$ttl")
manifest=$(<sandbox.yaml)
manifest=${manifest//sandbox-demo/sandbox-$name}
manifest=${manifest//sandbox: demo/sandbox: $name}
# Not by a command whose arguments others can see.
kubectl apply --filename - <<<"${manifest//SANDBOX_TOKEN_HERE/$token}"
kubectl wait --for=condition=ready "pod/sandbox-$name" --namespace sandboxes --timeout=120s
