#!/usr/bin/env bash
# The resolver, and room for sandboxes, in the cluster that kubectl is set to. ANTHROPIC_API_KEY, CORALOGIX_API_KEY and
# CORALOGIX_DOMAIN are taken from the environment, the first time.
set -euo pipefail
cd "$(dirname "$0")"

kubectl apply -f namespace.yaml -f serviceaccount.yaml -f networkpolicy.yaml
if ! kubectl get secret credential-resolver --namespace credential-resolver >/dev/null 2>&1; then
  # On the standard input, so that no secret is among the arguments of a process.
  kubectl create --namespace credential-resolver --filename - <<SECRET
apiVersion: v1
kind: Secret
metadata: { name: credential-resolver }
stringData:
  jwt-secret: "$(openssl rand -base64 32)"
$([ -z "${ANTHROPIC_API_KEY:-}" ] || printf '  anthropic-api-key: "%s"' "$ANTHROPIC_API_KEY")
$([ -z "${CORALOGIX_API_KEY:-}" ] || printf '  coralogix-api-key: "%s"' "$CORALOGIX_API_KEY")
$([ -z "${CORALOGIX_DOMAIN:-}" ] || printf '  coralogix-domain: "%s"' "$CORALOGIX_DOMAIN")
SECRET
fi
kubectl apply -f configmap.yaml -f deployment.yaml -f service.yaml
kubectl rollout status deployment/credential-resolver --namespace credential-resolver --timeout=180s
