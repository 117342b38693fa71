#!/usr/bin/env bash
# Create a token.  Its line for the token file is written to the standard
# output.  The token itself is written to the standard error, only once: it is
# not stored.
#
# usage: token.sh ID SCOPE[,SCOPE...]
#
# ID is the name in logs and in the journal.  The scopes are those of
# magasin_tokens in docs/DIRECTIVES.md.  To add a token:
#
#   scripts/token.sh caisse-12 ventes,prix >> /etc/magasin/tokens

set -euo pipefail

fail() {
    echo "token: $*" >&2
    exit 1
}

if [ $# -ne 2 ]; then
    sed -n '2,/^set -euo/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2
    exit 2
fi

id=$1
scopes=$2

[[ $id =~ ^[^:#[:cntrl:]][^:[:cntrl:]]*$ ]] ||
    fail "an id must not be empty, contain a colon or a control" \
        "character, or begin with #; for example: ID=caisse-12"
[ "$(printf %s "$id" | wc -c)" -le 200 ] ||
    fail "an id has at most 200 bytes."

known=' produits prix ventes stock reapprovisionnement admin '
seen=' '
IFS=, read -ra names <<<"$scopes"
[ "${#names[@]}" -gt 0 ] ||
    fail "SCOPES is missing, for example: SCOPES=ventes,prix"
for name in "${names[@]}"; do
    [[ -n $name && $name != *' '* && $known == *" $name "* ]] ||
        fail "unknown scope \"$name\"; the scopes are:$known"
    [[ $seen != *" $name "* ]] || fail "the scope $name appears twice."
    seen+="$name "
done
[[ $scopes != *, ]] || fail "SCOPES ends with a comma."

token=$(head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n')
[ "${#token}" -eq 48 ] || fail "cannot read /dev/urandom."

digest=$(printf %s "$token" | sha256sum)
echo "the token of $id, shown only this once: $token" >&2
printf '%s:%s:%s\n' "$id" "${digest%% *}" "$scopes"
