#!/usr/bin/env bash
# Deploys everything into the namespace api-proxy of the cluster that kubectl is set to. A second run changes what has changed.
set -euo pipefail
cd "$(dirname "$0")"

kubectl apply -f namespace.yaml
if ! kubectl get secret api-keys --namespace api-proxy >/dev/null 2>&1; then
  # On the standard input, so that no secret is among the arguments of a process.
  kubectl create --namespace api-proxy --filename - <<SECRET
apiVersion: v1
kind: Secret
metadata: { name: api-keys }
stringData:
  admin-token: "$(openssl rand -hex 32)"
  postgres-password: "$(openssl rand -hex 24)"
$([ -z "${STRIPE_API_KEY:-}" ] || printf '  stripe-api-key: "%s"' "$STRIPE_API_KEY")
SECRET
fi
kubectl apply -f configmap.yaml -f postgres.yaml -f redis.yaml
kubectl wait --for=condition=ready pod -l app=postgres -n api-proxy --timeout=120s
kubectl wait --for=condition=ready pod -l app=redis -n api-proxy --timeout=120s
kubectl apply -f api-key-service.yaml -f backend-service.yaml -f envoy.yaml
for name in api-key-service backend-service envoy; do
  kubectl rollout status "deployment/$name" --namespace api-proxy --timeout=180s
done
