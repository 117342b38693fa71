# POST /api/v1/stores/ and PATCH /api/v1/stores/{id}/.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;
use Digest::MD5 qw(md5_hex);

$MagasinTest::Messages{boolean} = 'Doit être un booléen valide.';
$MagasinTest::Messages{long255} = "Assurez-vous que ce champ comporte au plus 255${MagasinTest::NBSP}caractères.";
$MagasinTest::Messages{long64} = "Assurez-vous que ce champ comporte au plus 64${MagasinTest::NBSP}caractères.";

our $json  = $MagasinTest::Json;
our $store = '{"id":1,"nom":"Magasin Centre-Ville","adresse":"123 Rue Principale","ouvert":true,"fuseau":"Europe/Paris"}';

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();
MagasinTest::calls();

MagasinTest::reset();
run_tests();
MagasinTest::reset();

__DATA__

=== TEST 1: a new store
--- calls
POST /api/v1/stores/ {"nom":" Magasin d’été ","adresse":"1 \"Quai\""} -> 201 {"id":6,"nom":"Magasin d’été","adresse":"1 \"Quai\"","ouvert":true,"fuseau":"Europe/Paris"}
GET /api/v1/stores/6/ -> 200 {"id":6,"nom":"Magasin d’été","adresse":"1 \"Quai\"","ouvert":true,"fuseau":"Europe/Paris"}
POST /api/v1/stores/ {"nom":"Montréal","adresse":"a","ouvert":false,"fuseau":"America/Toronto"} -> 201 {"id":7,"nom":"Montréal","adresse":"a","ouvert":false,"fuseau":"America/Toronto"}
GET /api/v1/stores/?limit=1000 -> 200 ~\{"id":7,"nom":"Montréal","adresse":"a","ouvert":false,"fuseau":"America/Toronto"\}\]\}$
POST /api/v1/sales/ {"magasin":7,"lignes":[{"produit":4,"quantite":1}]} -> 409 ~"magasin":7\}$
GET /api/v1/journal/?type=magasin_creation -> 200 ~"magasin":6,[^{}]*"acteur":"demo","reference":"magasin/6"
--- response_headers eval
my $etag = 'ETag: "' . Digest::MD5::md5_hex('{"id":6,"nom":"Magasin d’été","adresse":"1 \"Quai\"","ouvert":true,"fuseau":"Europe/Paris"}') . '"';
["$etag\nLocation: /api/v1/stores/6/\nAllow: GET, POST, HEAD, OPTIONS", $etag]
--- no_error_log
[error]


=== TEST 2: what is no store
--- calls
POST /api/v1/stores/ {} -> 400 !nom required, adresse required
POST /api/v1/stores/ {"nom":"","adresse":" ","ouvert":"oui","fuseau":"","truc":1} -> 400 !nom blank, adresse blank, ouvert boolean, fuseau blank, truc unknown
POST /api/v1/stores/ {"nom":"a","adresse":"a","fuseau":"Europe/Pariz"} -> 400 {"fuseau":["Le fuseau « Europe/Pariz » est inconnu."]}
POST /api/v1/stores/ {"nom":"a","adresse":"a","fuseau":"europe/paris"} -> 400
POST /api/v1/stores/ {"nom":"a","adresse":"a","fuseau":"posix/Europe/Paris"} -> 400
POST /api/v1/stores/ {"nom":"a","adresse":"a","fuseau":"+01:00"} -> 400
POST /api/v1/stores/ {"nom":"a","adresse":"a","fuseau":"CET-1CEST"} -> 400
PATCH /api/v1/stores/1/ {"fuseau":"'; DROP"} -> 400 {"fuseau":["Le fuseau « '; DROP » est inconnu."]}
PATCH /api/v1/stores/1/ {"nom":null,"truc":1} -> 400 !nom null, truc unknown
PATCH /api/v1/stores/99/ {"nom":"a"} -> 404 Magasin avec ID 99 introuvable.
PATCH /api/v1/stores/99999999999999999999/ {} -> 404 Magasin avec ID 99999999999999999999 introuvable.
PUT /api/v1/stores/1/ {} -> 405
GET /api/v1/stores/6/ -> 404 Magasin avec ID 6 introuvable.


