# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The product's admission policies, bound or not. To be sourced after lib.sh.
#
#   policies_rest NAMESPACE FILE   nothing is refused by them, from here on; the bindings are in FILE
#   policies_wake FILE             they are bound again

_policies_part=app.kubernetes.io/part-of=stoppablecontainer

# whether the API server knows already that no policy is bound: a Pod with our labels is refused by one
_policies_are_unbound() {
  kubectl -n "$1" run try --image=none --dry-run=server \
    --labels=stoppablecontainer.xtlsoft.top/managed-by=stoppablecontainer >/dev/null 2>&1
}

policies_rest() {
  kubectl get validatingadmissionpolicybindings -l "$_policies_part" -o json |
    jq '.items[].metadata |= {name, labels, annotations}' >"$2"
  kubectl delete validatingadmissionpolicybindings -l "$_policies_part" >/dev/null
  cluster_until 20 _policies_are_unbound "$1"
}

policies_wake() {
  [ ! -s "$1" ] || [ "$(jq '.items | length' "$1")" = 0 ] || kubectl create -f "$1" >/dev/null || true
}
