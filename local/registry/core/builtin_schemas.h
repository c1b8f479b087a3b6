/* SPDX-License-Identifier: Apache-2.0 */
/*
 * builtin_schemas - what the engine checks and defaults of Kubernetes' own types
 *
 * Not the whole of their schemas: the fields whose absence or wrong type would make the Pod
 * runner, or a program that reads the object, fail; and the API server's defaults that readers
 * rely on. Other fields are kept as they are written.
 */
#pragma once

#define BUILTIN_OPEN "\"type\":\"object\",\"x-kubernetes-preserve-unknown-fields\":true"
#define BUILTIN_OBJECT(properties) "{" BUILTIN_OPEN ",\"properties\":{" properties "}}"
#define BUILTIN_NAME "{\"type\":\"string\",\"minLength\":1,\"maxLength\":253}"
#define BUILTIN_STRINGS "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}}"
#define BUILTIN_PORT "{\"type\":\"integer\",\"minimum\":1,\"maximum\":65535}"
#define BUILTIN_LIST(items) "{\"type\":\"array\",\"items\":" items "}"
#define BUILTIN_PROTOCOL                                                                           \
	"{\"type\":\"string\",\"default\":\"TCP\",\"enum\":[\"TCP\",\"UDP\",\"SCTP\"]}"

#define BUILTIN_CONTAINER                                                                                                                                                                                                                             \
	"{" BUILTIN_OPEN ",\"required\":[\"name\",\"image\"],\"properties\":{"                                                                                                                                                                        \
	"\"name\":{\"type\":\"string\",\"pattern\":\"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$\","                                                                                                                                                              \
	"\"maxLength\":63},"                                                                                                                                                                                                                          \
	"\"image\":{\"type\":\"string\",\"minLength\":1},"                                                                                                                                                                                            \
	"\"command\":" BUILTIN_LIST(                                                                                                                                                                                                                  \
	        "{\"type\":\"string\"}") ","                                                                                                                                                                                                          \
	                                 "\"args\":" BUILTIN_LIST(                                                                                                                                                                                    \
	                                         "{\"type\":\"string\"}") ","                                                                                                                                                                         \
	                                                                  "\"terminationMessagePa"                                                                                                                                                    \
	                                                                  "th\":{\"type\":"                                                                                                                                                           \
	                                                                  "\"string\","                                                                                                                                                               \
	                                                                  "\"default\":\"/dev/"                                                                                                                                                       \
	                                                                  "termination-log\"},"                                                                                                                                                       \
	                                                                  "\"terminationMessagePo"                                                                                                                                                    \
	                                                                  "licy\":{\"type\":"                                                                                                                                                         \
	                                                                  "\"string\","                                                                                                                                                               \
	                                                                  "\"default\":\"File\"},"                                                                                                                                                    \
	                                                                  "\"imagePullPolicy\":{"                                                                                                                                                     \
	                                                                  "\"type\":\"string\","                                                                                                                                                      \
	                                                                  "\"default\":"                                                                                                                                                              \
	                                                                  "\"IfNotPresent\","                                                                                                                                                         \
	                                                                  "\"enum\":[\"Always\","                                                                                                                                                     \
	                                                                  "\"IfNotPresent\","                                                                                                                                                         \
	                                                                  "\"Never\"]},"                                                                                                                                                              \
	                                                                  "\"resources\":"                                                                                                                                                            \
	                                                                  "{" BUILTIN_OPEN                                                                                                                                                            \
	                                                                  ",\"default\":{}},"                                                                                                                                                         \
	                                                                  "\"ports\""                                                                                                                                                                 \
	                                                                  ":" BUILTIN_LIST(                                                                                                                                                           \
	                                                                          "{" BUILTIN_OPEN                                                                                                                                                    \
	                                                                          ",\"required\":"                                                                                                                                                    \
	                                                                          "[\"containerPo"                                                                                                                                                    \
	                                                                          "rt\"],"                                                                                                                                                            \
	                                                                          "\"properties\""                                                                                                                                                    \
	                                                                          ":{"                                                                                                                                                                \
	                                                                          "\"containerPor"                                                                                                                                                    \
	                                                                          "t\""                                                                                                                                                               \
	                                                                          ":" BUILTIN_PORT                                                                                                                                                    \
	                                                                          ",\"protocol\""                                                                                                                                                     \
	                                                                          ":" BUILTIN_PROTOCOL                                                                                                                                                \
	                                                                          "}}") ","                                                                                                                                                           \
	                                                                                "\"env\""                                                                                                                                                     \
	                                                                                ":" BUILTIN_LIST(                                                                                                                                             \
	                                                                                        "{" BUILTIN_OPEN                                                                                                                                      \
	                                                                                        ",\"required\":[\"name\"],\"properties\":{"                                                                                                           \
	                                                                                        "\"name\":{\"type\":\"string\",\"minLength\":1},\"value\":{\"type\":\"string\"}}}") ","                                                               \
	                                                                                                                                                                            "\"volumeMounts\":" BUILTIN_LIST(                                 \
	                                                                                                                                                                                    "{" BUILTIN_OPEN                                          \
	                                                                                                                                                                                    ",\"required\":[\"name\",\"mountPath\"],\"properties\":{" \
	                                                                                                                                                                                    "\"name\":" BUILTIN_NAME                                  \
	                                                                                                                                                                                    ",\"mountPath\":{\"type\":\"string\",\"minLength\":1}}}") "}}"

