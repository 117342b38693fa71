#!/usr/bin/env bash
# Make a token: the line for the file of tokens on standard output, and the
# token itself, which is shown this once and kept nowhere, on standard error.
#
# usage: token.sh ID SCOPE[,SCOPE...]
#
# ID is what logs and the journal show; scopes are those of magasin_tokens in
# docs/DIRECTIVES.md.  To add one:
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
    fail "an id has no colon and no control character, and does not begin" \
        "with #: as in ID=caisse-12"
[ "$(printf %s "$id" | wc -c)" -le 200 ] ||
    fail "an id has 200 bytes at most."

known=' produits prix ventes stock reapprovisionnement admin '
seen=' '
IFS=, read -ra names <<<"$scopes"
[ "${#names[@]}" -gt 0 ] || fail "which scopes? As in SCOPES=ventes,prix"
for name in "${names[@]}"; do
    [[ -n $name && $name != *' '* && $known == *" $name "* ]] ||
        fail "there is no scope \"$name\": there are$known"
    [[ $seen != *" $name "* ]] || fail "the scope $name is there twice."
    seen+="$name "
done
[[ $scopes != *, ]] || fail "a comma has nothing after it."

token=$(head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n')
[ "${#token}" -eq 48 ] || fail "no random numbers here."

digest=$(printf %s "$token" | sha256sum)
echo "the token of $id, which is shown only now: $token" >&2
printf '%s:%s:%s\n' "$id" "${digest%% *}" "$scopes"