=== TEST 3: rename, close, reopen, another zone
--- calls
PATCH /api/v1/stores/1/ {} -> 200 {"id":1,"nom":"Magasin Centre-Ville","adresse":"123 Rue Principale","ouvert":true,"fuseau":"Europe/Paris"}
PATCH /api/v1/stores/1/ {"nom":"Centre"} -> 200 {"id":1,"nom":"Centre","adresse":"123 Rue Principale","ouvert":true,"fuseau":"Europe/Paris"}
GET /api/v1/stores/1/stock/list/ -> 200 ~"magasin_nom":"Centre"
PATCH /api/v1/stores/1/ {"ouvert":false} -> 200 ~"ouvert":false
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":1}]} -> 409 {"detail":"Le magasin «·Centre·» est fermé.","magasin":1}
POST /api/v1/replenishments/ {"magasin":1,"produit":4,"quantite":1} -> 409 ~"magasin":1\}$
PATCH /api/v1/stores/1/ {"ouvert":true,"adresse":"b","fuseau":"Indian/Reunion"} -> 200 {"id":1,"nom":"Centre","adresse":"b","ouvert":true,"fuseau":"Indian/Reunion"}
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":1}]} -> 201
GET /api/v1/journal/?magasin=1&type=magasin_modification -> 200 ~"details":\{"nom":\s?\["Magasin Centre-Ville",\s?"Centre"\]\}.*"details":\{"ouvert":\s?\[true,\s?false\]\}.*"fuseau":\s?\["Europe/Paris",\s?"Indian/Reunion"\]


=== TEST 4: a key
--- more_headers eval
["$::json\nIdempotency-Key: a", "$::json\nIdempotency-Key: a", "$::json\nIdempotency-Key: a", $::json]
--- calls
POST /api/v1/stores/ {"nom":"a","adresse":"a"} -> 201 ~"id":6
POST /api/v1/stores/ {"nom":"a","adresse":"a"} -> 201 ~"id":6
POST /api/v1/stores/ {"nom":"b","adresse":"a"} -> 422
GET /api/v1/stores/7/ -> 404 Magasin avec ID 7 introuvable.


=== TEST 5: If-Match and If-None-Match
--- init
MagasinTest::reset();
--- request eval
my $path = '/api/v1/stores/1/';
["GET $path", "PATCH $path\n{\"ouvert\":false}", "PATCH $path\n{\"ouvert\":true}",
 "PATCH $path\n{\"ouvert\":true}", "PATCH $path\n{}", "GET $path"]
--- more_headers eval
my $etag = '"' . Digest::MD5::md5_hex($::store) . '"';
["If-None-Match: $etag", "$::json\nIf-Match: $etag", "$::json\nIf-Match: $etag",
 "$::json\nIf-Match: *", "$::json\nIf-None-Match: $etag", 'X: y']
--- error_code eval: [304, 200, 412, 200, 412, 200]
--- response_body_like eval
['^$', '"ouvert":false', '"detail"', '"ouvert":true', '"detail"', '"ouvert":true']


=== TEST 6: psql cannot set a zone that is none
--- init
MagasinTest::reset();
for my $statement (q{UPDATE magasin SET fuseau = 'Mars/Phobos' WHERE id = 1},
    q{INSERT INTO magasin (nom, adresse, fuseau) VALUES ('a', 'a', 'x')})
{
    eval { MagasinTest::sql($statement) };
    Test::More::like($@, qr/there is no time zone/, $statement);
}
MagasinTest::sql(q{UPDATE magasin SET fuseau = 'Asia/Tokyo' WHERE id = 1});
--- calls
GET /api/v1/stores/1/ -> 200 ~"fuseau":"Asia/Tokyo"
