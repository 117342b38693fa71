# GET /api/v1/products/{id}/availability/

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
MagasinTest::reset();

__DATA__

=== TEST 1: the stores that have one, by id
--- gets
/api/v1/products/4/availability/ -> 200 {"produit":4,"nom":"Café Premium Bio","central":400,"magasins":[{"magasin":1,"nom":"Magasin Centre-Ville","quantite":30,"disponible":30},{"magasin":2,"nom":"Magasin Nord","quantite":22,"disponible":22},{"magasin":5,"nom":"Magasin Ouest","quantite":23,"disponible":23}]}
/api/v1/products/1/availability/ -> 200 {"produit":1,"nom":"Clavier mécanique","central":200,"magasins":[{"magasin":1,"nom":"Magasin Centre-Ville","quantite":20,"disponible":20},{"magasin":5,"nom":"Magasin Ouest","quantite":17,"disponible":17}]}
/api/v1/products/004/availability/?x=1&limit=0 -> 200 ~^\{"produit":4,
--- response_headers eval
[("Content-Type: application/json\nAllow: GET, HEAD, OPTIONS\nCache-Control: no-cache") x 3]
--- response_headers_like eval
[('ETag: "[0-9a-f]{32}"') x 3]
--- no_error_log
[error]


=== TEST 2: none has it
--- init
MagasinTest::reset(
    'UPDATE stock_local SET quantite = 0 WHERE produit_id = 3',
    'DELETE FROM stock_local WHERE produit_id = 4',
    'DELETE FROM stock_central WHERE produit_id = 5',
    'UPDATE stock_central SET quantite = 0 WHERE produit_id = 6',
    q{INSERT INTO produit (id, nom, categorie, prix)
      VALUES (9223372036854775807, '"É"', 'c', 1)});
--- gets
/api/v1/products/3/availability/ -> 200 {"produit":3,"nom":"Tapis de souris XL","central":150,"magasins":[]}
/api/v1/products/4/availability/ -> 200 {"produit":4,"nom":"Café Premium Bio","central":400,"magasins":[]}
/api/v1/products/5/availability/ -> 200 ~"central":0,"magasins":\[\{"magasin":1,
/api/v1/products/6/availability/ -> 200 ~"central":0,"magasins":\[\{"magasin":1,
/api/v1/products/9223372036854775807/availability/ -> 200 {"produit":9223372036854775807,"nom":"\"É\"","central":0,"magasins":[]}


=== TEST 3: a closed store has its stock all the same
--- init
MagasinTest::reset('UPDATE magasin SET ouvert = false WHERE id = 5',
    'UPDATE stock_local SET quantite = 1 WHERE id = 31');
--- gets
/api/v1/products/1/availability/ -> 200 ~"magasins":\[\{"magasin":1,"nom":"Magasin Centre-Ville","quantite":20,"disponible":20\},\{"magasin":5,"nom":"Magasin Ouest","quantite":1,"disponible":1\}\]\}\z


=== TEST 4: one that is not there, or archived
--- init
MagasinTest::reset(q{UPDATE produit SET archive_le = now() WHERE id = 3});
--- gets
/api/v1/products/3/availability/ -> 404 ~\A\{"timestamp":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ","status":404,"error":"Not Found","message":"Produit avec ID 3 introuvable\.","path":"/api/v1/products/3/availability/"\}\z
/api/v1/products/999/availability/ -> 404 ~"message":"Produit avec ID 999 introuvable\.","path":"/api/v1/products/999/availability/"
/api/v1/products/99999999999999999999/availability/ -> 404 ~"message":"Produit avec ID 99999999999999999999 introuvable\."
--- response_headers eval
[("Cache-Control: no-store\n! ETag") x 3]


=== TEST 5: the order of many, and HEAD
--- init
MagasinTest::reset(
    q{INSERT INTO magasin (id, nom, adresse)
      SELECT n, 'M' || n, 'a' FROM generate_series(6, 300) n},
    'INSERT INTO stock_local (magasin_id, produit_id, quantite)
     SELECT n, 9, 1 FROM generate_series(300, 6, -1) n');
--- request eval
["GET /api/v1/products/9/availability/", "HEAD /api/v1/products/9/availability/"]
--- response_body_filters eval
sub { CORE::join ' ', $_[0] =~ /"magasin":(\d+)/g }
--- response_body eval
[CORE::join(' ', 1, 3, 6 .. 300), '']


=== TEST 6: methods
--- gets
POST /api/v1/products/4/availability/ -> 405
OPTIONS /api/v1/products/4/availability/ -> 200
/api/v1/products/4/availability -> 301
/api/v1/products/x/availability/ -> 404 {"detail":"Pas trouvé."}
