#!/usr/bin/env bash
# Runs ../test-api.sh against the cluster, through ports of this machine.
set -euo pipefail
cd "$(dirname "$0")"

forwards=()
trap 'kill "${forwards[@]}" 2>/dev/null || true' EXIT
for forward in envoy:8000 api-key-service:8080; do
  kubectl port-forward --namespace api-proxy "svc/${forward%:*}" "${forward#*:}:${forward#*:}" >/dev/null &
  forwards+=($!)
done
for port in 8000 8080; do
  for _ in $(seq 1 50); do
    if curl --silent --output /dev/null "http://localhost:$port/health"; then break; fi
    sleep 0.2
  done
done

SALLYPORT_ADMIN_TOKEN=$(kubectl get secret api-keys --namespace api-proxy --output jsonpath='{.data.admin-token}' | base64 --decode)
export SALLYPORT_ADMIN_TOKEN
../test-api.sh
