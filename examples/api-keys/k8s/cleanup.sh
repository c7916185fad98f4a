#!/usr/bin/env bash
# Deletes the namespace api-proxy, with every key and all usage in it.
set -euo pipefail
kubectl delete namespace api-proxy --ignore-not-found
