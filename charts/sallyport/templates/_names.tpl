{{/* What everything is called. A release that is named after the chart gives its name alone. */}}
{{- define "sallyport.name" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/*
dict "root" $ "name" NAME: what tells an object apart; selectors name the first of them alone, which never changes. What is nobody's
in particular has no name ("" or "-").
*/}}
{{- define "sallyport.labels" -}}
{{- if not (has .name (list "" "-")) }}
app.kubernetes.io/name: {{ .name }}
{{- end }}
app.kubernetes.io/part-of: {{ .root.Values.partOf }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* dict "root" $ "name" NAME: the metadata of an object of this release. */}}
{{- define "sallyport.metadata" -}}
name: {{ .name }}
namespace: {{ .namespace | default .root.Release.Namespace }}
labels:
  {{- include "sallyport.labels" (dict "root" .root "name" (.label | default .name)) | nindent 2 }}
{{- end -}}

{{- define "sallyport.image" -}}
{{- $tag := .Values.image.tag | default .Chart.AppVersion -}}
{{- if .Values.image.digest -}}
{{- printf "%s:%s@%s" .Values.image.repository $tag .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository $tag -}}
{{- end -}}
{{- end -}}

{{- define "sallyport.service-account" -}}
{{- .Values.serviceAccount.name | default (include "sallyport.name" .) -}}
{{- end -}}

{{/* The configuration, as the text that the service reads. */}}
{{- define "sallyport.configuration" -}}
{{- if .Values.configText -}}
{{- .Values.configText -}}
{{- else -}}
{{- toYaml .Values.config -}}
{{- end -}}
{{- end -}}

{{/* The port that answers /health, /ready, /metrics and, as a rule, /auth. */}}
{{- define "sallyport.http-port" -}}
{{- range .Values.ports }}{{ if eq .name "http" }}{{ .port }}{{ end }}{{ end -}}
{{- end -}}

{{/* The port that Envoy asks by gRPC; empty where there is none. */}}
{{- define "sallyport.grpc-port" -}}
{{- range .Values.ports }}{{ if eq .name "grpc" }}{{ .port }}{{ end }}{{ end -}}
{{- end -}}

{{/* Where the front asks: the Service's name in the cluster. */}}
{{- define "sallyport.host" -}}
{{- printf "%s.%s.svc.%s" (include "sallyport.name" .) .Release.Namespace .Values.clusterDomain -}}
{{- end -}}

{{/* A peer of a network policy: all pods of a namespace. */}}
{{- define "sallyport.in-namespace" -}}
namespaceSelector:
  matchLabels:
    kubernetes.io/metadata.name: {{ . }}
{{- end -}}

{{/* What Sallyport says of the caller, in place of whatever the client says, as a JSON list. */}}
{{- define "sallyport.headers" -}}
{{- $headers := list "X-User-ID" "X-Auth-Method" "X-API-Key-ID" "X-User-Email" "X-User-Roles" "X-Client-CN" -}}
{{- $headers = concat $headers (list "X-Payment-Verified" "X-Payment-Amount" "X-Payment-Balance" "X-Payment-Use" "X-Provisioned-Pod") -}}
{{- $headers = concat $headers (list "Authorization" "X-API-Key" "X-Cashu" "X-Payment-Session" "Cookie") -}}
{{- concat $headers .Values.front.headers | uniq | toJson -}}
{{- end -}}
