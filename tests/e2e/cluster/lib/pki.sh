# shellcheck shell=bash
# Keys and certificates of this cluster alone, and the kubeconfigs of those who use it.

# certificate NAME COMMON-NAME [GROUP [SUBJECT-ALTERNATIVE-NAMES]]
certificate() {
    local at=$pki/$1
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$at.key" -out "$at.csr" \
        -subj "${3:+/O=$3}/CN=$2" 2>/dev/null
    openssl x509 -req -in "$at.csr" -CA "$pki/ca.crt" -CAkey "$pki/ca.key" -CAcreateserial -days 2 -out "$at.crt" \
        -extfile <(printf 'keyUsage=digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\n%s' \
            "${4:+subjectAltName=$4}") 2>/dev/null
}

# kubeconfig NAME ADDRESS FILE: with that certificate, all in one file
kubeconfig() {
    cat >"$3" <<YAML
apiVersion: v1
kind: Config
clusters:
- name: e2e
  cluster: {server: "https://$2:6443", certificate-authority-data: $(base64 -w0 "$pki/ca.crt")}
users:
- name: $1
  user: {client-certificate-data: $(base64 -w0 "$pki/$1.crt"), client-key-data: $(base64 -w0 "$pki/$1.key")}
contexts:
- name: e2e
  context: {cluster: e2e, user: $1, namespace: default}
current-context: e2e
YAML
    chmod 600 "$3"
}

make_pki() {
    local n name
    mkdir -p "$pki"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=e2e \
        -keyout "$pki/ca.key" -out "$pki/ca.crt" 2>/dev/null
    openssl genrsa -out "$pki/sa.key" 2048 2>/dev/null
    openssl rsa -in "$pki/sa.key" -pubout -out "$pki/sa.pub" 2>/dev/null
    certificate apiserver kube-apiserver "" \
        "DNS:kubernetes,DNS:kubernetes.default.svc,DNS:localhost,IP:127.0.0.1,IP:$api,IP:$api_outside,IP:$api_service"
    certificate apiserver-kubelet kube-apiserver-kubelet-client system:masters
    certificate kcm system:kube-controller-manager
    certificate scheduler system:kube-scheduler
    certificate proxy system:kube-proxy
    for name in kcm scheduler proxy; do kubeconfig $name "$api" "$pki/$name.kubeconfig"; done
    for n in $nodes; do
        certificate "node$n" "system:node:node$n" system:nodes "DNS:node$n,IP:$network.$n"
        kubeconfig "node$n" "$api" "$pki/node$n.kubeconfig"
    done
    certificate admin admin system:masters
    certificate jane jane developers
    certificate bob bob visitors
    for name in admin jane bob; do kubeconfig $name "$api_outside" "$kept/$name.kubeconfig"; done
}
