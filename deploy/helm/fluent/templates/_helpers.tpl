{{- define "fluent.name" -}}
{{- printf "%s-fluent" .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{- define "fluent.selector" -}}
app.kubernetes.io/name: fluent
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
