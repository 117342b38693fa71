# shellcheck shell=bash
# "magasin setup": make what a server is missing, in order.  Each step says what
# it has made, and nothing when there was nothing to do.  scripts/magasin
# includes this file.

# shellcheck disable=SC2154  # the including script sets them
site=/etc/nginx/sites-available/magasin
state=/var/lib/magasin/setup
made=0

made() {
    echo "setup: $*"
    made=$((made + 1))
}

setup_arguments() {
    local name value port=

    while [ $# -gt 0 ]; do
        name=$1
        value=${2:-}
        [ -n "$value" ] || fail "$name needs a value (magasin --help)."
        case $name in
        --name)
            [[ $value =~ ^[A-Za-z0-9_.*-]+$ ]] ||
                fail "--name $value is no host name."
            [[ " $NAMES " == *" $value "* ]] || NAMES+="${NAMES:+ }$value"
            ;;
        --port | --metrics-port)
            if [[ ! $value =~ ^[1-9][0-9]{0,4}$ ]] || [ "$value" -gt 65535 ]
            then
                fail "$name $value is no port: use a number from 1 to 65535."
            fi
            [ "$name" != --port ] || port=$value
            [ "$name" != --metrics-port ] || METRICS_PORT=$value
            ;;
        --address)
            [[ $value =~ ^[0-9.]+$|^\[?[0-9a-fA-F:]+\]?$ ]] ||
                fail "--address $value is no address."
            [[ $value != *:* || $value == \[*\] ]] || value="[$value]"
            ADDRESS=$value
            ;;
        --redis)
            [[ $value =~ ^unix:/[A-Za-z0-9_./-]+$|^[A-Za-z0-9_.-]+:[0-9]+$ ]] ||
                fail "--redis $value is neither HOST:PORT nor unix:PATH."
            REDIS=$value
            ;;
        --certificate | --key)
            if [[ ! $value =~ ^/[A-Za-z0-9_./-]+$ ]] || [ ! -r "$value" ]; then
                fail "$name $value is no file that can be read; its path" \
                    "begins with / and has no spaces."
            fi
            [ "$name" != --certificate ] || CERTIFICATE=$value
            [ "$name" != --key ] || KEY=$value
            ;;
        *) fail "setup has no option $name (magasin --help)." ;;
        esac
        shift 2
    done
    [ "${CERTIFICATE:+yes}" = "${KEY:+yes}" ] ||
        fail "TLS needs both --certificate and --key."
    # With a certificate the port is that of https, if nothing else is said.
    [ -z "$CERTIFICATE" ] || [ "$PORT" != 8080 ] || PORT=443
    PORT=${port:-$PORT}
    [ "$PORT" != "$METRICS_PORT" ] ||
        fail "--port and --metrics-port are both $PORT: choose two."
}

# put FILE MODE GROUP: write the standard input to a file, unless it has that
# content; succeed when it was written.
put() {
    local new=$1.new.$$

    cat >"$new"
    if cmp -s "$new" "$1"; then
        rm "$new"
        return 1
    fi
    chmod "$2" "$new"
    chgrp "$3" "$new"
    mv "$new" "$1"
}

setup_cluster() {
    local version name port status

    command -v pg_lsclusters >/dev/null ||
        fail "PostgreSQL is not installed: apt-get install postgresql"
    if [ -z "$(pg_lsclusters -h)" ]; then
        version=$(find /usr/lib/postgresql -mindepth 1 -maxdepth 1 \
            -printf '%f\n' | sort -V | tail -n 1)
        pg_createcluster --locale C.UTF-8 "$version" main >/dev/null
        made "a cluster of PostgreSQL $version"
    fi
    read -r version name port status _ <<<"$(pg_lsclusters -h | sort -V |
        tail -n 1)"
    if [[ $status != online* ]]; then
        if [ -d /run/systemd/system ]; then
            systemctl start "postgresql@$version-$name"
        else
            pg_ctlcluster "$version" "$name" start
        fi
        made "PostgreSQL $version $name was started"
    fi
    [ "$port" = 5432 ] || [[ $DATABASE == *' port='* ]] ||
        DATABASE+=" port=$port"
}

