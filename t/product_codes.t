# Codes and barcodes of products: GET /api/v1/products/{id}/sheet/, POST and
# PATCH with code and codes_barres, and GET /api/v1/products/?code=.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;
use Digest::MD5 qw(md5_hex);

$MagasinTest::Messages{long64}
    = "Assurez-vous que ce champ comporte au plus 64${MagasinTest::NBSP}caractères.";
$MagasinTest::Messages{fifty}
    = "Assurez-vous que cette liste n'a pas plus de 50 éléments.";

our $json = $MagasinTest::Json;

our $sheet = '{"id":3,"nom":"Tapis de souris XL","categorie":"Accessoire",'
    . '"prix":"19.99","description":"Surface antidérapante et étendue",'
    . '"code":%s,"codes_barres":[%s],"archive_le":null}';

sub sheet { return sprintf $sheet, @_ }

# What the journal has of codes.
sub codes {
    return MagasinTest::sql(q{SELECT type, produit_id, reference, acteur,
        details FROM journal WHERE type LIKE 'produit_code%' ORDER BY xid, id});
}

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();
MagasinTest::calls();

MagasinTest::reset();
run_tests();
MagasinTest::reset();

__DATA__

=== TEST 1: the sheet of a product
--- calls
GET /api/v1/products/3/sheet/ -> 200 {"id":3,"nom":"Tapis de souris XL","categorie":"Accessoire","prix":"19.99","description":"Surface antidérapante et étendue","code":null,"codes_barres":[],"archive_le":null}
GET /api/v1/products/0003/sheet/ -> 200 ~^\{"id":3,
HEAD /api/v1/products/3/sheet/ -> 200
GET /api/v1/products/3/sheet -> 301
POST /api/v1/products/3/sheet/ {} -> 405
GET /api/v1/products/99/sheet/ -> 404 Produit avec ID 99 introuvable.
GET /api/v1/products/99999999999999999999/sheet/ -> 404 Produit avec ID 99999999999999999999 introuvable.
--- response_headers eval
my $etag = 'ETag: "' . Digest::MD5::md5_hex(main::sheet('null', '')) . '"';
["$etag\nAllow: GET, HEAD, OPTIONS\nCache-Control: no-cache", $etag, $etag, ('') x 2, ('! ETag') x 2]
--- no_error_log
[error]


=== TEST 2: POST with codes; a code that is there
--- calls
POST /api/v1/products/ {"nom":"Pâte","categorie":"Épicerie","prix":"3.50","code":" PAT-1 ","codes_barres":["3017620422003",96385074,"036000291452"]} -> 201 {"id":16,"nom":"Pâte","categorie":"Épicerie","prix":"3.50","description":""}
GET /api/v1/products/16/sheet/ -> 200 {"id":16,"nom":"Pâte","categorie":"Épicerie","prix":"3.50","description":"","code":"PAT-1","codes_barres":["3017620422003","96385074","036000291452"],"archive_le":null}
POST /api/v1/products/ {"nom":"a","categorie":"b","prix":"1","code":"PAT-1"} -> 409 {"detail":"Code déjà utilisé·: PAT-1 (Pâte).","produits":[{"produit":16,"nom":"Pâte","code":"PAT-1"}]}
POST /api/v1/products/ {"nom":"a","categorie":"b","prix":"1","code":"3017620422003"} -> 409 ~"produits":\[\{"produit":16,"nom":"Pâte","code":"3017620422003"\}\]\}$
POST /api/v1/products/ {"nom":"a","categorie":"b","prix":"1","codes_barres":["x","PAT-1","0036000291452"]} -> 409 {"detail":"Code déjà utilisé·: 0036000291452 (Pâte), PAT-1 (Pâte).","produits":[{"produit":16,"nom":"Pâte","code":"036000291452"},{"produit":16,"nom":"Pâte","code":"PAT-1"}]}
PATCH /api/v1/products/3/ {"nom":"b","code":"PAT-1"} -> 409 ~^\{"detail":"Code déjà utilisé
GET /api/v1/products/3/sheet/ -> 200 ~^\{"id":3,"nom":"Tapis de souris XL"
GET /api/v1/products/?q=pate -> 200 {"next":null,"results":[{"id":16,"nom":"Pâte","categorie":"Épicerie","prix":"3.50","description":""}]}
GET /api/v1/products/?categorie=b -> 200 {"next":null,"results":[]}


=== TEST 3: one namespace: a code may be one of its own barcodes
--- calls
PATCH /api/v1/products/3/ {"code":"3017620422003","codes_barres":["3017620422003","B"]} -> 200 {"nom":"Tapis de souris XL","categorie":"Accessoire","prix":"19.99","description":"Surface antidérapante et étendue"}
GET /api/v1/products/3/sheet/ -> 200 ~"code":"3017620422003","codes_barres":\["3017620422003","B"\],
PATCH /api/v1/products/3/ {"code":null} -> 200
GET /api/v1/products/3/sheet/ -> 200 ~"code":null,"codes_barres":\["3017620422003","B"\],
PATCH /api/v1/products/3/ {"codes_barres":["B","3017620422003"]} -> 200
GET /api/v1/products/3/sheet/ -> 200 ~"code":null,"codes_barres":\["B","3017620422003"\],
PATCH /api/v1/products/3/ {"codes_barres":[]} -> 200
PATCH /api/v1/products/3/ {"codes_barres":[]} -> 200
GET /api/v1/products/3/sheet/ -> 200 ~"code":null,"codes_barres":\[\],
PATCH /api/v1/products/4/ {"code":"3017620422003","prix":"1.00","nom":"Thé"} -> 200 {"nom":"Thé","categorie":"Boissons","prix":"1.00","description":"Café arabica de qualité supérieure"}
PATCH /api/v1/products/4/ {"code":"C2"} -> 200
PATCH /api/v1/products/3/ {"code":"3017620422003"} -> 200


=== TEST 4: what is no code
--- init
MagasinTest::reset();
$main::before = MagasinTest::sql('SELECT count(*) FROM journal');
--- calls
PATCH /api/v1/products/3/ {"code":""} -> 400 !code blank
PATCH /api/v1/products/3/ {"code":[]} -> 400 !code string
PATCH /api/v1/products/3/ {"code":"12345678901234567890123456789012345678901234567890123456789012345"} -> 400 !code long64
PATCH /api/v1/products/3/ {"codes_barres":"x"} -> 400 !codes_barres list
PATCH /api/v1/products/3/ {"codes_barres":null} -> 400 !codes_barres null
PATCH /api/v1/products/3/ {"codes_barres":[""," ",null,{},"\u0000"]} -> 400 !codes_barres blank blank null string nul
PATCH /api/v1/products/3/ {"codes_barres":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33,34,35,36,37,38,39,40,41,42,43,44,45,46,47,48,49,50,51]} -> 400 !codes_barres fifty
PATCH /api/v1/products/3/ {"codes_barres":["3017620422004","96385075","A","A"]} -> 400 {"codes_barres":["Le chiffre de contrôle de « 3017620422004 » est faux.","Le chiffre de contrôle de « 96385075 » est faux.","Le code « A » est donné deux fois."]}
PATCH /api/v1/products/3/ {"codes_barres":["036000291452","0036000291452"]} -> 400 {"codes_barres":["Le code « 036000291452 » est donné deux fois."]}
PATCH /api/v1/products/3/ {"code":"a\tb"} -> 400 {"code":["Un code n’a pas de caractères de contrôle."]}
PATCH /api/v1/products/3/ {"nom":"","codes_barres":"x","couleur":1} -> 400 !nom blank, codes_barres list, couleur unknown
PATCH /api/v1/products/99/ {"code":"x"} -> 404 Produit avec ID 99 introuvable.
PATCH /api/v1/products/3/ {"code":"x","description":null} -> 400 !description null
POST /api/v1/products/ {"nom":"a","categorie":"b","prix":"1","code":null,"codes_barres":null} -> 400 !code null, codes_barres null
PUT /api/v1/products/3/ {"code":"X","codes_barres":7} -> 200
GET /api/v1/products/3/sheet/ -> 200 ~"code":null,
GET /api/v1/journal/?limit=1&cursor=x -> 400
--- no_error_log
[error]


=== TEST 5: a code is what people see: composed, without blanks around; digits that are no GTIN are a code, but no barcode
--- calls
PATCH /api/v1/products/3/ {"code":"\u00a0e\u0301te\u0301-1 ","codes_barres":["1234567"," \u202fx "]} -> 200
GET /api/v1/products/3/sheet/ -> 200 ~"code":"été-1","codes_barres":\["1234567","x"\]
GET /api/v1/products/?code=e%CC%81t%C3%A9-1 -> 200 ~"results":\[\{"id":3,
PATCH /api/v1/products/3/ {"code":"12345678"} -> 200
GET /api/v1/products/?code=12345678 -> 200 ~"results":\[\{"id":3,
GET /api/v1/products/?code=%C3%A9t%C3%A9-1 -> 200 {"next":null,"results":[]}


=== TEST 6: what a scanner asks
--- init
MagasinTest::reset(
    q{INSERT INTO produit_code (code, produit_id, interne, rang) VALUES
      ('CAF-1', 4, true, NULL), ('036000291452', 4, false, 1),
      ('3017620422003', 5, false, 1)},
    q{UPDATE produit SET archive_le = '2026-01-02T03:04:05Z' WHERE id = 5});
--- calls
GET /api/v1/products/?code=036000291452 -> 200 {"next":null,"results":[{"id":4,"nom":"Café Premium Bio","categorie":"Boissons","prix":"15.99","description":"Café arabica de qualité supérieure"}]}
GET /api/v1/products/?code=0036000291452 -> 200 ~"results":\[\{"id":4,
GET /api/v1/products/?code=00036000291452 -> 200 ~"results":\[\{"id":4,
GET /api/v1/products/?code=%20CAF-1%20&q=rien&id=1 -> 200 ~"results":\[\{"id":4,[^{}]*\}\]\}$
GET /api/v1/products/?code=CAF-1&categorie=Informatique -> 200 {"next":null,"results":[]}
GET /api/v1/products/?code=caf-1 -> 200 {"next":null,"results":[]}
GET /api/v1/products/?code=3017620422003 -> 200 ~"results":\[\{"id":5,
GET /api/v1/products/?code=3017620422003&archive=false -> 200 {"next":null,"results":[]}
GET /api/v1/products/?code=3017620422003&archive=true -> 200 ~"results":\[\{"id":5,
GET /api/v1/products/5/sheet/ -> 200 ~"codes_barres":\["3017620422003"\],"archive_le":"T"\}$
GET /api/v1/products/?code= -> 200 ~^\{"next":null,"results":\[\{[^{}]*\},
GET /api/v1/products/?code=12345678901234567890123456789012345678901234567890123456789012345 -> 400 !code long64
DELETE /api/v1/products/4/ -> 204
GET /api/v1/products/?code=CAF-1 -> 200 ~"results":\[\{"id":4,
POST /api/v1/products/ {"nom":"a","categorie":"b","prix":"1","code":"CAF-1"} -> 409 ~"produit":4
DELETE /api/v1/products/15/ -> 204


=== TEST 7: a product that goes takes its codes along
--- init
MagasinTest::reset(
    q{INSERT INTO produit_code (code, produit_id, interne) VALUES ('ROO', 15, true)});
--- calls
DELETE /api/v1/products/15/ -> 204
GET /api/v1/products/?code=ROO -> 200 {"next":null,"results":[]}
PATCH /api/v1/products/3/ {"code":"ROO"} -> 200


=== TEST 8: a key
--- more_headers eval
"$::json\nIdempotency-Key: k1"
--- calls
POST /api/v1/products/ {"nom":"a","categorie":"b","prix":"1","code":"K"} -> 201 ~^\{"id":16,
POST /api/v1/products/ {"nom":"a","categorie":"b","prix":"1","code":"K"} -> 201 ~^\{"id":16,
POST /api/v1/products/ {"nom":"a","categorie":"b","prix":"1","code":"L"} -> 422


=== TEST 9: a key keeps a refusal
--- more_headers eval
["$::json\nIdempotency-Key: k2", $::json, "$::json\nIdempotency-Key: k2", "$::json\nIdempotency-Key: k3"]
--- calls
POST /api/v1/products/ {"nom":"a","categorie":"b","prix":"1","codes_barres":["12345678"]} -> 400
PATCH /api/v1/products/3/ {"code":"x"} -> 200
POST /api/v1/products/ {"nom":"a","categorie":"b","prix":"1","codes_barres":["12345678"]} -> 400
POST /api/v1/products/ {"nom":"a","categorie":"b","prix":"1","codes_barres":["x"]} -> 409


=== TEST 10: If-Match names the product, or its sheet
--- init
MagasinTest::reset();
--- request eval
my $path = '/api/v1/products/3/';
["PATCH $path\n{\"code\":\"x\"}", "PATCH $path\n{\"code\":\"x\"}", "PATCH $path\n{\"code\":\"y\"}",
 "PATCH $path\n{\"prix\":\"19.99\"}", "PATCH $path\n{\"code\":\"y\"}", "PATCH $path\n{\"code\":\"z\"}",
 "PATCH $path\n{\"code\":\"z\"}", "GET ${path}sheet/"]
--- more_headers eval
my ($old, $new) = map { '"' . Digest::MD5::md5_hex(main::sheet($_, '')) . '"' } 'null', '"x"';
my $product = MagasinTest::product_etag('Tapis de souris XL', 'Accessoire', '19.99', 'Surface antidérapante et étendue');
["$::json\nIf-Match: \"0\"", "$::json\nIf-Match: $old", "$::json\nIf-Match: $old",
 "$::json\nIf-Match: $new", "$::json\nIf-Match: $product",
 "$::json\nIf-None-Match: $product", "$::json\nIf-None-Match: *", 'X: y']
--- error_code eval: [412, 200, 412, 200, 200, 412, 412, 200]
--- response_body_like eval
[('"detail"', 'Tapis') x 2, 'Tapis', ('"detail"') x 2, '"code":"y"']


=== TEST 11: the journal
--- init
MagasinTest::reset();
--- calls
PATCH /api/v1/products/3/ {"code":"x","codes_barres":["y"],"prix":"1.00"} -> 200
PATCH /api/v1/products/3/ {"code":"x","codes_barres":["z"]} -> 200
GET /api/v1/journal/?produit=3&type=produit_code_ajout -> 200 ~"type":"produit_code_ajout"[^{}]*"produit":3,[^{}]*"acteur":"demo","reference":"produit/3"[^{}]*"details":\{"code":\s?\[null,\s?"x"\]\}
GET /api/v1/journal/?produit=3&type=produit_code_retrait -> 200 ~"details":\{"code":\s?\["y",\s?null\]\}\}\]
GET /api/v1/journal/?produit=3&type=produit_modification -> 200 ~"details":\{"prix":\s?\["19.99",\s?"1.00"\]\}\}\]


=== TEST 12: a problem, and forms
--- more_headers eval
["$::json\nAccept: application/problem+json", ($MagasinTest::Form) x 3]
--- calls
POST /api/v1/products/ {"nom":"a","categorie":"b","prix":"1","codes_barres":["12345678"]} -> 400 ~"status":400
PATCH /api/v1/products/3/ code=FORM -> 200
PATCH /api/v1/products/4/ code=FORM -> 409
PATCH /api/v1/products/3/ codes_barres=a -> 400 !codes_barres list
