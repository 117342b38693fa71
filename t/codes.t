# "code" in the place of "produit" where a body names a product.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;

$MagasinTest::Messages{excludes} = 'Ce champ exclut « code ».';
$MagasinTest::Messages{nobody}   = "Aucun produit n'a ce code.";

our $json = $MagasinTest::Json;
our @codes = (<<'SQL', 'UPDATE produit SET archive_le = now() WHERE id = 5');
INSERT INTO produit_code (code, produit_id, interne, rang)
VALUES ('CAF-1', 4, true, NULL), ('036000291452', 4, false, 1),
       ('CLA"\,}', 1, true, NULL), ('VIEUX', 5, true, NULL)
SQL

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();
MagasinTest::calls();

MagasinTest::reset();
run_tests();
MagasinTest::reset();

__DATA__

=== TEST 1: a sale by codes
--- init
MagasinTest::reset(@::codes);
--- calls
POST /api/v1/sales/ {"magasin":1,"lignes":[{"code":"0036000291452","quantite":2}]} -> 201 ~"lignes":\[\{"produit":4,"quantite":2,"prix_unitaire":"15.99"\}\]\}$
POST /api/v1/sales/ {"magasin":1,"lignes":[{"code":"CAF-1","quantite":1},{"produit":9,"quantite":1},{"code":"CLA\"\\,}","quantite":3,"prix_unitaire":"80.00"}]} -> 201 ~"lignes":\[\{"produit":4,"quantite":1,[^{}]*\},\{"produit":9,"quantite":1,[^{}]*\},\{"produit":1,"quantite":3,"prix_unitaire":"80.00"\}\]\}$
GET /api/v1/stores/1/stock/4/ -> 200 {"magasin":1,"produit":4,"quantite":27,"disponible":27}
POST /api/v1/sales/ {"magasin":1,"lignes":[{"code":"CAF-1","quantite":28}]} -> 409 ~"produits":\[\{"produit":4,"nom":"Café Premium Bio","demande":28,"disponible":27\}\]\}$
POST /api/v1/sales/ {"magasin":1,"lignes":[{"code":"VIEUX","quantite":1}]} -> 409 ~"produits":\[\{"produit":5,
POST /api/v1/sales/ {"magasin":99,"lignes":[{"code":"CAF-1","quantite":1}]} -> 400 !magasin key99
GET /api/v1/journal/?produit=4&type=vente -> 200 ~"reference":"vente/\d+"


=== TEST 2: what names no product, or two
--- init
MagasinTest::reset(@::codes);
--- calls
POST /api/v1/sales/ {"magasin":1,"lignes":[{"quantite":1}]} -> 400 {"lignes":[{"produit":["Ce champ est obligatoire."]}]}
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"code":"CAF-1","quantite":1},{"code":"","quantite":0}]} -> 400 {"lignes":[{"produit":["Ce champ exclut « code »."]},{"quantite":["Assurez-vous que cette valeur est supérieure ou égale à 1."],"code":["Ce champ ne peut être vide."]}]}
POST /api/v1/sales/ {"magasin":1,"lignes":[{"code":null,"quantite":1}]} -> 400 {"lignes":[{"code":["Ce champ ne peut être nul."]}]}
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":1},{"code":"X","quantite":1},{"code":"CAF-1","quantite":1},{"code":"Y","quantite":1}]} -> 400 {"lignes":[{},{"code":["Aucun produit n'a ce code."]},{},{"code":["Aucun produit n'a ce code."]}]}
POST /api/v1/replenishments/ {"magasin":1,"quantite":1} -> 400 !produit required
POST /api/v1/replenishments/ {"magasin":1,"produit":4,"code":"CAF-1","quantite":1} -> 400 !produit excludes
POST /api/v1/replenishments/ {"magasin":1,"code":"X","quantite":1} -> 400 !code nobody
POST /api/v1/replenishments/ {"magasin":1,"code":"CAF-1","quantite":7} -> 201 ~"magasin":1,"produit":4,"quantite":7,
GET /api/v1/stores/1/stock/4/ -> 200 ~"quantite":30,
--- no_error_log
[error]


=== TEST 3: a key is replayed, wherever the code is now
--- init
MagasinTest::reset(@::codes);
--- more_headers eval
["$::json\nIdempotency-Key: a", $::json, $::json, "$::json\nIdempotency-Key: a", "$::json\nIdempotency-Key: b", $::json, "$::json\nIdempotency-Key: a", 'X: y']
--- calls
POST /api/v1/sales/ {"magasin":1,"lignes":[{"code":"CAF-1","quantite":2}]} -> 201 ~"produit":4,
PATCH /api/v1/products/4/ {"code":null} -> 200
PATCH /api/v1/products/9/ {"code":"CAF-1"} -> 200
POST /api/v1/sales/ {"magasin":1,"lignes":[{"code":"CAF-1","quantite":2}]} -> 201 ~"produit":4,
POST /api/v1/sales/ {"magasin":1,"lignes":[{"code":"CAF-1","quantite":2}]} -> 201 ~"produit":9,
PATCH /api/v1/products/9/ {"code":null} -> 200
POST /api/v1/sales/ {"magasin":1,"lignes":[{"code":"CAF-1","quantite":2}]} -> 201 ~"produit":4,
GET /api/v1/stores/1/stock/4/ -> 200 ~"quantite":28,


=== TEST 4: a store that is not the asker's
--- init
MagasinTest::reset(@::codes);
--- http_config eval
MagasinTest::database_directive() . " magasin_tokens "
    . MagasinTest::tokens('ici' => 'ventes magasins=2') . ';'
--- more_headers eval
MagasinTest::as('ici')
--- calls
POST /api/v1/sales/ {"magasin":1,"lignes":[{"code":"CAF-1","quantite":2}]} -> 403
POST /api/v1/sales/ {"magasin":1,"lignes":[{"code":"X","quantite":2}]} -> 403
POST /api/v1/sales/ {"magasin":2,"lignes":[{"code":"CAF-1","quantite":2}]} -> 201