setup_database() {
    local server="${DATABASE/dbname=magasin/dbname=postgres}" output

    if [ -z "$(as_admin psql -X -q -A -t -d "$server" -c \
        "SELECT 1 FROM pg_database WHERE datname = 'magasin'")" ]
    then
        as_admin psql -X -q -v ON_ERROR_STOP=1 -d "$server" -c \
            "CREATE DATABASE magasin ENCODING 'UTF8' TEMPLATE template0
                    LOCALE 'C.UTF-8' LOCALE_PROVIDER icu ICU_LOCALE 'fr'" ||
            fail "the database cannot be created."
        made "the database magasin"
    fi
    output=$(as_admin "$top/scripts/migrate.sh" "$DATABASE") ||
        fail "the schema cannot be applied."
    [ -z "$output" ] || made "the schema:" "$(tail -n 1 <<<"$output")"
}

# before FILE LINE: put a line before the first one that is no comment.
before() {
    local new=$1.magasin

    awk -v line="$2" '!done && !/^[ \t]*(#|$)/ { print line; done = 1 }
        { print } END { if (!done) print line }' "$1" >"$new"
    chown --reference="$1" "$new"
    chmod --reference="$1" "$new"
    mv "$new" "$1"
}

# nginx's workers are www-data, and PostgreSQL learns that from the kernel.
setup_peer_map() {
    local hba ident changed=

    hba=$(query 'SHOW hba_file')
    ident=$(query 'SHOW ident_file')
    if ! grep -qE '^magasin[[:space:]]+www-data[[:space:]]+magasin_web' \
        "$ident"
    then
        printf 'magasin  www-data  magasin_web\n' >>"$ident"
        changed=yes
    fi
    if ! grep -qE '^local[[:space:]]+magasin[[:space:]]+magasin_web' "$hba"; then
        before "$hba" 'local  magasin  magasin_web  peer map=magasin'
        changed=yes
    fi
    [ -n "$changed" ] || return 0
    query 'SELECT pg_reload_conf()' >/dev/null
    made "www-data may log in as magasin_web ($hba, $ident)"
}

setup_tokens() {
    local scopes

    [ ! -e "$tokens" ] || return 0
    install -m 0640 -g www-data /dev/null "$tokens.new"
    scopes=produits,prix,ventes,stock,reapprovisionnement,admin,retours
    scopes+=,inventaire,magasins,lecture
    "$top/scripts/token.sh" administrateur "$scopes" >>"$tokens.new"
    mv "$tokens.new" "$tokens"
    made "$tokens, with the token of administrateur (above)"
}

