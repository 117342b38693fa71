# Thresholds of stock: GET and PUT /api/v1/stores/{id}/stock/{produit}/thresholds/
# and /api/v1/stores/{id}/thresholds/.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;
use Digest::MD5 qw(md5_hex);

$MagasinTest::Messages{order} = 'Le maximum ne peut être inférieur au minimum.';
$MagasinTest::Messages{twice} = 'Cette catégorie est donnée deux fois.';

our $json = $MagasinTest::Json;
our $row  = '/api/v1/stores/1/stock/4/thresholds/';
our $all  = '/api/v1/stores/1/thresholds/';
our $none = '{"magasin":1,"produit":4,"minimum":null,"maximum":null,"origine":null}';

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();
MagasinTest::calls();

MagasinTest::reset();
run_tests();
MagasinTest::reset();

__DATA__

=== TEST 1: of one product
--- calls
GET /api/v1/stores/1/stock/4/thresholds/ -> 200 {"magasin":1,"produit":4,"minimum":null,"maximum":null,"origine":null}
PUT /api/v1/stores/1/stock/4/thresholds/ {"minimum":5,"maximum":20} -> 200 {"magasin":1,"produit":4,"minimum":5,"maximum":20,"origine":"produit"}
GET /api/v1/stores/1/stock/4/thresholds/ -> 200 {"magasin":1,"produit":4,"minimum":5,"maximum":20,"origine":"produit"}
GET /api/v1/stores/2/stock/4/thresholds/ -> 200 ~"origine":null
PUT /api/v1/stores/1/stock/4/thresholds/ {"minimum":0,"maximum":null,"magasin":9,"origine":"x"} -> 200 {"magasin":1,"produit":4,"minimum":0,"maximum":null,"origine":"produit"}
PUT /api/v1/stores/1/stock/4/thresholds/ {"minimum":null,"maximum":null} -> 200 {"magasin":1,"produit":4,"minimum":null,"maximum":null,"origine":null}
HEAD /api/v1/stores/1/stock/4/thresholds/ -> 200
POST /api/v1/stores/1/stock/4/thresholds/ {} -> 405
PUT /api/v1/stores/2/stock/3/thresholds/ {"minimum":1,"maximum":1} -> 200
--- response_headers eval
my $etag = 'ETag: "' . Digest::MD5::md5_hex($::none) . '"';
[$etag, 'ETag: "' . Digest::MD5::md5_hex('{"magasin":1,"produit":4,"minimum":5,"maximum":20,"origine":"produit"}') . '"',
 ('') x 3, $etag, $etag, 'Allow: GET, PUT, HEAD, OPTIONS']
--- no_error_log
[error]


=== TEST 2: what they are not
--- calls
PUT /api/v1/stores/1/stock/4/thresholds/ {} -> 400 !minimum required, maximum required
PUT /api/v1/stores/1/stock/4/thresholds/ {"minimum":-1,"maximum":2147483648} -> 400 !minimum min0, maximum max2147483647
PUT /api/v1/stores/1/stock/4/thresholds/ {"minimum":2.5,"maximum":"x"} -> 400 !minimum integer, maximum integer
PUT /api/v1/stores/1/stock/4/thresholds/ {"minimum":6,"maximum":5} -> 400 !maximum order
PUT /api/v1/stores/99/stock/4/thresholds/ {"minimum":1,"maximum":2} -> 404 Magasin avec ID 99 introuvable.
PUT /api/v1/stores/1/stock/99/thresholds/ {"minimum":1,"maximum":2} -> 404 Produit avec ID 99 introuvable.
PUT /api/v1/stores/99999999999999999999/stock/4/thresholds/ {"minimum":1,"maximum":2} -> 404 Magasin avec ID 99999999999999999999 introuvable.
GET /api/v1/stores/1/stock/99/thresholds/ -> 404 Produit avec ID 99 introuvable.
GET /api/v1/stores/99/stock/4/thresholds/ -> 404 Magasin avec ID 99 introuvable.
GET /api/v1/stores/99999999999999999999/stock/4/thresholds/ -> 404 Magasin avec ID 99999999999999999999 introuvable.
GET /api/v1/stores/99/thresholds/ -> 404 Magasin avec ID 99 introuvable.
PUT /api/v1/stores/99/thresholds/ {"lignes":[]} -> 404 Magasin avec ID 99 introuvable.
GET /api/v1/stores/1/stock/4/thresholds/ -> 200 ~"origine":null


