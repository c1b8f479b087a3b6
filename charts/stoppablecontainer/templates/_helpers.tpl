{{/* Names. One installation a cluster: the kinds are cluster-wide, and so are the roles. */}}
{{- define "sc.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "sc.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- $name := include "sc.name" . }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{/* What follows is called with a program: dict "root" $ "name" "idle-monitor" "values" .Values.idleMonitor */}}

{{- define "sc.program.fullname" -}}
{{- printf "%s-%s" (include "sc.fullname" .root) .name }}
{{- end }}

{{- define "sc.selectorLabels" -}}
app.kubernetes.io/name: {{ include "sc.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
{{- end }}

{{- define "sc.commonLabels" -}}
app.kubernetes.io/name: {{ include "sc.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: stoppablecontainer
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "sc.labels" -}}
{{ include "sc.commonLabels" .root }}
app.kubernetes.io/component: {{ .name }}
{{- end }}

{{- define "sc.serviceAccountName" -}}
{{- if .values.serviceAccount.create }}
{{- .values.serviceAccount.name | default (include "sc.program.fullname" .) }}
{{- else }}
{{- .values.serviceAccount.name | default "default" }}
{{- end }}
{{- end }}

{{- define "sc.image" -}}
{{- $own := .values.image }}
{{- $all := .root.Values.image }}
{{- $registry := $own.registry | default $all.registry }}
{{- if $registry }}{{ $registry }}/{{ end }}{{ $own.repository }}:{{ $own.tag | default $all.tag | default .root.Chart.AppVersion }}
{{- with $own.digest }}@{{ . }}{{ end }}
{{- end }}

{{- define "sc.pullPolicy" -}}
{{- .values.image.pullPolicy | default .root.Values.image.pullPolicy }}
{{- end }}

{{/* A duration ("1h30m", "500ms") in whole seconds, rounded up. */}}
{{- define "sc.seconds" -}}
{{- $ms := 0 }}
{{- range regexFindAll "[0-9]+(ms|s|m|h)" . -1 }}
{{- $number := regexFind "^[0-9]+" . | int64 }}
{{- $factor := get (dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000) (regexFind "[a-z]+$" .) | int64 }}
{{- $ms = add $ms (mul $number $factor) }}
{{- end }}
{{- div (add $ms 999) 1000 }}
{{- end }}

{{/* Of a program: the Secret of the user's with its admin port's token; empty: one is made for it. */}}
{{- define "sc.adminTokenExisting" -}}
{{- /* an upgrade that reuses a former release's values has none of its own */}}
{{- dig "adminToken" "existingSecret" "" .values | default .root.Values.adminToken.existingSecret }}
{{- end }}

{{- define "sc.adminTokenSecret" -}}
{{- include "sc.adminTokenExisting" . | default (printf "%s-admin-token" (include "sc.program.fullname" .)) }}
{{- end }}

{{- define "sc.adminTokenKey" -}}
{{- dig "adminToken" "key" "" .values | default .root.Values.adminToken.key }}
{{- end }}

{{- define "sc.activatorKeySecret" -}}
{{- .Values.activatorKey.existingSecret | default (printf "%s-activator-key" (include "sc.fullname" .)) }}
{{- end }}

{{/* Not empty for the two programs that share the key. */}}
{{- define "sc.hasActivatorKey" -}}
{{- if has .name (list "activator" "idle-monitor") }}yes{{ end }}
{{- end }}

{{/* http://NAME.NAMESPACE…, as status.activation.url says it */}}
{{- define "sc.urlTemplate" -}}
{{- if .Values.urlTemplate }}
{{- .Values.urlTemplate }}
{{- else if .Values.domains }}
{{- printf "http://%%s.%%s.%s" (first .Values.domains) }}
{{- end }}
{{- end }}

{{- define "sc.config" -}}
{{- $own := include (printf "sc.config.%s" .name) .root | fromYaml }}
{{- $common := dict "log" (dict "level" (.values.logLevel | default .root.Values.log.level) "format" .root.Values.log.format) }}
{{- mustMergeOverwrite $common $own .values.config | toYaml }}
{{- end }}

{{/* Who may be on which node, and under which name. */}}
{{- define "sc.podPlacement" -}}
{{- with .root.Values.global.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Replicas go to different nodes where there are some, unless values say otherwise. */}}
{{- define "sc.spread" -}}
topologySpreadConstraints:
{{- if .values.topologySpreadConstraints }}
  {{- toYaml .values.topologySpreadConstraints | nindent 2 }}
{{- else }}
  {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "sc.selectorLabels" $ | nindent 8 }}
    matchLabelKeys: [pod-template-hash]
  {{- end }}
{{- end }}
{{- end }}

{{/* A changed configuration or token rolls the Pods. */}}
{{- define "sc.podMetadata" -}}
annotations:
  checksum/config: {{ include "sc.config" . | sha256sum }}
  {{- with .values.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
labels:
  {{- include "sc.labels" . | nindent 2 }}
  {{- with .values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* Pod Security level "restricted" */}}
{{- define "sc.restrictedPod" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "sc.restrictedContainer" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "sc.probes" -}}
startupProbe:
  httpGet: { path: /healthz, port: admin }
  periodSeconds: 1
  failureThreshold: 60
livenessProbe:
  httpGet: { path: /healthz, port: admin }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
readinessProbe:
  httpGet: { path: /readyz, port: admin }
  periodSeconds: {{ . }}
  timeoutSeconds: 2
  failureThreshold: 2
{{- end }}

{{/* The start of a program's container: what is the same for all of them. */}}
{{- define "sc.container" -}}
name: {{ .name }}
image: {{ include "sc.image" . | quote }}
imagePullPolicy: {{ include "sc.pullPolicy" . }}
args:
  - --config=/etc/stoppablecontainer/config.yaml
  {{- range .values.extraArgs }}
  - {{ . | quote }}
  {{- end }}
resources:
  {{- toYaml .values.resources | nindent 2 }}
{{- end }}

{{- define "sc.configMounts" -}}
- name: config
  mountPath: /etc/stoppablecontainer
  readOnly: true
- name: admin-token
  mountPath: /etc/stoppablecontainer-token
  readOnly: true
{{- if include "sc.hasActivatorKey" . }}
- name: activator-key
  mountPath: /etc/stoppablecontainer-key
  readOnly: true
{{- end }}
{{- end }}

{{- define "sc.configVolumes" -}}
- name: config
  configMap:
    name: {{ include "sc.program.fullname" . }}
- name: admin-token
  secret:
    secretName: {{ include "sc.adminTokenSecret" . }}
    defaultMode: 0440
    items:
      - key: {{ include "sc.adminTokenKey" . }}
        path: token
{{- if include "sc.hasActivatorKey" . }}
- name: activator-key
  secret:
    secretName: {{ include "sc.activatorKeySecret" .root }}
    defaultMode: 0440
    items:
      - key: {{ .root.Values.activatorKey.key }}
        path: key
{{- end }}
{{- end }}

{{/* All programs, as JSON: for what is made for each of them. */}}
{{- define "sc.programs" -}}
{{- dict "controller" .Values.controller "activator" .Values.activator "idle-monitor" .Values.idleMonitor "node-agent" .Values.nodeAgent | toJson }}
{{- end }}

{{/* Whether strangers have a port of their own; an upgrade may reuse values that know nothing of it. */}}
{{- define "sc.hasPublic" -}}
{{- if (.Values.activator.public | default dict).enabled }}true{{ else }}false{{ end }}
{{- end }}
