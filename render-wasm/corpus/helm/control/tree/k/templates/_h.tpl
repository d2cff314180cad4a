{{- define "n" -}}{{ .Release.Name }}-{{ .Chart.Name | trunc 63 }}{{- end -}}
