#!/usr/bin/env bash
# Create a token.  Its line for the token file is written to the standard
# output.  The token itself is written to the standard error, only once: it is
# not stored.
#
# usage: token.sh ID SCOPE[,SCOPE...] [STORE[,STORE...] [LAST DAY]]
#
# ID is the name in logs and in the journal.  The scopes are those of
# magasin_tokens in docs/DIRECTIVES.md.  With ids of stores the token is valid
# in these alone, with a day until its end (UTC).  An empty argument counts as
# absent.  To add a token:
#
#   scripts/token.sh caisse-12 ventes,prix >> /etc/magasin/tokens
#   scripts/token.sh caisse-13 ventes 1,4 2027-01-31 >> /etc/magasin/tokens

set -euo pipefail

fail() {
    echo "token: $*" >&2
    exit 1
}

if [ $# -lt 2 ] || [ $# -gt 4 ]; then
    sed -n '2,/^set -euo/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2
    exit 2
fi

id=$1
scopes=$2
stores=${3:-}
expire=${4:-}

[[ $id =~ ^[^:#[:cntrl:]][^:[:cntrl:]]*$ ]] ||
    fail "an id must not be empty, contain a colon or a control" \
        "character, or begin with #; for example: ID=caisse-12"
[ "$(printf %s "$id" | wc -c)" -le 200 ] ||
    fail "an id has at most 200 bytes."

known=' ventes retours prix stock reapprovisionnement inventaire produits'
known+=' magasins lecture admin '
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

options=
if [ -n "$stores" ]; then
    [[ $stores =~ ^[1-9][0-9]{0,17}(,[1-9][0-9]{0,17})*$ ]] ||
        fail "MAGASINS has ids with commas between them; for example:" \
            "MAGASINS=1,4"
    options+=" magasins=$stores"
fi
if [ -n "$expire" ]; then
    if [[ ! $expire =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}$ ]] ||
        [ "$(date -u -d "$expire" +%F 2>/dev/null)" != "$expire" ]
    then
        fail "EXPIRE is the last day; for example: EXPIRE=2027-01-31"
    fi
    [[ ! $expire < $(date -u +%F) ]] || fail "EXPIRE is over."
    options+=" expire=$expire"
fi

token=$(head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n')
[ "${#token}" -eq 48 ] || fail "cannot read /dev/urandom."

digest=$(printf %s "$token" | sha256sum)
echo "the token of $id, shown only this once: $token" >&2
printf '%s:%s:%s%s\n' "$id" "${digest%% *}" "$scopes" "$options"
