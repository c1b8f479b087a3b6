{{/* The programs' configuration files; docs/configuration.md tells every key. */}}

{{- define "sc.config.controller" -}}
wrapper:
  image: {{ include "sc.image" (dict "root" . "values" .Values.wrapper) | quote }}
  pullPolicy: {{ include "sc.pullPolicy" (dict "root" . "values" .Values.wrapper) }}
activatorService: {{ printf "%s/%s-activator%s" .Release.Namespace (include "sc.fullname" .) (ternary "-inner" "" (include "sc.hasPublic" . | eq "true")) }}
urlTemplate: {{ include "sc.urlTemplate" . | quote }}
hostDomains: {{ toJson .Values.domains }}
clusterDomain: {{ .Values.clusterDomain }}
{{- $allowed := list }}
{{- /* an upgrade that reuses a former release's values has none */}}
{{- $hosts := .Values.hosts | default (dict "allowed" (list (dict "domain" "*" "namespaces" (list "*")))) }}
{{- range $one := $hosts.allowed | default (list (dict "domain" "*" "namespaces" list)) }}
{{- range $one.namespaces | default (list "") }}
{{- $allowed = append $allowed (printf "%s=%s" $one.domain .) }}
{{- end }}
{{- end }}
allowedHosts: {{ toJson $allowed }}
watchNodes: true
watchNamespaces: {{ include "sc.namespaceHosts" . }}
leaderElect: true
leaderNamespace: {{ .Release.Namespace }}
leaderName: {{ include "sc.fullname" . }}-controller
admin:
  listen: {{ printf "%s:%d" .Values.listenAddress (int .Values.controller.adminPort) | quote }}
  tokenFile: /etc/stoppablecontainer-token/token
{{- end }}

{{- /* "true" or "false"; an upgrade that reuses a former release's values has none */}}
{{- define "sc.namespaceHosts" -}}
{{- dig "namespaceAnnotation" true (.Values.hosts | default dict) }}
{{- end }}

{{- define "sc.config.activator" -}}
{{- $a := .Values.activator }}
listen:
  - {{ printf "%s:%d" .Values.listenAddress (int $a.port) | quote }}
{{- if include "sc.hasPublic" . | eq "true" }}
listenPublic:
  - {{ printf "%s:%d" .Values.listenAddress (int $a.public.port) | quote }}
{{- end }}
domains: {{ toJson .Values.domains }}
clusterDomain: {{ .Values.clusterDomain }}
adminListen: {{ printf "%s:%d" .Values.listenAddress (int $a.adminPort) | quote }}
adminTokenFile: /etc/stoppablecontainer-token/token
idleMonitorKeyFile: /etc/stoppablecontainer-key/key
connections:
  max: {{ int $a.connectionsMax }}
  memory: {{ $a.connectionsMemory | quote }}
  maxPerAddress: {{ int $a.connectionsPerAddress }}
minRate:
  bytesPerSecond: {{ int $a.minRate.bytesPerSecond }}
  grace: {{ $a.minRate.grace | quote }}
hold:
  timeout: {{ $a.hold.timeout | quote }}
  timeoutMax: {{ $a.hold.timeoutMax | quote }}
  sharePercent: {{ int $a.hold.sharePercent }}
  maxPendingRequests: {{ int $a.hold.maxPendingRequests }}
  maxPendingBytes: {{ $a.hold.maxPendingBytes | quote }}
wakes:
  perSecond: {{ int $a.wakes.perSecond }}
  burst: {{ int $a.wakes.burst }}
  namespacePerSecond: {{ int $a.wakes.namespacePerSecond }}
  namespaceBurst: {{ int $a.wakes.namespaceBurst }}
  {{- /* an upgrade that reuses a former release's values has neither */}}
  nodePerSecond: {{ dig "nodePerSecond" 10 $a.wakes | int }}
  nodeBurst: {{ dig "nodeBurst" 60 $a.wakes | int }}
heldRequests:
  max: {{ int $a.hold.maxRequests }}
heldBytes:
  max: {{ $a.hold.maxBytes | quote }}
idleTimeout: {{ $a.timeouts.idle | quote }}
headTimeout: {{ $a.timeouts.head | quote }}
responseTimeout: {{ $a.timeouts.response | quote }}
drainTimeout: {{ $a.timeouts.drain | quote }}
lostWatchTimeout: {{ $a.timeouts.lostWatch | default "10m" | quote }}
shutdownDelay: {{ $a.shutdownDelay | quote }}
accessLog: {{ $a.accessLog }}
{{- /* an upgrade that reuses a former release's values has neither of these, nor lostWatch */}}
trustedProxies: {{ toJson ($a.trustedProxies | default (list "private")) }}
answerDetails: {{ $a.answerDetails | default "none" | quote }}
{{- end }}

{{- define "sc.config.idle-monitor" -}}
activatorService: {{ printf "%s/%s-activator-admin" .Release.Namespace (include "sc.fullname" .) }}
activatorKeyFile: /etc/stoppablecontainer-key/key
idle:
  timeout: {{ .Values.idle.timeout | quote }}
  startupGrace: {{ .Values.idle.startupGrace | quote }}
  {{- with .Values.idle.namespaces }}
  namespaces:
    {{- range $namespace, $idle := . }}
    - {{ $namespace }}{{ with $idle.timeout }} timeout={{ . }}{{ end }}{{ with $idle.startupGrace }} startupGrace={{ . }}{{ end }}
    {{- end }}
  {{- end }}
scrape:
  interval: {{ .Values.idleMonitor.scrapeInterval | quote }}
leaderElect: true
leaderNamespace: {{ .Release.Namespace }}
leaderName: {{ include "sc.fullname" . }}-idle-monitor
admin:
  listen: {{ printf "%s:%d" .Values.listenAddress (int .Values.idleMonitor.adminPort) | quote }}
  tokenFile: /etc/stoppablecontainer-token/token
{{- end }}

{{- define "sc.config.node-agent" -}}
{{- $n := .Values.nodeAgent }}
podsDir: {{ printf "%s/pods" ($n.kubeletRootDir | trimSuffix "/") | quote }}
runtimeEndpoint: {{ printf "unix://%s" $n.containerRuntime.endpoint | quote }}
layerRoot: {{ printf "%s/io.containerd.snapshotter.v1.overlayfs/snapshots" ($n.containerRuntime.dataRoot | trimSuffix "/") | quote }}
runtimeRoot: {{ $n.containerRuntime.dataRoot | trimSuffix "/" | quote }}
cgroupRoots: [/host/cgroup]
hostPathPrefixes: {{ toJson $n.hostPathPrefixes }}
stagingDir: /run/sc-node-agent
adminListen: {{ printf "%s:%d" .Values.listenAddress (int $n.adminPort) | quote }}
adminTokenFile: /etc/stoppablecontainer-token/token
{{- end }}
