# GET and POST /api/v1/stores/{id}/reorder/.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;

$MagasinTest::Messages{nobody} = "Aucun produit n'a ce code.";

our $json  = $MagasinTest::Json;
our @needs = (
    'UPDATE stock_local SET quantite = 5 WHERE magasin_id = 1 AND produit_id IN (4, 5)',
    q{INSERT INTO produit_code (code, produit_id, interne) VALUES ('CAF-1', 4, true)},
    q{INSERT INTO seuil_categorie VALUES (1, 'Boissons', 5, 40)},
    'UPDATE stock_local SET quantite = 6 WHERE magasin_id = 1 AND produit_id IN
     (SELECT id FROM produit WHERE categorie = $$Boissons$$ AND id NOT IN (4, 5))');

our @lost = (
    q{INSERT INTO produit (id, nom, categorie, prix) VALUES (900, 'Zeste', 'Boissons', 1)},
    'INSERT INTO stock_local (magasin_id, produit_id, quantite) VALUES (1, 900, 1)');

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();
MagasinTest::calls();

MagasinTest::reset();
run_tests();
MagasinTest::reset();

__DATA__

=== TEST 1: what is at or under its minimum, up to the maximum
--- init
MagasinTest::reset(@::needs,
    q{INSERT INTO seuil VALUES (1, 1, 21, NULL), (1, 2, 999, 999), (1, 3, NULL, 5), (1, 12, 0, 4)},
    'UPDATE produit SET archive_le = now() WHERE id = 2',
    'DELETE FROM stock_local WHERE magasin_id = 1 AND produit_id = 12',
    q{INSERT INTO demande_reapprovisionnement (magasin_id, produit_id, quantite)
      VALUES (2, 4, 3)});
--- calls
GET /api/v1/stores/1/reorder/ -> 200 {"next":null,"results":[{"produit":5,"nom":"Café Espresso Intenso","code":null,"disponible":5,"en_transit":0,"demande":0,"minimum":5,"maximum":40,"suggere":35,"central":300},{"produit":4,"nom":"Café Premium Bio","code":"CAF-1","disponible":5,"en_transit":0,"demande":0,"minimum":5,"maximum":40,"suggere":35,"central":400},{"produit":1,"nom":"Clavier mécanique","code":null,"disponible":20,"en_transit":0,"demande":0,"minimum":21,"maximum":null,"suggere":1,"central":200},{"produit":12,"nom":"Support d'écran ergonomique","code":null,"disponible":0,"en_transit":0,"demande":0,"minimum":0,"maximum":4,"suggere":4,"central":150}]}
GET /api/v1/stores/1/reorder/?limit=1 -> 200 ~^\{"next":"http://localhost/api/v1/stores/1/reorder/\?cursor=[\w-]+&limit=1","results":\[\{"produit":5,[^{}]*\}\]\}$
GET /api/v1/stores/3/reorder/ -> 200 {"next":null,"results":[]}
GET /api/v1/stores/99/reorder/ -> 404
GET /api/v1/stores/1/reorder/?limit=0 -> 400
DELETE /api/v1/stores/1/reorder/ -> 405
--- no_error_log
[error]


=== TEST 2: all of it, once
--- init
MagasinTest::reset(@::needs);
--- more_headers eval
[($::json) x 2, "$::json\nIdempotency-Key: a", "$::json\nIdempotency-Key: a", ($::json) x 3]
--- calls
POST /api/v1/stores/1/reorder/ {"lignes":[{"code":"CAF-1"},{"produit":9,"quantite":7}]} -> 201 ~^\{"magasin":1,"demandes":\[\{"id":1,"magasin":1,"produit":4,"quantite":35,"statut":"en_attente",[^{}]*\},\{"id":2,"magasin":1,"produit":9,"quantite":7,[^{}]*\}\]\}$
GET /api/v1/stores/1/reorder/ -> 200 ~"results":\[\{"produit":5,[^{}]*\}\]\}$
POST /api/v1/stores/1/reorder/ {} -> 201 ~"demandes":\[\{"id":3,"magasin":1,"produit":5,"quantite":35,[^{}]*\}\]\}$
POST /api/v1/stores/1/reorder/ {} -> 201 ~"demandes":\[\{"id":3,
POST /api/v1/stores/1/reorder/ {} -> 200 {"magasin":1,"demandes":[]}
GET /api/v1/stores/1/items/?q=espresso -> 200 ~"demande":35,
GET /api/v1/journal/?type=demande_creation -> 200 ~"acteur":"demo","reference":"demande/1".*"reference":"demande/3"


=== TEST 3: all or nothing
--- init
MagasinTest::reset(@::needs, 'UPDATE produit SET archive_le = now() WHERE id = 7');
--- calls
POST /api/v1/stores/1/reorder/ {"lignes":[{"produit":4},{"produit":99},{"produit":9},{"produit":8,"quantite":1},{"produit":8,"quantite":2}]} -> 400 {"lignes":[{},{"produit":["Clé primaire «·99·» non valide - l'objet n'existe pas."]},{"quantite":["Rien n’est à demander de ce produit : donnez une quantité."]},{"produit":["Ce produit est donné deux fois."]},{"produit":["Ce produit est donné deux fois."]}]}
POST /api/v1/stores/1/reorder/ {"lignes":[]} -> 400 !lignes empty
POST /api/v1/stores/1/reorder/ {"lignes":[{"quantite":0}],"truc":1} -> 400 {"lignes":[{"produit":["Ce champ est obligatoire."],"quantite":["Assurez-vous que cette valeur est supérieure ou égale à 1."]}],"truc":["Champ inconnu."]}
POST /api/v1/stores/1/reorder/ {"lignes":[{"code":"X"}]} -> 400 {"lignes":[{"code":["Aucun produit n'a ce code."]}]}
POST /api/v1/stores/1/reorder/ {"lignes":[{"produit":4},{"produit":7,"quantite":1}]} -> 409 ~"produits":\[\{"produit":7,"nom":"Thé Earl Grey"\}\]\}$
POST /api/v1/stores/99/reorder/ {} -> 404 Magasin avec ID 99 introuvable.
GET /api/v1/replenishments/ -> 200 {"next":null,"results":[]}
PATCH /api/v1/stores/1/ {"ouvert":false} -> 200
POST /api/v1/stores/1/reorder/ {} -> 409 ~"magasin":1\}$


