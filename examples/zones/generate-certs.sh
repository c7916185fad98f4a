#!/usr/bin/env bash
# Makes the authorities of the three zones and the certificates of the four services:
#
#   ./generate-certs.sh [FOLDER]    by default certs/ beside this script
#
# What is there, fits its key and its authority, and is good for another thirty days is left alone: the script may run as
# often as one likes, and renews what runs out. Services take up renewed certificates without a restart.
set -euo pipefail

command -v openssl >/dev/null || {
  echo "generate-certs.sh: openssl is not on this machine. Install it first, for instance with: apt-get install openssl" >&2
  exit 1
}

umask 077
folder=${1:-$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/certs}
mkdir -p "$folder"
work=$(mktemp -d "$folder/.making-XXXXXX")
trap 'rm -rf "$work"' EXIT
chmod 755 "$folder"

month=$((30 * 24 * 60 * 60))

# good CERTIFICATE KEY AUTHORITY
good() {
  [ -s "$1" ] && [ -s "$2" ] &&
    openssl x509 -in "$1" -noout -checkend "$month" >/dev/null 2>&1 &&
    openssl verify -CAfile "$3" "$1" >/dev/null 2>&1 &&
    [ "$(openssl x509 -in "$1" -noout -pubkey)" = "$(openssl pkey -in "$2" -pubout 2>/dev/null)" ]
}

new_key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null; }

# subject CN: the lines of a request's configuration
subject() { printf '[req]\nprompt=no\ndistinguished_name=name\nstring_mask=utf8only\n[name]\nO=MyOrg\nCN=%s\n' "$1"; }

# authority ZONE. Its key stays in private/, which no service gets to see.
authority() {
  local certificate=$folder/ca/$1-ca.crt key=$folder/private/$1-ca.key
  if good "$certificate" "$key" "$certificate"; then return; fi
  mkdir -p "$folder/ca" "$folder/private"
  chmod 755 "$folder/ca"
  { subject "$1-CA"; printf '[ca]\nbasicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n'; } >"$work/ca.cnf"
  new_key "$work/ca.key"
  openssl req -x509 -new -key "$work/ca.key" -sha256 -days 1825 -config "$work/ca.cnf" -extensions ca -out "$work/ca.crt"
  chmod 644 "$work/ca.crt"
  mv "$work/ca.key" "$key"
  mv "$work/ca.crt" "$certificate"
  echo "made $certificate"
}

# certificate FOLDER FILE ZONE COMMON-NAME USAGE [ALTERNATIVE-NAMES]: signed by the authority of the zone
certificate() {
  local certificate=$folder/$1/$2.crt key=$folder/$1/$2.key zone=$3 authority=$folder/ca/$3-ca.crt
  if good "$certificate" "$key" "$authority"; then return; fi
  mkdir -p "$folder/$1"
  chmod 755 "$folder/$1"
  subject "$4" >"$work/request.cnf"
  {
    printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=%s\n' "$5"
    printf 'subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n'
    [ -z "${6:-}" ] || printf 'subjectAltName=%s\n' "$6"
  } >"$work/extensions.cnf"
  new_key "$work/new.key"
  openssl req -new -key "$work/new.key" -sha256 -config "$work/request.cnf" -out "$work/new.csr"
  openssl x509 -req -in "$work/new.csr" -CA "$authority" -CAkey "$folder/private/$zone-ca.key" \
    -set_serial "0x$(openssl rand -hex 8)" -sha256 -days 365 -extfile "$work/extensions.cnf" -out "$work/new.crt" 2>/dev/null
  chmod 644 "$work/new.crt"
  mv "$work/new.key" "$key"
  mv "$work/new.crt" "$certificate"
  echo "made $certificate"
}

# service FOLDER ZONE NAME: what it shows to whoever calls it
service() { certificate "$1" server "$2" "$3.$2.local" serverAuth "DNS:$3.$2.local"; }

# client FOLDER ZONE NAME TARGET-ZONE: what it shows where it calls. The authority is that of its own zone, for by that the
# other side tells where a call comes from; the file is named after the zone that is called.
client() { certificate "$1" "client-$4" "$2" "$3-client" clientAuth; }

for zone in zone1 zone2 zone3; do authority "$zone"; done

service gateway zone1 api-gateway
service order-service zone2 order-service
service payment-service zone2 payment-service
service data-service zone3 data-service

client gateway zone1 api-gateway zone2
client order-service zone2 order-service zone3
client payment-service zone2 payment-service zone3