#define BUILTIN_CONTAINERS(more)                                                                   \
	"{\"type\":\"array\"," more "\"items\":" BUILTIN_CONTAINER                                 \
	",\"x-kubernetes-list-type\":\"map\",\"x-kubernetes-list-map-keys\":[\"name\"]}"

#define BUILTIN_SCHEMA_POD                                                                         \
	"{" BUILTIN_OPEN ",\"required\":[\"spec\"],\"properties\":{\"spec\":{" BUILTIN_OPEN        \
	",\"required\":[\"containers\"],\"properties\":{"                                          \
	"\"containers\":" BUILTIN_CONTAINERS(                                                      \
	        "\"minItems\":1,") ","                                                             \
	                           "\"initContainers\":" BUILTIN_CONTAINERS(                       \
	                                   "") ","                                                 \
	                                       "\"volumes\":{\"type\":\"array\",\"items\":"        \
	                                       "{" BUILTIN_OPEN                                    \
	                                       ",\"required\":[\"name\"],\"properties\":{"         \
	                                       "\"name\":" BUILTIN_NAME "}},"                      \
	                                       "\"x-kubernetes-list-type\":\"map\",\"x-"           \
	                                       "kubernetes-list-map-keys\":[\"name\"]},"           \
	                                       "\"restartPolicy\":{\"type\":\"string\","           \
	                                       "\"default\":\"Always\","                           \
	                                       "\"enum\":[\"Always\",\"OnFailure\",\"Never\"]},"   \
	                                       "\"terminationGracePeriodSeconds\":{\"type\":"      \
	                                       "\"integer\",\"default\":30,\"minimum\":0},"        \
	                                       "\"dnsPolicy\":{\"type\":\"string\",\"default\":"   \
	                                       "\"ClusterFirst\"},"                                \
	                                       "\"securityContext\":{" BUILTIN_OPEN                \
	                                       ",\"default\":{}},"                                 \
	                                       "\"schedulerName\":{\"type\":\"string\","           \
	                                       "\"default\":\"default-scheduler\"},"               \
	                                       "\"enableServiceLinks\":{\"type\":\"boolean\","     \
	                                       "\"default\":true},"                                \
	                                       "\"nodeName\":{\"type\":\"string\"}"                \
	                                       "}},\"status\":{" BUILTIN_OPEN                      \
	                                       ",\"default\":{},\"properties\":{"                  \
	                                       "\"phase\":{\"type\":\"string\",\"default\":"       \
	                                       "\"Pending\"}}}}}"

