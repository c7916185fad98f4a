{{- define "sallyport.ingress-head" -}}
ingressClassName: {{ .Values.front.className }}
{{- with .Values.front.tls.secretName }}
tls:
  - hosts: [{{ $.Values.front.host }}]
    secretName: {{ . }}
{{- end }}
{{- end -}}

{{/*
dict "root" $ "namespace" NAMESPACE: the certificate, where cert-manager is not told by an annotation. The Secret is where those are who
show it.
*/}}
{{- define "sallyport.certificate" -}}
apiVersion: cert-manager.io/v1
kind: Certificate
metadata:
  {{- $front := .root.Values.front }}
  {{- include "sallyport.metadata" (dict "root" .root "name" (trimSuffix "-tls" $front.tls.secretName) "namespace" .namespace "label" $front.application.name) | nindent 2 }}
spec:
  secretName: {{ $front.tls.secretName }}
  dnsNames:
    - {{ $front.host }}
  issuerRef:
    kind: ClusterIssuer
    name: {{ $front.tls.issuer }}
{{- end -}}

{{- define "sallyport.application-backend" -}}
service:
  name: {{ .Values.front.application.name }}
  port:
    name: {{ .Values.front.application.port }}
{{- end -}}

{{/*
Where payers hand in tokens, end sessions and get back what is left: Sallyport itself, so nothing is asked before. Exact paths: the
rest of Sallyport is not for clients.
*/}}
{{- define "sallyport.own-ingress" -}}
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  {{- include "sallyport.metadata" (dict "root" . "name" (include "sallyport.name" .)) | nindent 2 }}
  {{- with .Values.front.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- include "sallyport.ingress-head" . | nindent 2 }}
  rules:
    - host: {{ .Values.front.host }}
      http:
        paths:
          {{- range list "pay" "session" "refund" }}
          - path: /.sallyport/{{ . }}
            pathType: Exact
            backend:
              service:
                name: {{ include "sallyport.name" $ }}
                port:
                  name: http
          {{- end }}
{{- end -}}
