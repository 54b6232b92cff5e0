{{- /*
SPDX-License-Identifier: EPL-2.0
*/ -}}
{{- define "hulykvs.labels" -}}
app.kubernetes.io/name: {{ .Values.name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: huly
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "hulykvs.selector" -}}
app.kubernetes.io/name: {{ .Values.name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- /*
A value as it was written: YAML reads on and off as booleans, and Helm holds the numbers of a values file as floats,
which it would print as 1e+06.
*/ -}}
{{- define "hulykvs.value" -}}
{{- if kindIs "bool" . }}{{ ternary "on" "off" . }}
{{- else if kindIs "float64" . }}{{ if eq (floor .) . }}{{ printf "%.0f" . }}{{ else }}{{ . }}{{ end }}
{{- else if or (kindIs "map" .) (kindIs "slice" .) }}{{ fail "each of settings, the image's tag and encryptionKeys.mode is one text or number" }}
{{- else if kindIs "invalid" . }}
{{- else }}{{ . }}
{{- end }}
{{- end }}

{{- /*
The seconds that a pod may take to end: 5 of preStop, HULY_REQUEST_TIMEOUT and 2 of nginx (60 at most),
HULY_REQUEST_TIMEOUT and 5 of the program, 5 to spare.
*/ -}}
{{- define "hulykvs.grace" -}}
{{- $timeout := get (.Values.settings | default dict) "HULY_REQUEST_TIMEOUT" | include "hulykvs.value" | default "10" }}
{{- if not (regexMatch "^[0-9]+([.][0-9]+)?$" $timeout) }}{{ fail "settings.HULY_REQUEST_TIMEOUT is a number of seconds" }}{{ end }}
{{- $seconds := int64 (ceil (float64 $timeout)) }}
{{- max 30 (add 15 $seconds (min 60 (add 2 $seconds))) }}
{{- end }}

{{- /*
Settings that have a value of their own in the chart: in the list of variables each name may stand once.
*/ -}}
{{- define "hulykvs.ownSettings" -}}
HULY_DB_CONNECTION: connection
HULY_DB_CONNECTION_FILE: connection
HULY_TOKEN_SECRET: tokenSecret
HULY_TOKEN_SECRET_FILE: tokenSecret
HULY_TOKEN_SECRET_PREVIOUS: tokenSecretPrevious
HULY_TOKEN_SECRET_PREVIOUS_FILE: tokenSecretPrevious
HULY_ENCRYPTION_KEYS_FILE: encryptionKeys
HULY_ENCRYPTION_MODE: encryptionKeys.mode
HULY_BIND_PORT: port
HULY_METRICS_BIND: metrics.port
HULYKVS_MIGRATE: migrate.mode
{{- end }}

{{- define "hulykvs.image" -}}
{{ .Values.image.repository }}:{{ include "hulykvs.value" (.Values.image.tag | default .Chart.AppVersion) }}
{{- end }}

{{- define "hulykvs.security" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "hulykvs.environment" -}}
- name: HULY_DB_CONNECTION
  valueFrom:
    secretKeyRef:
      name: {{ required "connection.secret names the secret with the connection string" .Values.connection.secret }}
      key: {{ .Values.connection.key }}
- name: HULY_TOKEN_SECRET_FILE
  value: /run/secrets/hulykvs/token/{{ .Values.tokenSecret.key }}
{{- if .Values.tokenSecretPrevious.secret }}
- name: HULY_TOKEN_SECRET_PREVIOUS_FILE
  value: /run/secrets/hulykvs/previous/{{ .Values.tokenSecretPrevious.key }}
{{- end }}
{{- if .Values.encryptionKeys.secret }}
- name: HULY_ENCRYPTION_KEYS_FILE
  value: /run/secrets/hulykvs/keys/{{ .Values.encryptionKeys.key }}
- name: HULY_ENCRYPTION_MODE
  value: {{ include "hulykvs.value" .Values.encryptionKeys.mode | quote }}
{{- end }}
- name: HULY_BIND_PORT
  value: {{ .Values.port | quote }}
- name: HULY_METRICS_BIND
  {{- /* Of the same family as the public address. */}}
  {{- $host := get (.Values.settings | default dict) "HULY_BIND_HOST" | include "hulykvs.value" }}
  {{- $any := ternary "[::]" "0.0.0.0" (contains ":" $host) }}
  value: {{ if .Values.metrics.port }}{{ printf "%s:%v" $any .Values.metrics.port | quote }}{{ else }}"off"{{ end }}
{{- $own := include "hulykvs.ownSettings" . | fromYaml }}
{{- range $name, $value := .Values.settings }}
{{- with get $own $name }}{{ fail (printf "%s cannot be in settings: set the value %s instead" $name .) }}{{ end }}
- name: {{ $name }}
  {{- /* The switches of OpenTelemetry are true and false, ours are on and off. */}}
  {{- if and (kindIs "bool" $value) (hasPrefix "OTEL_" $name) }}
  value: {{ toString $value | quote }}
  {{- else if eq $name "OTEL_SDK_DISABLED" }}
  value: {{ get (dict "on" "true" "off" "false") (toString $value) | default $value | quote }}
  {{- else }}
  value: {{ include "hulykvs.value" $value | quote }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "hulykvs.mounts" -}}
- name: run
  mountPath: /run/hulykvs
- name: token
  mountPath: /run/secrets/hulykvs/token
  readOnly: true
{{- if .Values.tokenSecretPrevious.secret }}
- name: previous
  mountPath: /run/secrets/hulykvs/previous
  readOnly: true
{{- end }}
{{- if .Values.encryptionKeys.secret }}
- name: keys
  mountPath: /run/secrets/hulykvs/keys
  readOnly: true
{{- end }}
{{- end }}