=== TEST 3: defaults of a store, by category
--- calls
GET /api/v1/stores/1/thresholds/ -> 200 {"magasin":1,"lignes":[]}
PUT /api/v1/stores/1/thresholds/ {"lignes":[{"categorie":"Informatique","minimum":2},{"categorie":null,"minimum":1,"maximum":3},{"categorie":"Boissons","minimum":10,"maximum":40}]} -> 200 {"magasin":1,"lignes":[{"categorie":null,"minimum":1,"maximum":3},{"categorie":"Boissons","minimum":10,"maximum":40},{"categorie":"Informatique","minimum":2,"maximum":null}]}
GET /api/v1/stores/1/stock/4/thresholds/ -> 200 {"magasin":1,"produit":4,"minimum":10,"maximum":40,"origine":"categorie"}
GET /api/v1/stores/1/stock/1/thresholds/ -> 200 {"magasin":1,"produit":1,"minimum":2,"maximum":null,"origine":"categorie"}
GET /api/v1/stores/1/stock/8/thresholds/ -> 200 {"magasin":1,"produit":8,"minimum":1,"maximum":3,"origine":"magasin"}
GET /api/v1/stores/2/stock/4/thresholds/ -> 200 ~"origine":null
PUT /api/v1/stores/1/stock/4/thresholds/ {"minimum":null,"maximum":9} -> 200 {"magasin":1,"produit":4,"minimum":null,"maximum":9,"origine":"produit"}
PATCH /api/v1/products/1/ {"categorie":"Épicerie"} -> 200
GET /api/v1/stores/1/stock/1/thresholds/ -> 200 {"magasin":1,"produit":1,"minimum":1,"maximum":3,"origine":"magasin"}
PUT /api/v1/stores/1/thresholds/ {"magasin":1,"lignes":[{"categorie":"Épicerie","minimum":null,"maximum":null}]} -> 200 {"magasin":1,"lignes":[{"categorie":"Épicerie","minimum":null,"maximum":null}]}
GET /api/v1/stores/1/stock/1/thresholds/ -> 200 ~"origine":null
PUT /api/v1/stores/1/thresholds/ {"lignes":[]} -> 200 {"magasin":1,"lignes":[]}


=== TEST 4: what defaults are not
--- calls
PUT /api/v1/stores/1/thresholds/ {} -> 400 !lignes required
PUT /api/v1/stores/1/thresholds/ {"lignes":null} -> 400 !lignes null
PUT /api/v1/stores/1/thresholds/ {"lignes":{}} -> 400 !lignes list
PUT /api/v1/stores/1/thresholds/ {"lignes":[{"minimum":1},{"categorie":"","minimum":-1,"truc":1},3]} -> 400 {"lignes":[{"categorie":["Ce champ est obligatoire."]},{"categorie":["Ce champ ne peut être vide."],"minimum":["Assurez-vous que cette valeur est supérieure ou égale à 0."],"truc":["Champ inconnu."]},{"non_field_errors":["Donnée non valide. Attendait un dictionnaire."]}]}
PUT /api/v1/stores/1/thresholds/ {"lignes":[{"categorie":"a"},{"categorie":"b","minimum":2,"maximum":1},{"categorie":"a"}]} -> 400 {"lignes":[{"categorie":["Cette catégorie est donnée deux fois."]},{"maximum":["Le maximum ne peut être inférieur au minimum."]},{"categorie":["Cette catégorie est donnée deux fois."]}]}
PUT /api/v1/stores/1/thresholds/ {"lignes":[{"categorie":null},{"categorie":null}]} -> 400 ~twice|deux fois
GET /api/v1/stores/1/thresholds/ -> 200 {"magasin":1,"lignes":[]}


=== TEST 5: If-Match and If-None-Match
--- init
MagasinTest::reset();
--- request eval
my $body = '{"minimum":1,"maximum":2}';
my $lines = '{"lignes":[{"categorie":"a","minimum":1}]}';
["PUT $::row\n$body", "PUT $::row\n$body", "PUT $::row\n$body", "PUT $::row\n$body", "GET $::row",
 "PUT $::all\n$lines", "PUT $::all\n$lines", "PUT $::all\n$lines", "GET $::all"]
--- more_headers eval
my $old = '"' . Digest::MD5::md5_hex($::none) . '"';
my $empty = '"' . Digest::MD5::md5_hex('{"magasin":1,"lignes":[]}') . '"';
["$::json\nIf-Match: \"0\"", "$::json\nIf-Match: $old", "$::json\nIf-Match: $old", "$::json\nIf-None-Match: *", 'X: y',
 "$::json\nIf-Match: $empty", "$::json\nIf-Match: $empty", "$::json\nIf-Match: *", "If-None-Match: $empty"]
--- error_code eval: [412, 200, 412, 412, 200, 200, 412, 200, 200]
--- response_body_like eval
['"detail"', '"origine":"produit"', '"detail"', '"detail"', '"minimum":1,"maximum":2', '"lignes":\[\{', '"detail"', '"lignes":\[\{', '"lignes":\[\{']


=== TEST 6: the journal
--- calls
PUT /api/v1/stores/1/stock/4/thresholds/ {"minimum":5,"maximum":20} -> 200
PUT /api/v1/stores/1/stock/4/thresholds/ {"minimum":5,"maximum":20} -> 200
PUT /api/v1/stores/1/stock/4/thresholds/ {"minimum":6,"maximum":20} -> 200
PUT /api/v1/stores/1/thresholds/ {"lignes":[{"categorie":"Thé","minimum":1}]} -> 200
PUT /api/v1/stores/1/thresholds/ {"lignes":[]} -> 200
GET /api/v1/journal/?type=seuil_modification -> 200 ~^\{[^\[]*\[\{[^{}]*"magasin":1,"produit":4,"delta":null,"quantite":null,"acteur":"demo","reference":"magasin/1","motif":null,"details":\{"maximum":\s?\[null,\s?20\],\s?"minimum":\s?\[null,\s?5\]\}\},\{[^{}]*"details":\{"minimum":\s?\[5,\s?6\]\}\},\{[^{}]*"produit":null,[^{}]*"details":\{"minimum":\s?\[null,\s?1\],\s?"categorie":\s?"Thé"\}\}\]\}$
GET /api/v1/journal/?type=seuil_suppression -> 200 ~"details":\{"minimum":\s?\[1,\s?null\],\s?"categorie":\s?"Thé"\}\}\]\}$
