# Errors as problem details (RFC 9457), for clients that ask for them.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;
use Digest::SHA qw(sha256_hex);
use File::Temp qw(tempdir);

our $accept = 'Accept: application/problem+json';
our $json   = "$accept\n$MagasinTest::Json";

# A token that may not write products.
our $directory = tempdir('magasin-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $directory;
open my $file, '>', "$directory/tokens" or die $!;
print {$file} 'lecteur:' . sha256_hex('secret') . ":\n";
close $file;
chmod 0644, "$directory/tokens";

our %title = (
    400 => 'Bad Request', 401 => 'Unauthorized', 403 => 'Forbidden',
    404 => 'Not Found', 405 => 'Method Not Allowed', 406 => 'Not Acceptable',
    409 => 'Conflict', 412 => 'Precondition Failed',
    413 => 'Content Too Large', 414 => 'URI Too Long',
    415 => 'Unsupported Media Type', 422 => 'Unprocessable Content',
    429 => 'Too Many Requests', 500 => 'Internal Server Error',
    503 => 'Service Unavailable', 504 => 'Gateway Timeout',
);

our %detail = (
    400 => 'Requête non valide.', 404 => 'Pas trouvé.',
    403 => q(Vous n'avez pas la permission d'effectuer cette action.),
    406 => q(L'en-tête « Accept » n'a pas pu être satisfaite.),
    412 => q(La condition de la requête n'est pas remplie.),
    413 => 'Le corps de la requête est trop volumineux.',
    429 => 'Trop de requêtes : réessayez plus tard.',
    503 => 'Service momentanément indisponible.',
    504 => 'Le délai de réponse est dépassé.',
);

# problem(STATUS, PATH, DETAIL, MEMBERS): the whole body
sub problem {
    my ($status, $path, $detail, $members) = @_;
    $detail //= $detail{$status};
    return qq({"type":"about:blank","title":"$title{$status}","status":$status,)
        . qq("instance":"$path","detail":"$detail") . ($members // '') . '}';
}

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();

# `--- problems` is a table of requests, each on a line:
#
#     METHOD /uri BODY -> STATUS DETAIL ! MEMBERS
#
# DETAIL may be left out for the words of the status, "·" is a no-break space;
# MEMBERS is what stands behind.
MagasinTest::each_block(sub {
    my ($block) = @_;

    my $table = $block->problems;
    return unless defined $table;

    my (@requests, @codes, @bodies, @headers);

    for my $line (grep {/\S/} split /\n/, $table) {
        my ($request, $code, $detail, $members)
            = $line =~ /^(.*?)\s+->\s+(\d{3})\s*(.*?)\s*(?:!\s*(.*))?$/
            or die "bad line in problems: $line\n";

        my ($method, $uri, $body) = split / /, $request, 3;
        my $path = $uri =~ s/\?.*//r;
        $_ = defined $_ ? s/\xc2\xb7/$MagasinTest::NBSP/gr : undef
            for $detail, $members;

        push @requests, "$method $uri" . (defined $body ? "\n$body" : '');
        push @codes,    $code;
        push @bodies,   $method eq 'HEAD' ? ''
            : problem($code, $path, length $detail ? $detail : undef,
                defined $members ? ",$members" : undef);
        push @headers,  'Content-Type: application/problem+json';
    }

    $block->set_value('request',          \@requests);
    $block->set_value('error_code',       \@codes);
    $block->set_value('response_body',    \@bodies);
    $block->set_value('response_headers', \@headers)
        unless defined scalar $block->response_headers;
    $block->set_value('more_headers',     $main::accept)
        unless defined scalar $block->more_headers;
    return;
});

MagasinTest::reset();
run_tests();
MagasinTest::reset();

__DATA__

=== TEST 1: paths that are no route
--- problems
GET /api/v1/ -> 404
GET /api/v1/nothing/ -> 404
HEAD /api/v1/nothing/ -> 404
POST /api/v1/products -> 404
GET /elsewhere -> 404
GET /api/v1/reports/?format=xml -> 404
GET /healthz/ -> 404
--- no_error_log
[error]


=== TEST 2: resources that are not there
--- problems
GET /api/v1/products/999/ -> 404 Produit avec ID 999 introuvable.
HEAD /api/v1/products/999/ -> 404
GET /api/v1/products/99999999999999999999/?x=1 -> 404 Produit avec ID 99999999999999999999 introuvable.
GET /api/v1/products/999/availability/ -> 404 Produit avec ID 999 introuvable.
GET /api/v1/stores/9/ -> 404 Magasin avec ID 9 introuvable.
GET /api/v1/sales/99/ -> 404 Vente avec ID 99 introuvable.
GET /api/v1/replenishments/99/ -> 404 Demande avec ID 99 introuvable.
GET /api/v1/stores/1/stock/list/?page=99 -> 404 Page non valide.
--- response_headers eval
[("Content-Type: application/problem+json\nCache-Control: no-store\n! ETag") x 8]


=== TEST 3: and with a token
--- more_headers eval: $::json
--- problems
PUT /api/v1/products/999/ {} -> 404 Produit avec ID 999 introuvable.
PATCH /api/v1/products/999/ {} -> 404 Produit avec ID 999 introuvable.
DELETE /api/v1/products/999/ -> 404 Produit avec ID 999 introuvable.
POST /api/v1/stores/9/stock/1/adjust/ {"delta":1} -> 404 Magasin avec ID 9 introuvable.
POST /api/v1/stores/1/stock/999/adjust/ {"delta":1} -> 404 Produit avec ID 999 introuvable.
POST /api/v1/replenishments/99/approve/ -> 404 Demande avec ID 99 introuvable.
POST /api/v1/replenishments/99/reject/ -> 404 Demande avec ID 99 introuvable.


=== TEST 4: methods
--- problems
POST /api/v1/reports/ -> 405 Méthode «·POST·» non autorisée.
PATCH /api/v1/dashboard/ -> 405 Méthode «·PATCH·» non autorisée.
DELETE /api/v1/stores/1/ -> 405 Méthode «·DELETE·» non autorisée.
FOO /api/v1/products/1/ -> 405 Méthode «·FOO·» non autorisée.
HEAD /api/v1/replenishments/1/approve/ -> 405
GET /api/v1/replenishments/1/approve/ -> 405 Méthode «·GET·» non autorisée.
POST /healthz -> 405 Méthode «·POST·» non autorisée.
POST /api/v1/journal/ -> 405 Méthode «·POST·» non autorisée.
--- response_headers eval
[("Content-Type: application/problem+json\nCache-Control: no-store") x 8]
--- response_headers_like eval
[("Allow: .*OPTIONS") x 8]


=== TEST 5: no token, a wrong one
--- problems
PUT /api/v1/products/1/ -> 401 Token d'accès invalide ou manquant.
PATCH /api/v1/products/1/ -> 401 Token d'accès invalide ou manquant.
DELETE /api/v1/products/1/ -> 401 Token d'accès invalide ou manquant.
POST /api/v1/products/ {} -> 401 Token d'accès invalide ou manquant.
POST /api/v1/sales/ {} -> 401 Token d'accès invalide ou manquant.
POST /api/v1/stores/1/stock/1/adjust/ {} -> 401 Token d'accès invalide ou manquant.
POST /api/v1/replenishments/ {} -> 401 Token d'accès invalide ou manquant.
POST /api/v1/replenishments/1/approve/ -> 401 Token d'accès invalide ou manquant.
POST /api/v1/replenishments/1/reject/ -> 401 Token d'accès invalide ou manquant.
--- response_headers eval
[("Content-Type: application/problem+json\nWWW-Authenticate: Token") x 9]


=== TEST 6: a token without the scope
--- http_config eval
MagasinTest::database_directive() . " magasin_tokens $::directory/tokens;"
--- more_headers eval
"$::accept\nAuthorization: Token secret"
--- problems
PUT /api/v1/products/1/ -> 403
PATCH /api/v1/products/1/ -> 403
DELETE /api/v1/products/1/ -> 403
POST /api/v1/products/ {} -> 403
POST /api/v1/sales/ {} -> 403
POST /api/v1/stores/1/stock/1/adjust/ {} -> 403
POST /api/v1/replenishments/ {} -> 403
POST /api/v1/replenishments/1/approve/ -> 403
POST /api/v1/replenishments/1/reject/ -> 403


=== TEST 7: media
--- more_headers eval
"$::accept\n$MagasinTest::Token\nContent-Type: text/plain"
--- problems
PUT /api/v1/products/1/ x -> 415 Type de média «·text/plain·» non supporté.
PATCH /api/v1/products/1/ x -> 415 Type de média «·text/plain·» non supporté.
POST /api/v1/products/ x -> 415 Type de média «·text/plain·» non supporté.
POST /api/v1/sales/ x -> 415 Type de média «·text/plain·» non supporté.
POST /api/v1/replenishments/ x -> 415 Type de média «·text/plain·» non supporté.


=== TEST 8: bodies that cannot be read
--- request eval
[map {"$_\n{bad"} 'PUT /api/v1/products/1/', 'POST /api/v1/sales/']
--- more_headers eval: $::json
--- error_code eval: [400, 400]
--- response_body_like eval
[map { '\A' . quotemeta('{"type":"about:blank","title":"Bad Request","status":400,"instance":"' . $_ . '","detail":"JSON parse error - ') . '[^"]+"\}\z' }
    '/api/v1/products/1/', '/api/v1/sales/']


=== TEST 9: fields: the messages are in "erreurs"
--- init
MagasinTest::reset();
--- more_headers eval: $::json
--- problems
PUT /api/v1/products/1/ {"prix":-1} -> 400 ! "erreurs":{"prix":["Assurez-vous que cette valeur est supérieure ou égale à 0."]}
PUT /api/v1/products/1/ {"nom":null,"prix":"x","description":[]} -> 400 ! "erreurs":{"nom":["Ce champ ne peut être nul."],"prix":["Un nombre valide est requis."],"description":["Not a valid string."]}
PUT /api/v1/products/1/ [] -> 400 ! "erreurs":{"non_field_errors":["Donnée non valide. Attendait un dictionnaire, a reçu list."]}
PATCH /api/v1/products/1/ {"truc":1} -> 400 ! "erreurs":{"truc":["Champ inconnu."]}
POST /api/v1/products/ {"nom":"\u0000"} -> 400 ! "erreurs":{"nom":["Le caractère nul n’est pas autorisé."],"categorie":["Ce champ est obligatoire."],"prix":["Ce champ est obligatoire."]}
POST /api/v1/sales/ {"magasin":99,"lignes":[{"produit":1,"quantite":1}]} -> 400 ! "erreurs":{"magasin":["Clé primaire «·99·» non valide - l'objet n'existe pas."]}
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":1,"quantite":1},{"produit":99,"quantite":1}]} -> 400 ! "erreurs":{"lignes":[{},{"produit":["Clé primaire «·99·» non valide - l'objet n'existe pas."]}]}
POST /api/v1/replenishments/ {"magasin":99,"produit":98,"quantite":1} -> 400 ! "erreurs":{"magasin":["Clé primaire «·99·» non valide - l'objet n'existe pas."],"produit":["Clé primaire «·98·» non valide - l'objet n'existe pas."]}
GET /api/v1/products/?limit=x&cursor=! -> 400 ! "erreurs":{"limit":["Un nombre entier valide est requis."],"cursor":["Curseur non valide."]}
GET /api/v1/journal/?ordering=x -> 400 ! "erreurs":{"ordering":["Ce choix n'est pas valide."]}
GET /api/v1/stores/1/stock/list/?quantite=x -> 400 ! "erreurs":{"quantite":["Saisissez un nombre."]}
HEAD /api/v1/stores/?limit=0 -> 400


=== TEST 10: conflicts keep their members
--- init
MagasinTest::reset('UPDATE magasin SET ouvert = false WHERE id = 5',
    'UPDATE produit SET archive_le = now() WHERE id = 7',
    'ALTER SEQUENCE demande_reapprovisionnement_id_seq RESTART 1',
    q{INSERT INTO demande_reapprovisionnement (magasin_id, produit_id, quantite,
                                               statut)
      VALUES (1, 1, 999, 'en_attente'), (1, 1, 1, 'refusee')});
--- more_headers eval: $::json
--- problems
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":11,"quantite":9}]} -> 409 Stock insuffisant·: Webcam HD 1080p (demandé 9, disponible 5). ! "produits":[{"produit":11,"nom":"Webcam HD 1080p","demande":9,"disponible":5}]
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":7,"quantite":1}]} -> 409 Produit archivé·: Thé Earl Grey. ! "produits":[{"produit":7,"nom":"Thé Earl Grey"}]
POST /api/v1/sales/ {"magasin":5,"lignes":[{"produit":1,"quantite":1}]} -> 409 Le magasin «·Magasin Ouest·» est fermé. ! "magasin":5
POST /api/v1/stores/1/stock/3/adjust/ {"delta":-16} -> 409 Stock insuffisant·: Tapis de souris XL (demandé 16, disponible 15). ! "produits":[{"produit":3,"nom":"Tapis de souris XL","demande":16,"disponible":15}]
POST /api/v1/stores/1/stock/3/adjust/ {"quantite":1,"attendu":14} -> 409 Le stock a changé·: 14 attendus, 15 présents. ! "attendu":14,"quantite":15
POST /api/v1/replenishments/1/approve/ -> 409 Stock central insuffisant·: demandé 999, disponible 200. La demande est refusée. ! "statut":"refusee","produits":[{"produit":1,"nom":"Clavier mécanique","demande":999,"disponible":200}]
POST /api/v1/replenishments/2/approve/ -> 409 La demande est déjà refusée. ! "statut":"refusee"
POST /api/v1/replenishments/ {"magasin":5,"produit":1,"quantite":1} -> 409 Le magasin «·Magasin Ouest·» est fermé. ! "magasin":5


=== TEST 11: conditions
--- init
MagasinTest::reset();
--- more_headers eval
qq($::json\nIf-Match: "x")
--- problems
PUT /api/v1/products/1/ {} -> 412
PATCH /api/v1/products/1/ {} -> 412
DELETE /api/v1/products/1/ -> 412
GET /api/v1/products/1/ -> 412
HEAD /api/v1/products/1/ -> 412
POST /api/v1/stores/1/stock/3/adjust/ {"delta":1} -> 412 Le stock a changé·: il en reste 15. ! "quantite":15


=== TEST 12: an Idempotency-Key that is none, and one of another request
--- init
MagasinTest::reset('DELETE FROM idempotence');
--- request eval
["POST /api/v1/products/\n" . '{"nom":"a","categorie":"b","prix":1}',
 "POST /api/v1/products/\n" . '{"nom":"b","categorie":"b","prix":1}',
 "POST /api/v1/products/\n" . '{"nom":"b","categorie":"b","prix":1}']
--- more_headers eval
["$::json\nIdempotency-Key: k1", "$::json\nIdempotency-Key: k1", "$::json\nIdempotency-Key: k 1"]
--- error_code eval: [201, 422, 400]
--- response_body eval
[qr/^\{"id":16,/,
 main::problem(422, '/api/v1/products/', 'Cette clé d’idempotence a déjà servi à une autre requête.'),
 main::problem(400, '/api/v1/products/', q(L'en-tête Idempotency-Key doit avoir de 1 à 255 caractères visibles.))]
--- response_headers eval
["Content-Type: application/json", ("Content-Type: application/problem+json") x 2]


=== TEST 13: what the database refuses that nobody foresaw
--- init
MagasinTest::sql(
    "CREATE OR REPLACE FUNCTION t_raise() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN RAISE EXCEPTION 'raised' USING ERRCODE = NEW.categorie; END \$\$",
    'CREATE TRIGGER t_raise BEFORE INSERT ON produit FOR EACH ROW EXECUTE FUNCTION t_raise()');
--- more_headers eval: $::json
--- problems
POST /api/v1/products/ {"nom":"n","prix":1,"categorie":"23514"} -> 500 Erreur interne du serveur.
POST /api/v1/products/ {"nom":"n","prix":1,"categorie":"55P03"} -> 503
POST /api/v1/products/ {"nom":"n","prix":1,"categorie":"22003"} -> 400
POST /api/v1/products/ {"nom":"n","prix":1,"categorie":"57014"} -> 504
POST /api/v1/products/ {"nom":"n","prix":1,"categorie":"P0001"} -> 500 Erreur interne du serveur.
--- error_log
failed with SQLSTATE P0001: raised


=== TEST 14: a query with too many pairs
--- init
MagasinTest::sql('DROP FUNCTION t_raise() CASCADE');
--- request eval
"GET /api/v1/products/?" . ('&a' x 101)
--- more_headers eval: $::accept
--- error_code: 400
--- response_body eval
main::problem(400, '/api/v1/products/')


=== TEST 15: without a database
--- http_config
magasin_database "host=/nonexistent dbname=magasin";
magasin_tokens $TEST_NGINX_TOKENS;
--- more_headers eval: $::json
--- problems
GET /api/v1/products/1/ -> 503
HEAD /api/v1/reports/ -> 503
GET /api/v1/stores/1/stock/ -> 503
GET /api/v1/journal/ -> 503
PUT /api/v1/products/1/ {} -> 503
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":1,"quantite":1}]} -> 503
DELETE /api/v1/products/1/ -> 503
--- response_headers eval
[("Content-Type: application/problem+json\nRetry-After: 1\nCache-Control: no-store") x 7]
--- error_log
magasin: PostgreSQL at /nonexistent:5432


=== TEST 16: /readyz is a problem too
--- http_config
magasin_database "host=/nonexistent dbname=magasin";
magasin_tokens $TEST_NGINX_TOKENS;
--- request eval
["GET /readyz", "GET /healthz"]
--- more_headers eval: $::accept
--- error_code eval: [503, 200]
--- response_headers eval
["Content-Type: application/problem+json", "Content-Type: application/json"]
--- response_body_like eval
['\A\{"type":"about:blank","title":"Service Unavailable","status":503,"instance":"/readyz","detail":"[^"]+"[^{}]*\}\z',
 '\A\{"status":"ok"\}\z']


=== TEST 17: too slow
--- http_config eval
MagasinTest::database_directive('timeout=200ms') . ' magasin_tokens $TEST_NGINX_TOKENS;'
--- init
MagasinTest::gates('produit'); $main::held = MagasinTest::hold_reads('produit');
--- problems
GET /api/v1/products/1/ -> 504
GET /api/v1/products/ -> 504


=== TEST 18: locked
--- http_config eval
MagasinTest::database_directive('timeout=9s lock_timeout=200ms') . ' magasin_tokens $TEST_NGINX_TOKENS;'
--- init
MagasinTest::release($main::held); MagasinTest::no_gates(); $main::held = MagasinTest::hold('LOCK TABLE produit');
--- more_headers eval: $::json
--- problems
GET /api/v1/products/1/ -> 503
PATCH /api/v1/products/1/ {} -> 503
GET /api/v1/products/ -> 503


=== TEST 19: it serves again
--- init
MagasinTest::release($main::held);
--- request
GET /api/v1/products/1/
--- more_headers eval: $::accept
--- response_headers
Content-Type: application/json


=== TEST 20: a body too large
--- config
location /api/v1/ { magasin; client_max_body_size 10; }
--- more_headers eval: $::json
--- problems
PUT /api/v1/products/3/ {"description":"more than ten bytes"} -> 413
POST /api/v1/sales/ {"description":"more than ten bytes"} -> 413


=== TEST 21: limits and denials
--- http_config eval
MagasinTest::database_directive()
    . ' magasin_tokens $TEST_NGINX_TOKENS;'
    . ' limit_req_zone $server_name zone=one:1m rate=1r/m;'
--- config
location /api/v1/ { magasin; limit_req zone=one; limit_req_status 429; }
location /api/v1/reports/ { magasin; deny all; }
--- request eval
["GET /api/v1/products/1/", "GET /api/v1/products/1/", "HEAD /api/v1/products/1/", "GET /api/v1/reports/"]
--- more_headers eval: $::accept
--- error_code eval: [200, 429, 429, 403]
--- response_headers eval
["Content-Type: application/json", ("Content-Type: application/problem+json") x 3]
--- response_body eval
[qr/"nom"/, main::problem(429, '/api/v1/products/1/'), '',
 main::problem(403, '/api/v1/reports/')]
--- error_log
limiting requests
access forbidden by rule


=== TEST 22: requests that are malformed, once their Accept was read
--- raw_request eval
"GET /api/v1/reports/ HTTP/1.1\r\nAccept: application/problem+json\r\nConnection: close\r\n\r\n"
--- error_code: 400
--- response_headers
Content-Type: application/problem+json
--- response_body eval
main::problem(400, '/api/v1/reports/')


=== TEST 23: a length that is none
--- raw_request eval
"PUT /api/v1/products/3/ HTTP/1.1\r\nHost: x\r\nAccept: application/problem+json\r\nContent-Length: many\r\n\r\n"
--- error_code: 400
--- response_headers
Content-Type: application/problem+json
--- response_body eval
main::problem(400, '/api/v1/products/3/')


=== TEST 24: a chunked body that is none
--- raw_request eval
"PUT /api/v1/products/3/ HTTP/1.1\r
Host: localhost\r
Connection: close\r
Accept: application/problem+json\r
Authorization: Token token-430\r
Content-Type: application/json\r
Transfer-Encoding: chunked\r
\r
zz\r
{}\r
"
--- error_code: 400
--- response_headers
Content-Type: application/problem+json
--- response_body eval
main::problem(400, '/api/v1/products/3/')


=== TEST 25: TRACE, which nginx refuses itself
--- raw_request eval
"TRACE /api/v1/reports/ HTTP/1.1\r\nHost: x\r\nAccept: application/problem+json\r\nConnection: close\r\n\r\n"
--- error_code: 405
--- response_headers
Content-Type: application/problem+json
--- response_body_like: \A\{"type":"about:blank","title":"Method Not Allowed","status":405,"instance":"/api/v1/reports/","detail":"[^"]+"\}\z


=== TEST 26: what fails before its headers are read cannot ask
--- raw_request eval
"GET /api/v1/" . ("x" x 40000) . " HTTP/1.1\r\nHost: x\r\nAccept: application/problem+json\r\n\r\n"
--- error_code: 414
--- response_headers
Content-Type: application/json
--- response_body chomp
{"detail":"L'adresse de la requête est trop longue."}


=== TEST 27: nor does a malformed request line
--- raw_request eval
"GET /api/v1/reports/ HTTP/x\r\nAccept: application/problem+json\r\n\r\n"
--- error_code: 400
--- response_headers
Content-Type: application/json
--- response_body chomp
{"detail":"Requête non valide."}


=== TEST 28: the ways to ask
--- request eval
[("GET /api/v1/products/999/") x 9]
--- more_headers eval
[map {"Accept: $_"} 'application/problem+json', 'APPLICATION/Problem+JSON',
    'application/problem+json;q=0.5', 'application/problem+json ; charset=utf-8',
    'application/json, application/problem+json', ' application/problem+json ,',
    'text/html,*/*;q=0.1,application/problem+json',
    "application/json\nAccept: application/problem+json",
    "application/problem+json\nAccept: application/json"]
--- error_code eval: [(404) x 9]
--- response_headers eval
[("Content-Type: application/problem+json") x 9]
--- response_body eval
[(main::problem(404, '/api/v1/products/999/', 'Produit avec ID 999 introuvable.')) x 9]


=== TEST 29: and those that are none
--- request eval
[("GET /api/v1/products/999/") x 8, "GET /api/v1/nothing/"]
--- more_headers eval
[(map {"Accept: $_"} 'application/json', '*/*', 'application/*',
    'application/json;profile="application/problem+json"',
    'application/json, application/problem', '*/*, application/problem+xml',
    '*/*, application/problem+jsonx'), 'X: application/problem+json',
 'Accept: text/html']
--- error_code eval: [(404) x 9]
--- response_headers eval
[("Content-Type: application/json") x 9]
--- response_body_like eval
[('\A\{"timestamp":"[^"]+","status":404,"error":"Not Found","message":"[^"]+","path":"/api/v1/products/999/"\}\z') x 8,
 '\A\{"detail":"Pas trouvé\."\}\z']


=== TEST 30: no other errors of nginx's own either
--- config
location /api/v1/ { magasin; client_max_body_size 10; }
--- request
PUT /api/v1/products/3/
{"description":"more than ten bytes"}
--- more_headers eval: "$MagasinTest::Json\nAccept: application/json, */*"
--- error_code: 413
--- response_headers
Content-Type: application/json
--- response_body chomp
{"detail":"Le corps de la requête est trop volumineux."}


=== TEST 31: who takes nothing but problems gets JSON all the same
--- request eval
["GET /api/v1/products/3/", "GET /api/v1/stores/", "OPTIONS /api/v1/products/3/", "HEAD /api/v1/reports/", "GET /api/v1/products"]
--- more_headers eval: $::accept
--- error_code eval: [200, 200, 200, 200, 301]
--- response_headers eval
[("Content-Type: application/json") x 4, "Location: /api/v1/products/"]


=== TEST 32: 406 cannot be asked for, so it is JSON
--- request
GET /api/v1/products/1/
--- more_headers
Accept: text/html, application/problem
--- error_code: 406
--- response_headers
Content-Type: application/json
--- response_body eval
qq({"detail":"$::detail{406}"})


=== TEST 33: the instance is the path as it was asked for: a URI reference
--- request eval
['GET /api/v1/%22%5C%C3%A9%0A/', 'GET /api/v1/%FF/', 'GET /api/v1/%E2%80%A8/']
--- more_headers eval: $::accept
--- error_code eval: [404, 404, 404]
--- response_body_filters eval
sub {
    require JSON::PP;
    my $problem = eval { JSON::PP->new->utf8->decode($_[0]) } or return "no JSON: $_[0]";
    utf8::encode(my $text = $problem->{instance});
    return $text;
}
--- response_body eval
["/api/v1/%22%5C%C3%A9%0A/", "/api/v1/%FF/", "/api/v1/%E2%80%A8/"]


=== TEST 34: switched off, nginx's own pages stay
--- config
location /api/v1/ { magasin; client_max_body_size 10; magasin_json_errors off; }
--- request eval
["PUT /api/v1/products/3/\n" . '{"description":"more than ten bytes"}', "GET /api/v1/products/999/"]
--- more_headers eval: $::json
--- error_code eval: [413, 404]
--- response_headers eval
["Content-Type: text/html", "Content-Type: application/problem+json"]


=== TEST 35: outside of the API, where errors are JSON
--- config
magasin_json_errors on;
location / { return 404; }
location /gone { return 410; }
location /api/v1/ { magasin; }
--- request eval
["GET /x", "GET /gone", "GET /x"]
--- more_headers eval: [$::accept, $::accept, 'X: y']
--- error_code eval: [404, 410, 404]
--- response_body eval
[main::problem(404, '/x'), qr/\A\{"type":"about:blank","title":"Gone","status":410,"instance":"\/gone","detail":"[^"]+"\}\z/,
 '{"detail":"Pas trouvé."}']


=== TEST 36: HTTP/2
--- http2
--- request
GET /api/v1/products/999/
--- more_headers eval: $::accept
--- error_code: 404
--- response_headers
Content-Type: application/problem+json


=== TEST 37: pipelined with what is none
--- pipelined_requests eval
["GET /api/v1/products/999/", "GET /api/v1/products/3/", "GET /api/v1/nothing/"]
--- more_headers eval: $::accept
--- error_code eval: [404, 200, 404]
--- response_headers eval
["Content-Type: application/problem+json", "Content-Type: application/json", "Content-Type: application/problem+json"]