#define BUILTIN_SCHEMA_SERVICE                                                                     \
	"{" BUILTIN_OPEN ",\"required\":[\"spec\"],\"properties\":{\"spec\":{" BUILTIN_OPEN        \
	",\"properties\":{"                                                                        \
	"\"type\":{\"type\":\"string\",\"default\":\"ClusterIP\","                                 \
	"\"enum\":[\"ClusterIP\",\"NodePort\",\"LoadBalancer\",\"ExternalName\"]},"                \
	"\"sessionAffinity\":{\"type\":\"string\",\"default\":\"None\"},"                          \
	"\"selector\":" BUILTIN_STRINGS ","                                                        \
	"\"ports\":" BUILTIN_LIST(                                                                 \
	        "{" BUILTIN_OPEN ",\"required\":[\"port\"],\"properties\":{"                       \
	        "\"port\":" BUILTIN_PORT ",\"protocol\":" BUILTIN_PROTOCOL ","                     \
	        "\"targetPort\":{\"x-kubernetes-int-or-string\":true}}}") "}},"                    \
	                                                                  "\"status\":"            \
	                                                                  "{" BUILTIN_OPEN         \
	                                                                  ",\"default\":{"         \
	                                                                  "\"loadBalancer\":{}}}}" \
	                                                                  "}"

#define BUILTIN_SCHEMA_CONFIGMAP                                                                   \
	BUILTIN_OBJECT("\"data\":" BUILTIN_STRINGS ",\"binaryData\":{\"type\":\"object\","         \
	               "\"additionalProperties\":{\"type\":\"string\",\"format\":\"byte\"}}")

#define BUILTIN_SCHEMA_SECRET                                                                      \
	BUILTIN_OBJECT("\"data\":{\"type\":\"object\",\"additionalProperties\":"                   \
	               "{\"type\":\"string\",\"format\":\"byte\"}},"                               \
	               "\"stringData\":" BUILTIN_STRINGS ","                                       \
	               "\"type\":{\"type\":\"string\",\"default\":\"Opaque\"}")

#define BUILTIN_SCHEMA_EVENT                                                                       \
	"{" BUILTIN_OPEN ",\"required\":[\"involvedObject\"],\"properties\":{"                     \
	"\"involvedObject\":{" BUILTIN_OPEN "},"                                                   \
	"\"reason\":{\"type\":\"string\",\"maxLength\":128},"                                      \
	"\"message\":{\"type\":\"string\",\"maxLength\":1024},"                                    \
	"\"type\":{\"type\":\"string\"},\"count\":{\"type\":\"integer\"}}}"

#define BUILTIN_SCHEMA_LEASE                                                                       \
	BUILTIN_OBJECT("\"spec\":" BUILTIN_OBJECT(                                                 \
	        "\"holderIdentity\":{\"type\":\"string\",\"nullable\":true},"                      \
	        "\"leaseDurationSeconds\":{\"type\":\"integer\",\"minimum\":1,\"nullable\":true}," \
	        "\"leaseTransitions\":{\"type\":\"integer\",\"minimum\":0,\"nullable\":true},"     \
	        "\"acquireTime\":{\"type\":\"string\",\"format\":\"date-time\","                   \
	        "\"nullable\":true},"                                                              \
	        "\"renewTime\":{\"type\":\"string\",\"format\":\"date-time\",\"nullable\":true}"))

#define BUILTIN_SCHEMA_ENDPOINTSLICE                                                               \
	"{" BUILTIN_OPEN ",\"required\":[\"addressType\",\"endpoints\"],\"properties\":{"          \
	"\"addressType\":{\"type\":\"string\",\"enum\":[\"IPv4\",\"IPv6\",\"FQDN\"]},"             \
	"\"endpoints\":" BUILTIN_LIST(                                                             \
	        "{" BUILTIN_OPEN ",\"required\":[\"addresses\"],"                                  \
	        "\"properties\":{\"addresses\":" BUILTIN_LIST(                                     \
	                "{\"type\":\"string\"}") "}}") ","                                         \
	                                               "\"ports\":" BUILTIN_LIST(                  \
	                                                       "{" BUILTIN_OPEN                    \
	                                                       ",\"properties\":{"                 \
	                                                       "\"port\":" BUILTIN_PORT            \
	                                                       ",\"protocol\":" BUILTIN_PROTOCOL   \
	                                                       "}}") "}}"
