# GET /api/v1/products/{id}/

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();
MagasinTest::gets();

MagasinTest::reset();
run_tests();

__DATA__

=== TEST 1: products as they are
--- gets
/api/v1/products/1/ -> 200 {"nom":"Clavier mécanique","categorie":"Informatique","prix":"89.99","description":"Clavier rétroéclairé RGB"}
/api/v1/products/12/ -> 200 {"nom":"Support d'écran ergonomique","categorie":"Accessoire","prix":"32.99","description":"Support réglable pour moniteur"}
/api/v1/products/9/ -> 200 {"nom":"Chocolat au Lait","categorie":"Confiserie","prix":"6.50","description":"Chocolat doux et crémeux"}
/api/v1/products/3/?x=1&page=9 -> 200 {"nom":"Tapis de souris XL","categorie":"Accessoire","prix":"19.99","description":"Surface antidérapante et étendue"}
--- response_headers eval
[("Content-Type: application/json\nAllow: GET, PUT, HEAD, OPTIONS\nCache-Control: no-cache") x 4]
--- no_error_log
[error]


=== TEST 2: one that is not there
--- request
GET /api/v1/products/999/
--- error_code: 404
--- response_body_like chomp
\A\{"timestamp":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ","status":404,"error":"Not Found","message":"Produit avec ID 999 introuvable\.","path":"/api/v1/products/999/"\}\z
--- response_headers
Content-Type: application/json
Allow: GET, PUT, HEAD, OPTIONS
Cache-Control: no-store
! WWW-Authenticate


=== TEST 3: a token is of no interest, good or bad
--- request eval
['GET /api/v1/products/1/', 'GET /api/v1/products/1/']
--- more_headers eval
['Authorization: Token token-430', 'Authorization: Token wrong']
--- error_code eval
[200, 200]


=== TEST 4: text is escaped where JSON asks for it, and nowhere else
--- init
MagasinTest::reset(
    q{UPDATE produit SET nom = E'"\\\\/<>&\'' || chr(127),
             categorie = E'\b\f\n\r\t' || chr(1) || chr(31) || 'x',
             description = U&'\2028\2029\00a0\feff\+01F600\00e9'
       WHERE id = 1});
--- request
GET /api/v1/products/1/
--- response_body eval
q({"nom":"\"\\\\/<>&') . "\x7f"
. q(","categorie":"\b\f\n\r\t\u0001\u001fx","prix":"89.99","description":")
. q(\u2028\u2029) . "\xc2\xa0\xef\xbb\xbf\xf0\x9f\x98\x80\xc3\xa9" . q("})


=== TEST 5: a description may be missing or empty, a price may be large
--- init
MagasinTest::reset(
    'UPDATE produit SET description = NULL, prix = 99999999.99 WHERE id = 1',
    q{UPDATE produit SET description = '', prix = 0 WHERE id = 2});
--- request eval
['GET /api/v1/products/1/', 'GET /api/v1/products/2/']
--- response_body eval
[
    '{"nom":"Clavier mécanique","categorie":"Informatique","prix":"99999999.99","description":null}',
    '{"nom":"Souris optique","categorie":"Informatique","prix":"0.00","description":""}',
]


=== TEST 6: a change made in PostgreSQL is seen at once
--- init
MagasinTest::reset('UPDATE produit SET prix = 1.23 WHERE id = 1');
--- request
GET /api/v1/products/1/
--- response_body_like: "prix":"1\.23"


=== TEST 7: the largest id
--- init
MagasinTest::reset(
    q{INSERT INTO produit (id, nom, categorie, prix)
      VALUES (9223372036854775807, 'Dernier', 'c', 1)});
--- request
GET /api/v1/products/9223372036854775807/
--- response_body chomp
{"nom":"Dernier","categorie":"c","prix":"1.00","description":null}


=== TEST 8: many at once on one connection, each its own
--- init
MagasinTest::reset();
--- pipelined_requests eval
[map {"GET /api/v1/products/$_/"} 1 .. 15, 999]
--- error_code eval
[(200) x 15, 404]
--- response_body_like eval
[qr/Clavier/, qr/Souris/, qr/Tapis/, qr/Premium/, qr/Espresso/, qr/Sencha/,
 qr/Earl/, qr/Noir/, qr/Lait/, qr/Bluetooth/, qr/Webcam/, qr/Support/,
 qr/USB-C/, qr/Chargeur/, qr/Rooibos/, qr/introuvable/]


=== TEST 9: an archived one is not there
--- init
MagasinTest::reset('UPDATE produit SET archive_le = now() WHERE id = 3');
--- gets
/api/v1/products/3/ -> 404 ~\A\{"timestamp":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ","status":404,"error":"Not Found","message":"Produit avec ID 3 introuvable\.","path":"/api/v1/products/3/"\}\z
HEAD /api/v1/products/3/ -> 404
/api/v1/products/2/ -> 200 ~^\{"nom":"Souris optique",
--- response_headers eval
["Allow: GET, PUT, HEAD, OPTIONS\nCache-Control: no-store\n! ETag",
 "Cache-Control: no-store\n! ETag", "Cache-Control: no-cache"]


=== TEST 10: nor among others that are asked for at the same time
--- pipelined_requests eval
[map {"GET /api/v1/products/$_/"} 2, 3, 1, 3]
--- error_code eval
[200, 404, 200, 404]
--- response_body_like eval
[qr/Souris/, qr/Produit avec ID 3 introuvable/, qr/Clavier/, qr/introuvable/]


=== TEST 11: equal fields are an equal ETag, whatever the id
--- init
MagasinTest::reset(q{INSERT INTO produit (id, nom, categorie, prix, description)
    SELECT 100, nom, categorie, prix, description FROM produit WHERE id = 3});
--- request eval
["GET /api/v1/products/3/", "GET /api/v1/products/100/"]
--- response_headers eval
my $etag = MagasinTest::product_etag('Tapis de souris XL', 'Accessoire',
    '19.99', 'Surface antidérapante et étendue');
[("ETag: $etag") x 2]
