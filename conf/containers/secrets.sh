#!/usr/bin/env bash
# Make the secrets of compose.yaml that are missing: passwords, the file of
# tokens, and for a trial a certificate.
#
# usage: secrets.sh NAME              (the host name that clients use)
#
# They are in the directory "secrets" beside this file, or in SECRETS.  Other
# users cannot enter it.  The files can be read by the users of the containers,
# to whom each is given alone.

set -euo pipefail

if [ $# -ne 1 ] || [[ ! $1 =~ ^[A-Za-z0-9.-]+$ ]]; then
    sed -n '2,/^set -euo/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2
    exit 2
fi

name=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
secrets=${SECRETS:-$here/secrets}
umask 022
mkdir -p "$secrets"
chmod 0700 "$secrets"

for secret in administrator magasin_web grafana; do
    [ ! -e "$secrets/$secret" ] || continue
    head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n' \
        >"$secrets/$secret.new"
    echo >>"$secrets/$secret.new"
    mv "$secrets/$secret.new" "$secrets/$secret"
    echo "secrets: made $secrets/$secret"
done
if [ ! -e "$secrets/tokens" ]; then
    scopes=produits,prix,ventes,stock,reapprovisionnement,admin,retours
    scopes+=,inventaire,magasins,lecture
    "$here/../../scripts/token.sh" administrateur "$scopes" \
        >"$secrets/tokens.new"
    mv "$secrets/tokens.new" "$secrets/tokens"
    echo "secrets: made $secrets/tokens"
fi
if [ ! -e "$secrets/certificate" ]; then
    openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=$name" \
        -addext "subjectAltName=DNS:$name" -keyout "$secrets/key" \
        -out "$secrets/certificate" 2>/dev/null
    # The workers of nginx are another user than that of this machine.
    chmod 0644 "$secrets/key"
    echo "secrets: made $secrets/certificate and key, which count for 30 days:" \
        "put your own there"
fi
