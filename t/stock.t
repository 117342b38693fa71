# GET /api/v1/stores/{id}/stock/

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

=== TEST 1: the stock of each store, by product
--- gets
/api/v1/stores/1/stock/ -> 200 [{"produit_id":1,"nom":"Clavier mécanique","quantite":20},{"produit_id":2,"nom":"Souris optique","quantite":35},{"produit_id":3,"nom":"Tapis de souris XL","quantite":15},{"produit_id":4,"nom":"Café Premium Bio","quantite":30},{"produit_id":5,"nom":"Café Espresso Intenso","quantite":25},{"produit_id":6,"nom":"Thé Vert Sencha","quantite":18},{"produit_id":7,"nom":"Thé Earl Grey","quantite":12},{"produit_id":8,"nom":"Chocolat Noir 70%","quantite":22},{"produit_id":9,"nom":"Chocolat au Lait","quantite":28},{"produit_id":10,"nom":"Écouteurs Bluetooth","quantite":8},{"produit_id":11,"nom":"Webcam HD 1080p","quantite":5},{"produit_id":12,"nom":"Support d'écran ergonomique","quantite":14},{"produit_id":13,"nom":"Câble USB-C 2m","quantite":42},{"produit_id":14,"nom":"Chargeur sans fil","quantite":16},{"produit_id":15,"nom":"Thé Rooibos Vanille","quantite":9}]
/api/v1/stores/2/stock/ -> 200 [{"produit_id":1,"nom":"Clavier mécanique","quantite":0},{"produit_id":4,"nom":"Café Premium Bio","quantite":22},{"produit_id":6,"nom":"Thé Vert Sencha","quantite":15},{"produit_id":8,"nom":"Chocolat Noir 70%","quantite":31},{"produit_id":10,"nom":"Écouteurs Bluetooth","quantite":12}]
/api/v1/stores/5/stock/?page=2&ordering=quantite -> 200 [{"produit_id":1,"nom":"Clavier mécanique","quantite":17},{"produit_id":4,"nom":"Café Premium Bio","quantite":23},{"produit_id":10,"nom":"Écouteurs Bluetooth","quantite":9},{"produit_id":14,"nom":"Chargeur sans fil","quantite":13},{"produit_id":15,"nom":"Thé Rooibos Vanille","quantite":6}]
--- response_headers eval
[("Content-Type: application/json\nAllow: GET, HEAD, OPTIONS\nCache-Control: no-cache") x 3]
--- no_error_log
[error]


=== TEST 2: a store that is not there has nothing
--- gets
/api/v1/stores/0/stock/ -> 200 []
/api/v1/stores/6/stock/ -> 200 []
/api/v1/stores/999999/stock/ -> 200 []


=== TEST 3: the largest quantity, an odd name
--- init
MagasinTest::reset(
    q{UPDATE stock_local SET quantite = 2147483647 WHERE id = 17},
    q{UPDATE produit SET nom = E'a"\\\\\nb' WHERE id = 4});
--- request
GET /api/v1/stores/2/stock/
--- response_body_like eval
qr/\{"produit_id":4,"nom":"a\\"\\\\\\nb","quantite":2147483647\}/


=== TEST 4: what a PUT has changed shows at once, in the same place
--- init
MagasinTest::reset();
--- pipelined_requests eval
["PUT /api/v1/products/1/\n" . '{"nom":"Clavier"}', 'GET /api/v1/stores/2/stock/']
--- more_headers eval: $MagasinTest::Json
--- response_body eval
[qr/^\{"nom":"Clavier",/,
 '[{"produit_id":1,"nom":"Clavier","quantite":0},{"produit_id":4,"nom":"Café Premium Bio","quantite":22},{"produit_id":6,"nom":"Thé Vert Sencha","quantite":15},{"produit_id":8,"nom":"Chocolat Noir 70%","quantite":31},{"produit_id":10,"nom":"Écouteurs Bluetooth","quantite":12}]']


=== TEST 5: stock that is gone is gone
--- init
MagasinTest::reset('DELETE FROM stock_local WHERE magasin_id = 2');
--- request
GET /api/v1/stores/2/stock/
--- response_body chomp
[]


=== TEST 6: ids of every size
--- init
MagasinTest::reset(
    q{INSERT INTO magasin (id, nom, adresse)
      VALUES (9223372036854775807, 'Loin', 'x')},
    q{INSERT INTO stock_local (id, magasin_id, produit_id, quantite)
      VALUES (9223372036854775807, 9223372036854775807, 15, 3)});
--- request eval
['GET /api/v1/stores/9223372036854775807/stock/',
 'GET /api/v1/stores/9223372036854775807/stock/list/']
--- response_body eval
['[{"produit_id":15,"nom":"Thé Rooibos Vanille","quantite":3}]',
 '{"count":1,"next":null,"previous":null,"results":[{"id":9223372036854775807,"produit":15,"magasin":9223372036854775807,"quantite":3,"produit_nom":"Thé Rooibos Vanille","magasin_nom":"Loin"}]}']
