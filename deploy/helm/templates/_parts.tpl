{{- /* What all objects share; component is the second of a list: (list . "worker"). */ -}}
{{- define "starflock.labels" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: starflock
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ $root.Chart.Name }}-{{ $root.Chart.Version }}
{{- if gt (len .) 1 }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}
{{- end -}}

{{- define "starflock.selector" -}}
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "starflock.pod" -}}
serviceAccountName: {{ .Release.Name }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
- {name: {{ . }}}
{{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "starflock.container" -}}
image: {{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
envFrom:
- configMapRef: {name: {{ .Release.Name }}-settings}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end -}}

{{- define "starflock.settings" -}}
{{- $set := dict
  "TEMPORAL_ADDRESS" .Values.temporal.address
  "TEMPORAL_NAMESPACE" .Values.temporal.namespace
  "STARFLOCK_PAYLOAD_KEYS" (printf "current=k8s:%s/payload-key" .Values.secret)
  "STARFLOCK_DEPLOYMENT" .Release.Name
  "STARFLOCK_METRICS_LISTEN" "0.0.0.0:9464"
  "STARFLOCK_GRACEFUL_SHUTDOWN" "60s" -}}
{{- if .Values.codecServer.enabled -}}
{{- $_ := set $set "STARFLOCK_CODEC_LISTEN" "0.0.0.0:8081" -}}
{{- $_ := set $set "STARFLOCK_CODEC_ORIGINS" (join "," .Values.codecServer.origins) -}}
{{- $_ := set $set "STARFLOCK_CODEC_TOKENS" (printf "operators=k8s:%s/codec-token" .Values.secret) -}}
{{- end -}}
{{- if .Values.vault.address -}}
{{- $_ := set $set "VAULT_ADDR" .Values.vault.address -}}
{{- $_ := set $set "VAULT_KUBERNETES_ROLE" .Values.vault.role -}}
{{- if .Values.vault.ca -}}
{{- $_ := set $set "VAULT_CACERT" "/etc/starflock/inventory/vault-ca.pem" -}}
{{- end -}}
{{- end -}}
{{- toYaml (merge (deepCopy .Values.settings) $set) -}}
{{- end -}}
