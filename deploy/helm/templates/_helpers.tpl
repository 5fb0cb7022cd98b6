{{/* The release's name, with the chart's unless it is in there. */}}
{{- define "deskstream.fullname" -}}
{{- if .Values.fullnameOverride }}{{ .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else }}{{ $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}{{ printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}
{{- end }}

{{- define "deskstream.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "deskstream.labels" -}}
{{ include "deskstream.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "deskstream.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ default (include "deskstream.fullname" .) .Values.serviceAccount.name }}
{{- else }}{{ default "default" .Values.serviceAccount.name }}{{ end }}
{{- end }}

{{- define "deskstream.image" -}}
{{- if .Values.image.digest }}{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else }}{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}{{ end }}
{{- end }}

{{/*
The configuration as a map, for the checks below and for what other objects take from it. What is
mounted is the text itself.
*/}}
{{- define "deskstream.parsed" -}}
{{- $config := fromYaml .Values.config }}
{{- if $config.Error }}{{ fail (printf "config is no YAML: %s" $config.Error) }}{{ end }}
{{- $config | toJson }}
{{- end }}

{{/* The port of an address of the configuration, which the cluster has to reach. */}}
{{- define "deskstream.port" -}}
{{- if not .address }}{{ fail (printf "config: set %s to \":%v\", so that the cluster reaches it" .setting .example) }}{{ end }}
{{- if regexMatch "^(127\\.|localhost:|\\[::1\\])" .address }}{{ fail (printf "config: %s is %q, which only the Pod itself reaches: write \":%v\"" .setting .address .example) }}{{ end }}
{{- regexFind "[0-9]+$" .address }}
{{- end }}

{{- define "deskstream.metricsPort" -}}
{{- $http := default dict (get (include "deskstream.parsed" . | fromJson) "http") }}
{{- include "deskstream.port" (dict "address" (get $http "listen") "setting" "http.listen" "example" 9400) }}
{{- end }}

{{- define "deskstream.webhookPort" -}}
{{- $inbound := default dict (get (include "deskstream.parsed" . | fromJson) "inbound") }}
{{- include "deskstream.port" (dict "address" (get $inbound "listen") "setting" "inbound.listen" "example" 9410) }}
{{- end }}

{{/* How long run may take to stop: source.drain_timeout, 5 seconds for what follows, and 5 in reserve. */}}
{{- define "deskstream.grace" -}}
{{- $source := default dict (get (include "deskstream.parsed" . | fromJson) "source") }}
{{- $drain := default "35s" (get $source "drain_timeout") | toString }}
{{- $given := int .Values.run.terminationGracePeriodSeconds }}
{{- if regexMatch "^[0-9]+s$" $drain }}
{{- $least := add (trimSuffix "s" $drain | int) 5 }}
{{- if and $given (lt $given (int $least)) }}{{ fail (printf "run.terminationGracePeriodSeconds is %d: source.drain_timeout %s and 5 s for what follows need %d" $given $drain $least) }}{{ end }}
{{- if $given }}{{ $given }}{{ else }}{{ add $least 5 }}{{ end }}
{{- else if $given }}{{ $given }}
{{- else }}{{ fail (printf "run.terminationGracePeriodSeconds: set it to source.drain_timeout (%s) and 10 s" $drain) }}
{{- end }}
{{- end }}

{{/* What the Pods of run, receive and export have in common. Takes root, component, args, port, grace, resources. */}}
{{- define "deskstream.pod" -}}
{{- $root := .root -}}
metadata:
  labels:
    {{- include "deskstream.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
    {{- with $root.Values.podLabels }}{{ toYaml . | nindent 4 }}{{ end }}
  annotations:
    checksum/config: {{ $root.Values.config | sha256sum }}
    {{- with $root.Values.podAnnotations }}{{ toYaml . | nindent 4 }}{{ end }}
spec:
  serviceAccountName: {{ include "deskstream.serviceAccount" $root }}
  automountServiceAccountToken: false
  {{- with $root.Values.imagePullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $root.Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  terminationGracePeriodSeconds: {{ .grace }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    seccompProfile: {type: RuntimeDefault}
  containers:
    - name: deskstream
      image: {{ include "deskstream.image" $root | quote }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      args: {{ .args | toJson }}
      {{- with $root.Values.extraEnv }}
      env: {{- toYaml . | nindent 8 }}
      {{- end }}
      ports:
        - {name: metrics, containerPort: {{ .port }}}
        {{- with .webhooks }}
        - {name: webhooks, containerPort: {{ . }}}
        {{- end }}
      # Joining a group can wait for the session of a killed instance to run out.
      startupProbe:
        httpGet: {path: /healthz, port: metrics}
        periodSeconds: 2
        failureThreshold: 60
      livenessProbe:
        httpGet: {path: /healthz, port: metrics}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      readinessProbe:
        httpGet: {path: /readyz, port: metrics}
        periodSeconds: 5
        timeoutSeconds: 5
      resources: {{- toYaml .resources | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
      volumeMounts:
        - {name: config, mountPath: /etc/deskstream, readOnly: true}
        - {name: tmp, mountPath: /tmp}
        {{- if $root.Values.secretName }}
        - {name: secrets, mountPath: /run/secrets/deskstream, readOnly: true}
        {{- end }}
        {{- with $root.Values.extraVolumeMounts }}{{ toYaml . | nindent 8 }}{{ end }}
  volumes:
    - name: config
      configMap: {name: {{ include "deskstream.fullname" $root }}}
    - name: tmp
      emptyDir: {sizeLimit: 64Mi}
    {{- if $root.Values.secretName }}
    - name: secrets
      secret: {secretName: {{ $root.Values.secretName }}, defaultMode: 0440}
    {{- end }}
    {{- with $root.Values.extraVolumes }}{{ toYaml . | nindent 4 }}{{ end }}
  {{- with $root.Values.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $root.Values.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $root.Values.affinity }}
  affinity: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $root.Values.topologySpreadConstraints }}
  topologySpreadConstraints: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{/* The sum of the lag triggers, as a formula. */}}
{{- define "deskstream.lagNames" -}}
{{- range $n, $g := . }}{{ if $n }} + {{ end }}lag{{ $n }}{{ end }}
{{- end }}
