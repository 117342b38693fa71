# /api/v1/receipts/: goods that come in, at a store or at the central stock, and
# go out again when a receipt is cancelled.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;
use MagasinNginx;
use MagasinRoutes;

$ENV{TEST_NGINX_TOKENS} = MagasinTest::tokens(
    quai   => 'stock',
    siege  => 'reapprovisionnement',
    deux   => 'stock,reapprovisionnement,ventes',
    un     => 'stock,reapprovisionnement magasins=1',
    autre  => 'produits,prix,ventes,admin',
);

our $deux = MagasinTest::as('deux');

# `--- bodies` is a table of bodies that are refused, each on a line:
#
#     {"lieu":1} -> fournisseur required, reference required, lignes required
MagasinTest::each_block(sub {
    my ($block) = @_;

    my $table = $block->bodies;
    return unless defined $table;

    my $calls = '';
    for my $line (grep {/\S/} split /\n/, $table) {
        my ($sent, $errors) = $line =~ /^(.*?)\s*->\s+(.*?)\s*$/
            or die "bad line in bodies: $line\n";
        $calls .= "POST /api/v1/receipts/ $sent -> 400 "
            . ($errors =~ /^[~{]/ ? "$errors\n" : "!$errors\n");
    }
    $block->set_value('calls',     $calls);
    $block->set_value('unchanged', '');
    return;
});

# The ids of a list, and whether there is more.
sub ids {
    my ($body) = @_;
    my ($link) = $body =~ /^\{"next":("[^"]*"|null),"results":\[.*\]\}$/s
        or return $body;
    my @ids = $body =~ /\{"id":(\d+),/g;
    return CORE::join ' ', @ids, $link eq 'null' ? '.' : '>';
}

# A receipt of so many units of one product at a place.
sub receipt {
    my ($place, $product, $quantity, $reference) = @_;
    $reference //= 'BL-1';
    return qq({"lieu":$place,"fournisseur":"Torr\\u00e9facteur",)
        . qq("reference":"$reference","lignes":[{"produit":$product,)
        . qq("quantite":$quantity}]});
}

# So many lines, of the products in turn.
sub lines {
    my ($n) = @_;
    return '{"lieu":3,"fournisseur":"f","reference":"r","lignes":['
        . CORE::join(',', map { '{"produit":' . (1 + $_ % 15)
            . ',"quantite":1}' } 1 .. $n) . ']}';
}


log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();
MagasinTest::gets();
MagasinTest::calls(more_headers => $deux);
MagasinTest::databases();

run_tests();


# Many at once: of each receipt one of two cancellations counts, and with sales
# beside them no unit is lost or made.
{
    MagasinTest::reset('UPDATE stock_local SET quantite = 100000');
    my $nginx = MagasinNginx->start(workers => 2);
    my $ask = sub {
        my ($path, $body) = @_;
        return "POST /api/v1/$path HTTP/1.1\r\nHost: localhost\r\n"
            . "Authorization: Token secret-deux\r\n"
            . "Content-Type: application/json\r\n"
            . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
    };
    my @requests = ((map { (
        $ask->('receipts/', '{"lieu":1,"fournisseur":"f","reference":"r",'
            . '"lignes":[{"produit":9,"quantite":2},{"produit":4,"quantite":1}]}'),
        $ask->('sales/', '{"magasin":1,"lignes":[{"produit":4,"quantite":1},'
            . '{"produit":9,"quantite":1}]}') ) } 1 .. 50), map { (
        $ask->("receipts/$_/cancel/", '{}'),
        $ask->("receipts/$_/cancel/", '') ) } 1 .. 50);
    my $load = $nginx->load(connections => 16, requests => \@requests);
    ok(MagasinNginx::wait_for(sub {
            MagasinTest::sql("SELECT count(*) FROM reception"
                . " WHERE statut = 'annulee'") > 0
        }), 'rush: some were cancelled');
    my $count = $load->finish;

    is($count->{failed}, 0, 'rush: each request has an answer');
    is(join(' ', grep { !/^(?:200|201|404|409)$/ && $count->{$_} }
            grep {/^\d+$/} sort keys %$count), '',
        'rush: and no other than these');
    is(MagasinTest::sql('SELECT quantite - 100000 FROM stock_local'
        . ' WHERE magasin_id = 1 AND produit_id = 4'),
        MagasinTest::sql("SELECT (SELECT count(*) FROM reception WHERE statut = 'recue')"
            . ' - (SELECT coalesce(sum(quantite), 0) FROM ligne_vente l JOIN vente v'
            . ' ON v.id = l.vente_id WHERE produit_id = 4 AND magasin_id = 1'
            . " AND date_vente > now() - interval '1 minute')"),
        'rush: what came less what went is there');
    ok($nginx->stop, 'a graceful stop');
    is($nginx->complaints, '', 'nothing alarming in the log');
}

MagasinTest::reset();

__DATA__

=== TEST 1: goods come in at a store
--- init: MagasinTest::reset();
--- more_headers eval: MagasinTest::as('quai')
--- request
POST /api/v1/receipts/
{"lieu":2,"fournisseur":" Torréfacteur ","reference":"BL-77","lignes":[{"produit":4,"quantite":10,"cout_unitaire":"3.2"},{"produit":2,"quantite":"5"},{"produit":4,"quantite":1,"cout_unitaire":3}]}
--- error_code: 201
--- response_body_like chomp
\A\{"id":1,"lieu":2,"fournisseur":"Torréfacteur","reference":"BL-77","statut":"recue","date_reception":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z","recue_par":"quai","date_annulation":null,"annulee_par":null,"lignes":\[\{"produit":4,"quantite":10,"cout_unitaire":"3\.20"\},\{"produit":2,"quantite":5,"cout_unitaire":null\},\{"produit":4,"quantite":1,"cout_unitaire":"3\.00"\}\]\}\z
--- response_headers
Content-Type: application/json
Location: /api/v1/receipts/1/
Cache-Control: no-store
Allow: GET, POST, HEAD, OPTIONS
--- database
SELECT quantite FROM stock_local WHERE magasin_id = 2 AND produit_id = 4 -> 33
SELECT quantite FROM stock_local WHERE magasin_id = 2 AND produit_id = 2 -> 5
SELECT type, magasin_id, produit_id, delta, quantite, acteur, reference, motif, details FROM journal WHERE acteur = 'quai' ORDER BY type, produit_id -> reception|2|2|5|5|quai|reception/1|| reception|2|4|11|33|quai|reception/1|| reception_creation|2||||quai|reception/1||
--- no_error_log
[error]


=== TEST 2: at the central stock, also what was never there
--- init: MagasinTest::reset(q{INSERT INTO produit (id, nom, categorie, prix) VALUES (50, 'Neuf', 'Lot', 1)});
--- calls
POST /api/v1/receipts/ {"lieu":null,"fournisseur":"f","reference":"r","lignes":[{"produit":50,"quantite":7},{"produit":4,"quantite":1}]} -> 201 ~"lieu":null,
GET /api/v1/stock/central/50/ -> 200 {"produit":50,"quantite":7}
GET /api/v1/stock/central/4/ -> 200 {"produit":4,"quantite":401}
GET /api/v1/receipts/1/ -> 200 ~^\{"id":1,"lieu":null,.*"lignes":\[\{"produit":50,"quantite":7,"cout_unitaire":null\},\{"produit":4,"quantite":1,"cout_unitaire":null\}\]\}$
DELETE /api/v1/products/50/ -> 403
--- database
SELECT type, magasin_id, produit_id, delta, quantite FROM journal WHERE reference = 'reception/1' AND delta IS NOT NULL ORDER BY produit_id -> reception||4|1|401 reception||50|7|7


=== TEST 3: what is not there, closed or archived
--- init: MagasinTest::reset('UPDATE magasin SET ouvert = false WHERE id = 3', 'UPDATE produit SET archive_le = now() WHERE id IN (5, 7)', 'UPDATE stock_local SET quantite = 2147483647 WHERE magasin_id = 1 AND produit_id = 1');
--- calls
POST /api/v1/receipts/ {"lieu":99,"fournisseur":"f","reference":"r","lignes":[{"produit":4,"quantite":1}]} -> 400 {"lieu":["Clé primaire «·99·» non valide - l'objet n'existe pas."]}
POST /api/v1/receipts/ {"lieu":1,"fournisseur":"f","reference":"r","lignes":[{"produit":4,"quantite":1},{"produit":99,"quantite":1}]} -> 400 {"lignes":[{},{"produit":["Clé primaire «·99·» non valide - l'objet n'existe pas."]}]}
POST /api/v1/receipts/ {"lieu":3,"fournisseur":"f","reference":"r","lignes":[{"produit":4,"quantite":1}]} -> 409 {"detail":"Le magasin «·Magasin Est·» est fermé.","magasin":3}
POST /api/v1/receipts/ {"lieu":1,"fournisseur":"f","reference":"r","lignes":[{"produit":7,"quantite":1},{"produit":5,"quantite":1}]} -> 409 {"detail":"Produit archivé·: Café Espresso Intenso, Thé Earl Grey.","produits":[{"produit":5,"nom":"Café Espresso Intenso"},{"produit":7,"nom":"Thé Earl Grey"}]}
POST /api/v1/receipts/ {"lieu":1,"fournisseur":"f","reference":"r","lignes":[{"produit":1,"quantite":1}]} -> 409 {"detail":"Le stock dépasserait 2147483647 unités."}
POST /api/v1/receipts/ {"lieu":2,"fournisseur":"f","reference":"r","lignes":[{"produit":4,"quantite":2147483647},{"produit":4,"quantite":2147483647}]} -> 409 {"detail":"Le stock dépasserait 2147483647 unités."}
GET /api/v1/receipts/99/ -> 404 Réception avec ID 99 introuvable.
GET /api/v1/receipts/9223372036854775808/ -> 404 ~"status":404
POST /api/v1/receipts/99/cancel/ -> 404 Réception avec ID 99 introuvable.
POST /api/v1/receipts/9223372036854775808/cancel/ -> 404 ~"status":404
PUT /api/v1/receipts/1/ {} -> 405
--- unchanged


=== TEST 4: a cancellation takes the goods out again, once
--- init
MagasinTest::reset();
--- calls
POST /api/v1/receipts/ {"lieu":2,"fournisseur":"f","reference":"r","lignes":[{"produit":4,"quantite":10},{"produit":2,"quantite":5},{"produit":4,"quantite":1}]} -> 201
POST /api/v1/receipts/1/cancel/ {"motif":"erreur"} -> 200 ~^\{"id":1,"lieu":2,"fournisseur":"f","reference":"r","statut":"annulee","date_reception":"T","recue_par":"deux","date_annulation":"T","annulee_par":"deux","lignes":\[\{"produit":4,
POST /api/v1/receipts/1/cancel/ -> 409 {"detail":"La réception est déjà annulée.","statut":"annulee"}
GET /api/v1/receipts/1/ -> 200 ~"statut":"annulee"
GET /api/v1/stores/2/stock/4/ -> 200 {"magasin":2,"produit":4,"quantite":22,"disponible":22}
GET /api/v1/stores/2/stock/2/ -> 200 {"magasin":2,"produit":2,"quantite":0,"disponible":0}
--- database
SELECT type, produit_id, delta, quantite, reference, motif FROM journal WHERE type = 'reception_annulation' ORDER BY produit_id -> reception_annulation|2|-5|0|reception/1|erreur reception_annulation|4|-11|22|reception/1|erreur
SELECT type, magasin_id, details ->> 'statut' FROM journal WHERE type = 'reception_modification' -> reception_modification|2|["recue", "annulee"]


=== TEST 5: not where they are gone; nothing of it then
--- init: MagasinTest::reset();
--- calls
POST /api/v1/receipts/ {"lieu":2,"fournisseur":"f","reference":"r","lignes":[{"produit":4,"quantite":1},{"produit":2,"quantite":5},{"produit":3,"quantite":6}]} -> 201
POST /api/v1/stores/2/stock/2/adjust/ {"delta":-2} -> 200
POST /api/v1/stores/2/stock/3/adjust/ {"delta":-6} -> 200
POST /api/v1/receipts/1/cancel/ -> 409 {"detail":"Stock insuffisant·: Souris optique (demandé 5, disponible 3), Tapis de souris XL (demandé 6, disponible 0).","produits":[{"produit":2,"nom":"Souris optique","demande":5,"disponible":3},{"produit":3,"nom":"Tapis de souris XL","demande":6,"disponible":0}]}
GET /api/v1/stores/2/stock/4/ -> 200 {"magasin":2,"produit":4,"quantite":23,"disponible":23}
GET /api/v1/receipts/1/ -> 200 ~"statut":"recue"
POST /api/v1/stores/2/stock/2/adjust/ {"delta":2} -> 200
POST /api/v1/stores/2/stock/3/adjust/ {"delta":6} -> 200
POST /api/v1/receipts/1/cancel/ -> 200 ~"statut":"annulee"


=== TEST 6: the list, newest first
--- init
MagasinTest::reset(map { "INSERT INTO reception (id, magasin_id, fournisseur, reference) VALUES ($_)" } "1, 1, 'f', 'A'", "2, 2, 'f', 'B'", "3, NULL, 'f', 'A'", "4, 1, 'f', 'C'");
--- response_body_filters: ids
--- gets
/api/v1/receipts/ -> 200 4 3 2 1 .
/api/v1/receipts/?limit=3 -> 200 4 3 2 >
/api/v1/receipts/?magasin=1 -> 200 4 1 .
/api/v1/receipts/?magasin=1&limit=1 -> 200 4 >
/api/v1/receipts/?magasin=9 -> 200 .
/api/v1/receipts/?reference=A -> 200 3 1 .
/api/v1/receipts/?reference=a -> 200 .
/api/v1/receipts/?magasin=1&reference=A -> 200 1 .
/api/v1/receipts/?magasin=x -> 400 {"magasin":["Un nombre entier valide est requis."]}
/api/v1/receipts/?limit=0 -> 400 ~^\{"limit":
/api/v1/receipts/?cursor=abc -> 400 {"cursor":["Curseur non valide."]}


=== TEST 7: a row of the list has no lines
--- gets
/api/v1/receipts/?limit=1 -> 200 ~"results":\[\{"id":4,"lieu":1,"fournisseur":"f","reference":"C","statut":"recue","date_reception":"[^"]+","recue_par":null,"date_annulation":null,"annulee_par":null\}\]\}$


=== TEST 8: a key
--- init: MagasinTest::reset();
--- request eval
[(map { "POST /api/v1/receipts/\n" . main::receipt(2, 4, 3) } 1, 2), "POST /api/v1/receipts/\n" . main::receipt(2, 4, 4), "POST /api/v1/receipts/1/cancel/", "POST /api/v1/receipts/\n" . main::receipt(99, 4, 3), "POST /api/v1/receipts/\n" . main::receipt(99, 4, 3)]
--- more_headers eval
[(map { "$::deux\nIdempotency-Key: r-1" } 1 .. 4), (map { "$::deux\nIdempotency-Key: r-2" } 1, 2)]
--- error_code eval: [201, 201, 422, 422, 400, 400]
--- response_headers eval
['Location: /api/v1/receipts/1/', 'Location: /api/v1/receipts/1/', ('Cache-Control: no-store') x 4]
--- database
SELECT quantite FROM stock_local WHERE magasin_id = 2 AND produit_id = 4 -> 25
SELECT count(*) FROM reception -> 1


=== TEST 9: conditions
--- init: MagasinTest::reset(@MagasinRoutes::Rows);
--- request eval
['GET /api/v1/receipts/1/', "POST /api/v1/receipts/1/cancel/", "POST /api/v1/receipts/\n" . main::receipt(2, 4, 3)]
--- more_headers eval
['If-None-Match: *', map { "$::deux\n$_" } 'If-Match: "a"', 'If-None-Match: *']
--- error_code eval: [304, 412, 412]
--- response_headers_like eval: ['ETag: "[0-9a-f]{32}"', ('Cache-Control: no-store') x 2]


=== TEST 10: bodies
--- bodies
{} -> lieu required, fournisseur required, reference required, lignes required
{"lieu":1,"fournisseur":"f","reference":"r"} -> lignes required
{"fournisseur":"f","reference":"r","lignes":[{"produit":4,"quantite":1}]} -> lieu required
{"lieu":0,"fournisseur":"f","reference":"r","lignes":[{"produit":4,"quantite":1}]} -> lieu min1
{"lieu":"x","fournisseur":"","reference":null,"lignes":[]} -> ~^\{"lieu":\["Un nombre entier valide est requis."\],"fournisseur":\["Ce champ ne peut être vide."\],"reference":\["Ce champ ne peut être nul."\],"lignes":\["Cette liste ne peut pas être vide."\]\}$
{"lieu":1,"fournisseur":"f","reference":"r","lignes":{}} -> ~^\{"lignes":\["Attendait une liste d'éléments."\]\}$
{"lieu":1,"fournisseur":"f","reference":"r","lignes":[{"produit":4,"quantite":0},{"produit":4,"quantite":1,"cout_unitaire":"-1"},3,{"produit":4,"quantite":1,"prix":"1"}]} -> ~^\{"lignes":\[\{"quantite":\["[^"]+"\]\},\{"cout_unitaire":\["[^"]+"\]\},\{"non_field_errors":\["[^"]+"\]\},\{"prix":\["Champ inconnu."\]\}\]\}$
{"lieu":1,"fournisseur":"f","reference":"r","lignes":[{"produit":4,"quantite":1}],"x":1} -> x unknown
[] -> ~^\{"non_field_errors"


=== TEST 11: a thousand lines, and one too many
--- init: MagasinTest::reset();
--- more_headers eval: $::deux
--- request eval
[map { "POST /api/v1/receipts/\n" . main::lines($_) } 1000, 1001]
--- error_code eval: [201, 400]
--- response_body_like eval
['"lignes":\[(\{"produit":\d+,"quantite":1,"cout_unitaire":null\},?){1000}\]', 'pas plus de 1000']
--- database
SELECT sum(delta) FROM journal WHERE type = 'reception' AND magasin_id = 3 -> 1000


=== TEST 12: who may: stock in its stores, reapprovisionnement in the centre
--- init: MagasinTest::reset(@MagasinRoutes::Rows, q{INSERT INTO reception (id, magasin_id, fournisseur, reference) VALUES (2, NULL, 'f', 'r'), (3, 2, 'f', 'r')}, 'INSERT INTO reception_ligne (reception_id, produit_id, quantite) VALUES (2, 4, 1), (3, 4, 1)', q{SELECT setval('reception_id_seq', 3)});
--- request eval
[(map { "POST /api/v1/receipts/\n" . main::receipt($_->[0], 4, 1) } [1], ['null'], [1], ['null'], [1], [2], ['null']),
 (map { "POST /api/v1/receipts/$_/cancel/" } 1, 2, 1, 2, 3, 2), 'GET /api/v1/receipts/3/']
--- more_headers eval
['', (map { MagasinTest::as($_) } qw(quai siege autre un un un  siege quai autre un un autre quai))]
--- error_code eval
[401, 403, 403, 403, 201, 403, 403, 403, 403, 403, 403, 403, 403, 200]
--- database
SELECT count(*) FROM reception WHERE statut = 'annulee' -> 0


=== TEST 13: the centre by who may
--- init: MagasinTest::reset();
--- request eval
[(map { "POST /api/v1/receipts/\n" . main::receipt('null', 4, 1) } 1), 'POST /api/v1/receipts/1/cancel/']
--- more_headers eval: MagasinTest::as('siege')
--- error_code eval: [201, 200]


=== TEST 14: a product that was received is archived, and not deleted
--- init: MagasinTest::reset(q{INSERT INTO produit (id, nom, categorie, prix) VALUES (50, 'Neuf', 'Lot', 1)});
--- request eval
["POST /api/v1/receipts/\n" . main::receipt(1, 50, 1), 'DELETE /api/v1/products/50/', 'POST /api/v1/receipts/1/cancel/']
--- more_headers eval: [$::deux, MagasinTest::as('autre'), $::deux]
--- error_code eval: [201, 204, 200]
--- database
SELECT archive_le IS NOT NULL FROM produit WHERE id = 50 -> t
SELECT quantite FROM stock_local WHERE produit_id = 50 -> 0