=== TEST 4: a product that somebody deletes meanwhile is left out
--- init
MagasinTest::reset(@::needs, @::lost);
$main::held = MagasinTest::hold('DELETE FROM stock_local WHERE produit_id = 900', 'DELETE FROM produit WHERE id = 900');
print {$main::held} "SELECT pg_sleep(0.3); COMMIT;\n";
--- timeout: 10s
--- calls
POST /api/v1/stores/1/reorder/ {} -> 201 ~"demandes":\[\{"id":1,"magasin":1,"produit":5,[^{}]*\},\{"id":2,"magasin":1,"produit":4,[^{}]*\}\]\}$
--- no_error_log
[error]


=== TEST 5: and is unknown to who names it
--- init
close $main::held; MagasinTest::reset(@::needs, @::lost);
$main::held = MagasinTest::hold('DELETE FROM stock_local WHERE produit_id = 900', 'DELETE FROM produit WHERE id = 900');
print {$main::held} "SELECT pg_sleep(0.3); COMMIT;\n";
--- timeout: 10s
--- calls
POST /api/v1/stores/1/reorder/ {"lignes":[{"produit":4},{"produit":900}]} -> 400 {"lignes":[{},{"produit":["Clé primaire «·900·» non valide - l'objet n'existe pas."]}]}
GET /api/v1/replenishments/ -> 200 {"next":null,"results":[]}
--- no_error_log
[error]


=== TEST 6: the last one has ended
--- init
close $main::held; MagasinTest::reset();
--- calls
GET /api/v1/stores/1/reorder/ -> 200 {"next":null,"results":[]}