# The site is the http block of conf/nginx.conf.  What would concern other sites
# of this nginx is moved into its servers.
site_text() {
    local web="${DATABASE} user=magasin_web" listen=$ADDRESS:$PORT tls=
    local names=${NAMES:-$(hostname)}

    if [ -n "$CERTIFICATE" ]; then
        listen+=' ssl'
        tls="ssl_certificate $CERTIFICATE; ssl_certificate_key $KEY;"
        tls+=" ssl_protocols TLSv1.2 TLSv1.3; ssl_session_tickets off;"
        tls+=" add_header Strict-Transport-Security max-age=31536000 always;"
        # From nginx 1.25.1 on, HTTP/2 is a directive of its own.
        if nginx -v 2>&1 | grep -qE 'nginx/1\.(1?[0-9]|2[0-4])\.'; then
            listen+=' http2'
        else
            tls+=" http2 on;"
        fi
    fi
    echo "# Made by magasin setup, which leaves it alone once it was changed."
    awk -v tls="$tls" '
        /^http \{/ { inside = 1; next }
        !inside { next }
        /^\}/ { exit }
        { line = $0; sub(/^    /, "", line) }
        depth == 0 && line ~ /^(client_body_temp_path|proxy_temp_path|fastcgi_temp_path|uwsgi_temp_path|scgi_temp_path) / { next }
        depth == 0 && line ~ /^(access_log|default_type|server_tokens|absolute_redirect|add_header|magasin_header|max_ranges|keepalive_timeout|keepalive_requests|reset_timedout_connection|client_header_timeout|client_body_timeout|send_timeout|request_pool_size|large_client_header_buffers|limit_req_status|limit_conn_status|limit_req_log_level|limit_conn_log_level|client_max_body_size|client_body_buffer_size|merge_slashes) / {
            moved = moved "    " line "\n"
            next
        }
        { text = text line "\n" }
        depth == 0 && line ~ /^server \{/ { text = text "@MOVED@\n" }
        {
            code = line
            sub(/#.*/, "", code)
            gsub(/\$\{[a-z]*\}/, "", code)
            depth += gsub(/\{/, "", code)
            depth -= gsub(/\}/, "", code)
        }
        END {
            if (tls != "") moved = moved "    " tls "\n"
            gsub(/&/, "\\\\&", moved)
            gsub(/@MOVED@\n/, moved "\n", text)
            printf "%s", text
        }' "$top/conf/nginx.conf" |
        sed -e "s|host=@SOCKETS@ dbname=magasin user=magasin_web|$web|" \
            -e "s|unix:@SOCKETS@/redis.sock|$REDIS|" \
            -e 's|@CACHE@|on|' -e '/@DEMONSTRATION@/d' -e '/@CLUSTER@/d' \
            -e "s|^magasin_tokens .*|magasin_tokens    $tokens;|" \
            -e 's|log/access.log|/var/log/nginx/magasin.log|' \
            -e "s|root  *openapi;|root         $top/openapi;|" \
            -e "s|root  *web;|root         $top/web;|" \
            -e "s|@METRICS@|127.0.0.1:$METRICS_PORT|" \
            -e "s|@LISTEN@|$listen|" -e 's|@DEFAULT@|default_server|' \
            -e "s|@NAMES@|localhost 127.0.0.1 $names|" \
            -e 's| @PROXIES@||'
    [ -z "$CERTIFICATE" ] || cat <<CONF

# Who comes without TLS is sent on.
server {
    listen       $ADDRESS:80;
    server_name  $names;

    location / {
        return 301 https://\$host\$request_uri;
    }
}
CONF
}

setup_site() {
    local sum changed=

    mkdir -p "$state"
    sum=$(cat "$state/site.sha256" 2>/dev/null || true)
    if [ -e "$site" ] && [ "$(sha256sum <"$site")" != "$sum" ]; then
        site_text | cmp -s - "$site" ||
            echo "setup: $site was changed by hand: it stays as it is."
    elif site_text | put "$site" 0644 root; then
        sha256sum <"$site" >"$state/site.sha256"
        made "$site"
        changed=yes
    fi
    if put /etc/nginx/modules-enabled/60-magasin-files.conf 0644 root <<'CONF'
# Made by magasin setup.  A connection to a client takes one file, or two.
worker_rlimit_nofile  16384;
CONF
    then
        made "/etc/nginx/modules-enabled/60-magasin-files.conf"
        changed=yes
    fi
    if [ ! -L /etc/nginx/sites-enabled/magasin ]; then
        ln -s "$site" /etc/nginx/sites-enabled/magasin
        made "the site is enabled"
        changed=yes
    fi
    if [ ! -e /var/log/nginx/magasin.log ]; then
        install -m 0640 -o www-data -g adm /dev/null /var/log/nginx/magasin.log
    fi
    nginx -t -q || fail "nginx does not accept $site (see above)."
    if [ -n "$changed" ] || [ ! -s /run/nginx.pid ] ||
        [ ! -d "/proc/$(cat /run/nginx.pid)" ]
    then
        if [ -d /run/systemd/system ]; then
            systemctl restart nginx
        else
            service nginx restart >/dev/null
        fi
        made "nginx was started again"
    fi
}

setup_settings() {
    install -d -m 0755 /etc/magasin
    put "$settings" 0644 root <<CONF || return 0
# Made by magasin setup.  DATABASE is for those who look after the database.
DATABASE=$DATABASE
NAMES=$NAMES
ADDRESS=$ADDRESS
PORT=$PORT
METRICS_PORT=$METRICS_PORT
REDIS=$REDIS
CERTIFICATE=$CERTIFICATE
KEY=$KEY
CONF
    made "$settings"
}

wait_for_ready() {
    local tries

    for ((tries = 0; tries < 100; tries++)); do
        [[ $(readyz || true) != *'"status":"ok"'* ]] || return 0
        sleep 0.2
    done
    fail "it does not become ready: magasin doctor says why."
}

command_setup() {
    setup_arguments "$@"
    command -v nginx >/dev/null ||
        fail "nginx is not installed: apt-get install nginx"
    [ -e /usr/lib/nginx/modules/ngx_http_magasin_module.so ] ||
        fail "the module is not installed:" \
            "apt-get install libnginx-mod-http-magasin"
    setup_cluster
    setup_settings
    setup_database
    setup_peer_map
    setup_tokens
    setup_site
    wait_for_ready
    [ "$made" -gt 0 ] || echo "setup: nothing was to be done."
    if [ -n "$CERTIFICATE" ]; then
        echo "setup: Magasin serves on https://${NAMES%% *}:$PORT/"
    else
        echo "setup: Magasin serves on http://localhost:$PORT/"
    fi
}
