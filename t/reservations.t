# /api/v1/reservations/: units that are held for somebody, and what is left for
# the others.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;
use MagasinNginx;
use MagasinRoutes;

$ENV{TEST_NGINX_TOKENS} = MagasinTest::tokens(
    caisse => 'ventes,stock,produits',
    un     => 'ventes magasins=1',
    deux   => 'ventes magasins=2',
    chef   => 'ventes,inventaire',
    quai   => 'stock,prix,inventaire',
);

our $caisse = MagasinTest::as('caisse');

# `--- bodies` is a table of bodies that are refused.  A path before the body
# is that of another request than a new reservation.
MagasinTest::each_block(sub {
    my ($block) = @_;

    my $table = $block->bodies;
    return unless defined $table;

    my $calls = '';
    for my $line (grep {/\S/} split /\n/, $table) {
        my ($path, $sent, $errors)
            = $line =~ /^(?:(\w[\w\/]*\/) )?(.*?)\s*->\s+(.*?)\s*$/
            or die "bad line in bodies: $line\n";
        $calls .= 'POST /api/v1/' . ($path // 'reservations/')
            . " $sent -> 400 "
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

# hold(STORE, PRODUCT, QUANTITY, SECONDS): SQL that makes a reservation which
# ends in so many seconds.  Below 0 its time is over, and nobody has seen it.
sub hold {
    my ($store, $product, $quantity, $seconds) = @_;
    my $ends = "now() + interval '$seconds seconds'";
    return "WITH d AS (INSERT INTO reservation (magasin_id, date_reservation,"
        . " expire_le, total) VALUES ($store, now() - interval '1 day', $ends,"
        . ' 10) RETURNING id), s AS (UPDATE stock_local SET retenu = retenu'
        . " + $quantity WHERE magasin_id = $store AND produit_id = $product)"
        . ' INSERT INTO reservation_ligne (reservation_id, produit_id,'
        . ' magasin_id, expire_le, quantite, prix_unitaire)'
        . " SELECT id, $product, $store, $ends, $quantity, 5 FROM d";
}

# What is wrong with the counters.
our $wrong = 'SELECT count(*) FROM retenu_ecarts()';

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();
MagasinTest::gets();
MagasinTest::calls(more_headers => $caisse);
MagasinTest::databases();

run_tests();


# Many at once want the same 30 units: none is held or sold twice, and what is
# not claimed is there again.
{
    MagasinTest::reset();
    my $nginx = MagasinNginx->start(workers => 2);
    my $ask = sub {
        my ($path, $body) = @_;
        return "POST /api/v1/$path HTTP/1.1\r\nHost: localhost\r\n"
            . "Authorization: Token secret-caisse\r\n"
            . "Content-Type: application/json\r\n"
            . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
    };
    my $lines = '"magasin":1,"lignes":[{"produit":4,"quantite":1}]';
    my @requests = map { (
        $ask->('reservations/', "{$lines}"),
        $ask->("reservations/$_/" . ($_ % 3 ? 'claim/' : 'release/'), ''),
        $_ % 4 ? () : $ask->('sales/', "{$lines}") ) } 1 .. 60;
    my $load = $nginx->load(connections => 16, requests => \@requests);
    ok(MagasinNginx::wait_for(sub {
            MagasinTest::sql("SELECT count(*) FROM reservation"
                . " WHERE statut = 'reclamee'") > 0
        }), 'rush: some were claimed');
    my $count = $load->finish;

    is($count->{failed}, 0, 'rush: each request has an answer');
    is(join(' ', grep { !/^(?:200|201|404|409)$/ && $count->{$_} }
            grep {/^\d+$/} sort keys %$count), '', 'rush: and no other than these');
    is(MagasinTest::sql('SELECT 30 - quantite FROM stock_local WHERE'
            . ' magasin_id = 1 AND produit_id = 4'),
        MagasinTest::sql('SELECT sum(l.quantite) FROM ligne_vente l JOIN vente'
            . ' v ON v.id = l.vente_id WHERE magasin_id = 1 AND produit_id = 4'
            . ' AND v.id > 6'), 'rush: what is gone was sold');
    is(MagasinTest::sql("SELECT count(*) FROM reservation WHERE statut ="
            . " 'reclamee'"),
        MagasinTest::sql('SELECT count(DISTINCT vente_id) FROM reservation'),
        'rush: each claim is one sale');
    is(MagasinTest::sql($wrong), 0, 'rush: the counters are right');
    ok($nginx->stop, 'a graceful stop');
    is($nginx->complaints, '', 'nothing alarming in the log');
}


# Reservations are kept.  A page reads its own rows, by whatever it is asked
# for, and not all that a store has ever had.
{
    MagasinTest::reset(
        'INSERT INTO reservation (magasin_id, reference, expire_le, total)'
            . " SELECT 1 + n % 5, CASE WHEN n % 3 = 0 THEN 'r' || n % 4500 END,"
            . " now() + interval '1 hour', 1 FROM generate_series(1, 9000) n");
    MagasinTest::psql('-c', 'VACUUM ANALYZE reservation');
    my %parameters = (
        reservations                 => 'NULL, NULL',
        reservations_reference       => "NULL, 'r900'",
        reservations_store           => '1, NULL',
        reservations_store_reference => "1, 'r900'",
    );
    for my $statement (sort keys %parameters) {
        my $file = "$MagasinTest::Top/sql/statements/$statement.sql";
        my $text = do { local (@ARGV, $/) = $file; <> };
        my $plan = MagasinTest::sql(
            'SET LOCAL plan_cache_mode = force_generic_plan',
            "PREPARE liste (bigint, text, int, bigint) AS $text",
            "EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off)"
                . " EXECUTE liste ($parameters{$statement}, 5, NULL)",
            'DEALLOCATE liste');
        my ($rows) = $plan =~ /Index Scan.*?rows=(\d+)/;
        ok($rows && $rows <= 5 && $plan !~ /Removed by Filter|Seq Scan|Sort/,
            "the plan of $statement") or diag($plan);
    }
}

MagasinTest::reset();

__DATA__

=== TEST 1: units are held; the quantity stays
--- init: MagasinTest::reset();
--- more_headers eval: $::caisse
--- request
POST /api/v1/reservations/
{"magasin":1,"lignes":[{"produit":9,"quantite":3},{"produit":4,"quantite":5},{"produit":9,"quantite":1}],"duree":60,"reference":"panier 7"}
--- error_code: 201
--- response_body_like chomp
\A\{"id":1,"magasin":1,"reference":"panier 7","statut":"retenue","date_reservation":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z","expire_le":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z","reservee_par":"caisse","date_cloture":null,"cloture_par":null,"vente":null,"total":"105.95","lignes":\[\{"produit":4,"quantite":5,"prix_unitaire":"15.99"\},\{"produit":9,"quantite":4,"prix_unitaire":"6.50"\}\]\}\z
--- response_headers
Content-Type: application/json
Location: /api/v1/reservations/1/
Cache-Control: no-store
Allow: GET, POST, HEAD, OPTIONS
--- database
SELECT quantite, retenu FROM stock_local WHERE magasin_id = 1 AND produit_id = 4 -> 30|5
SELECT expire_le - date_reservation FROM reservation -> 00:01:00
SELECT type, magasin_id, produit_id, delta, reference, details FROM journal WHERE acteur = 'caisse' ORDER BY produit_id -> reservation|1|4||reservation/1|{"retenu": 5} reservation|1|9||reservation/1|{"retenu": 4}
SELECT count(*) FROM retenu_ecarts() -> 0
--- no_error_log
[error]


=== TEST 2: what is held is seen everywhere, and not sold
--- init
MagasinTest::reset("UPDATE stock_local SET quantite = 9 WHERE magasin_id = 1 AND produit_id = 4", 'INSERT INTO seuil VALUES (1, 4, 5, 20)');
--- calls
POST /api/v1/reservations/ {"magasin":1,"lignes":[{"produit":4,"quantite":6}]} -> 201
GET /api/v1/stores/1/stock/4/ -> 200 {"magasin":1,"produit":4,"quantite":9,"disponible":3}
GET /api/v1/products/4/availability/ -> 200 ~\{"magasin":1,"nom":"Magasin Centre-Ville","quantite":9,"disponible":3\},\{"magasin":2,"nom":"Magasin Nord","quantite":(\d+),"disponible":\1\}
GET /api/v1/stores/1/items/?q=premium -> 200 ~"produit":4,"nom":"Café Premium Bio","code":null,"quantite":9,"disponible":3,"retenu":6,
GET /api/v1/stores/1/items/ -> 200 ~"produit":4,"nom":"Café Premium Bio","code":null,"quantite":9,"disponible":3,"retenu":6,
GET /api/v1/stores/1/items/?sous_minimum=true -> 200 ~"produit":4,.*"disponible":3,"retenu":6,
GET /api/v1/stores/1/reorder/ -> 200 ~"produit":4,"nom":"Café Premium Bio","code":null,"disponible":3,"en_transit":0,"demande":0,"minimum":5,"maximum":20,"suggere":17,
GET /api/v1/stores/1/stock/ -> 200 ~"nom":"Café Premium Bio","quantite":9\}
GET /api/v1/stores/1/stock/list/?quantite=9 -> 200 ~"quantite":9,
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":4}]} -> 409 {"detail":"Stock insuffisant·: Café Premium Bio (demandé 4, disponible 3).","produits":[{"produit":4,"nom":"Café Premium Bio","demande":4,"disponible":3}]}
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":9,"quantite":1},{"produit":4,"quantite":4}]} -> 409 ~"demande":4,"disponible":3
POST /api/v1/reservations/ {"magasin":1,"lignes":[{"produit":4,"quantite":4}]} -> 409 {"detail":"Stock insuffisant·: Café Premium Bio (demandé 4, disponible 3).","produits":[{"produit":4,"nom":"Café Premium Bio","demande":4,"disponible":3}]}
POST /api/v1/transfers/ {"de":1,"vers":2,"lignes":[{"produit":4,"quantite":4}]} -> 409 ~"demande":4,"disponible":3
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":2}]} -> 201
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":9,"quantite":1},{"produit":4,"quantite":1}]} -> 201
GET /api/v1/stores/1/stock/4/ -> 200 {"magasin":1,"produit":4,"quantite":6,"disponible":0}
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":1}]} -> 409 ~"disponible":0
POST /api/v1/reservations/1/claim/ -> 201 ~"lignes":\[\{"produit":4,"quantite":6,
GET /api/v1/stores/1/stock/4/ -> 200 {"magasin":1,"produit":4,"quantite":0,"disponible":0}
--- database
SELECT count(*) FROM retenu_ecarts() -> 0


=== TEST 3: a claim is a sale, at the prices of the reservation, once
--- init: MagasinTest::reset();
--- calls
POST /api/v1/reservations/ {"magasin":1,"lignes":[{"produit":4,"quantite":2},{"produit":9,"quantite":1}],"duree":30} -> 201
PUT /api/v1/products/4/ {"prix":"99.99"} -> 200
POST /api/v1/reservations/1/claim/ -> 201 {"id":7,"magasin":1,"date_vente":"T","total":"38.48","lignes":[{"produit":4,"quantite":2,"prix_unitaire":"15.99"},{"produit":9,"quantite":1,"prix_unitaire":"6.50"}]}
GET /api/v1/sales/7/ -> 200 {"id":7,"magasin":1,"date_vente":"T","total":"38.48","lignes":[{"produit":4,"quantite":2,"prix_unitaire":"15.99"},{"produit":9,"quantite":1,"prix_unitaire":"6.50"}]}
GET /api/v1/reservations/1/ -> 200 {"id":1,"magasin":1,"reference":null,"statut":"reclamee","date_reservation":"T","expire_le":"T","reservee_par":"caisse","date_cloture":"T","cloture_par":"caisse","vente":7,"total":"38.48","lignes":[{"produit":4,"quantite":2,"prix_unitaire":"15.99"},{"produit":9,"quantite":1,"prix_unitaire":"6.50"}]}
POST /api/v1/reservations/1/claim/ -> 409 {"detail":"La réservation est déjà réclamée.","statut":"reclamee"}
POST /api/v1/reservations/1/release/ -> 409 {"detail":"La réservation est déjà réclamée.","statut":"reclamee"}
GET /api/v1/stores/1/stock/4/ -> 200 {"magasin":1,"produit":4,"quantite":28,"disponible":28}
--- database
SELECT type, produit_id, delta, quantite, reference, details FROM journal WHERE acteur = 'caisse' AND reference LIKE 'vente/%' OR type LIKE 'reservation_%' ORDER BY id -> vente_creation||||vente/7| vente|4|-2|28|vente/7| vente|9|-1|27|vente/7| reservation_reclamee||||reservation/1|{"vente": 7}
SELECT etat FROM reservation_ligne -> reclame reclame
SELECT count(*) FROM retenu_ecarts() -> 0
SELECT count(*) FROM cumul_ecarts() -> 0
SELECT count(*) FROM compte_ecarts() -> 0


=== TEST 4: a release gives back, once
--- init: MagasinTest::reset();
--- calls
POST /api/v1/reservations/ {"magasin":1,"lignes":[{"produit":4,"quantite":2}],"reference":"r"} -> 201
POST /api/v1/reservations/1/release/ -> 200 {"id":1,"magasin":1,"reference":"r","statut":"rendue","date_reservation":"T","expire_le":"T","reservee_par":"caisse","date_cloture":"T","cloture_par":"caisse","vente":null,"total":"31.98","lignes":[{"produit":4,"quantite":2,"prix_unitaire":"15.99"}]}
POST /api/v1/reservations/1/release/ -> 409 {"detail":"La réservation est déjà rendue.","statut":"rendue"}
POST /api/v1/reservations/1/claim/ -> 409 {"detail":"La réservation est déjà rendue.","statut":"rendue"}
GET /api/v1/stores/1/stock/4/ -> 200 {"magasin":1,"produit":4,"quantite":30,"disponible":30}
--- database
SELECT type, produit_id, details FROM journal WHERE type LIKE 'reservation_%' -> reservation_rendue|4|{"retenu": -2}
SELECT retenu FROM stock_local WHERE magasin_id = 1 AND produit_id = 4 -> 0


=== TEST 5: one that is over holds nothing, though nobody has swept it up
--- init: MagasinTest::reset(main::hold(1, 4, 25, -1), main::hold(1, 4, 2, 60));
--- calls
GET /api/v1/stores/1/stock/4/ -> 200 {"magasin":1,"produit":4,"quantite":30,"disponible":28}
GET /api/v1/products/4/availability/ -> 200 ~"magasin":1,"nom":"[^"]+","quantite":30,"disponible":28\}
GET /api/v1/stores/1/items/ -> 200 ~"produit":4,[^}]*"quantite":30,"disponible":28,"retenu":2,
GET /api/v1/reservations/1/ -> 200 ~"statut":"expiree",.*"date_cloture":null
GET /api/v1/reservations/ -> 200 ~"id":2,"magasin":1,"reference":null,"statut":"retenue".*"id":1,"magasin":1,"reference":null,"statut":"expiree"
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":29}]} -> 409 ~"disponible":28
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":28}]} -> 201
POST /api/v1/reservations/1/claim/ -> 409 {"detail":"La réservation a expiré.","statut":"expiree"}
POST /api/v1/reservations/1/claim/ -> 409 {"detail":"La réservation a expiré.","statut":"expiree"}
POST /api/v1/reservations/2/claim/ -> 201
--- database
SELECT type, produit_id, reference, details FROM journal WHERE type = 'reservation_expiree' -> reservation_expiree|4|reservation/1|{"retenu": -25}
SELECT count(*) FROM retenu_ecarts() -> 0


=== TEST 6: whoever writes marks what is over
--- init
MagasinTest::reset(map { main::hold(1, $_, 2, -1) } 4, 9, 1, 2);
--- calls
POST /api/v1/stores/1/stock/4/adjust/ {"delta":-30} -> 200 {"magasin":1,"produit":4,"quantite":0,"disponible":0}
POST /api/v1/transfers/ {"de":1,"vers":2,"lignes":[{"produit":9,"quantite":28}]} -> 201
POST /api/v1/reservations/3/release/ -> 409 {"detail":"La réservation a expiré.","statut":"expiree"}
POST /api/v1/reservations/4/claim/ -> 409 {"detail":"La réservation a expiré.","statut":"expiree"}
--- database
SELECT etat FROM reservation_ligne ORDER BY 1 -> rendu rendu rendu rendu
SELECT sum(retenu) FROM stock_local -> 0


=== TEST 6.1: the reason of who meets it is not one of the reservation
--- init
MagasinTest::reset(map { main::hold(1, $_, 2, -1) } 4, 9);
--- calls
POST /api/v1/transfers/ {"de":1,"vers":2,"lignes":[{"produit":9,"quantite":1},{"produit":4,"quantite":1}],"motif":"rayon vide"} -> 201
--- database
SELECT produit_id, motif FROM journal WHERE type = 'reservation_expiree' ORDER BY 1 -> 4| 9|
SELECT count(*) FROM journal WHERE motif = 'rayon vide' -> 3


=== TEST 7: the mark decides, also when the clock is set back
--- init
MagasinTest::reset(main::hold(1, 4, 2, -1), 'SELECT retenues_echoir(array_agg(id)) FROM stock_local', "UPDATE reservation SET expire_le = now() + interval '1 hour'", "UPDATE reservation_ligne SET expire_le = now() + interval '1 hour'");
--- calls
GET /api/v1/reservations/1/ -> 200 ~"statut":"expiree"
GET /api/v1/stores/1/stock/4/ -> 200 ~"disponible":30
POST /api/v1/reservations/1/claim/ -> 409 ~"statut":"expiree"
GET /api/v1/stores/1/stock/4/ -> 200 ~"quantite":30,"disponible":30


=== TEST 8: of two lines one was marked: none can be claimed, and both are free
--- init
MagasinTest::reset();
--- calls
POST /api/v1/reservations/ {"magasin":1,"lignes":[{"produit":4,"quantite":2},{"produit":9,"quantite":3}]} -> 201
--- database
UPDATE reservation_ligne SET etat = 'rendu' WHERE produit_id = 4 -> 
UPDATE stock_local SET retenu = 0 WHERE magasin_id = 1 AND produit_id = 4 -> 


=== TEST 9: and so on
--- calls
POST /api/v1/reservations/1/claim/ -> 409 ~"statut":"expiree"
GET /api/v1/stores/1/stock/9/ -> 200 {"magasin":1,"produit":9,"quantite":28,"disponible":28}
--- database
SELECT count(*) FROM retenu_ecarts() -> 0
--- init: 1


=== TEST 10: breakage goes below what is held; then the claim has not enough
--- init: MagasinTest::reset();
--- calls
POST /api/v1/reservations/ {"magasin":1,"lignes":[{"produit":4,"quantite":20}]} -> 201
POST /api/v1/reservations/ {"magasin":1,"lignes":[{"produit":4,"quantite":10}]} -> 201
POST /api/v1/stores/1/stock/4/adjust/ {"quantite":15,"attendu":30} -> 200 {"magasin":1,"produit":4,"quantite":15,"disponible":0}
GET /api/v1/stores/1/stock/4/ -> 200 {"magasin":1,"produit":4,"quantite":15,"disponible":0}
POST /api/v1/reservations/1/claim/ -> 409 {"detail":"Stock insuffisant·: Café Premium Bio (demandé 20, disponible 15).","produits":[{"produit":4,"nom":"Café Premium Bio","demande":20,"disponible":15}]}
POST /api/v1/reservations/2/claim/ -> 201
POST /api/v1/stores/1/stock/4/adjust/ {"delta":15} -> 200 {"magasin":1,"produit":4,"quantite":20,"disponible":0}
POST /api/v1/reservations/1/claim/ -> 201
--- database
SELECT quantite, retenu FROM stock_local WHERE magasin_id = 1 AND produit_id = 4 -> 0|0


=== TEST 11: what cannot be reserved
--- init: MagasinTest::reset('UPDATE produit SET archive_le = now() WHERE id = 5', 'UPDATE magasin SET ouvert = false WHERE id = 2');
--- calls
POST /api/v1/reservations/ {"magasin":99,"lignes":[{"produit":4,"quantite":1}]} -> 400 {"magasin":["Clé primaire «·99·» non valide - l'objet n'existe pas."]}
POST /api/v1/reservations/ {"magasin":1,"lignes":[{"produit":4,"quantite":1},{"produit":99,"quantite":1}]} -> 400 {"lignes":[{},{"produit":["Clé primaire «·99·» non valide - l'objet n'existe pas."]}]}
POST /api/v1/reservations/ {"magasin":1,"lignes":[{"produit":5,"quantite":1}]} -> 409 ~"detail":"Produit archivé
POST /api/v1/reservations/ {"magasin":2,"lignes":[{"produit":4,"quantite":1}]} -> 409 {"detail":"Le magasin «·Magasin Nord·» est fermé.","magasin":2}
GET /api/v1/reservations/99/ -> 404 Réservation avec ID 99 introuvable.
POST /api/v1/reservations/99/claim/ -> 404 Réservation avec ID 99 introuvable.
POST /api/v1/reservations/99/release/ -> 404 Réservation avec ID 99 introuvable.
POST /api/v1/reservations/9223372036854775808/claim/ -> 404 ~"status":404
POST /api/v1/reservations/9223372036854775808/release/ -> 404 ~"status":404
--- unchanged


=== TEST 12: a store that was closed meanwhile does not sell; it gives back
--- init: MagasinTest::reset(main::hold(1, 4, 2, 60), main::hold(1, 4, 1, 60), 'UPDATE magasin SET ouvert = false WHERE id = 1');
--- calls
POST /api/v1/reservations/1/claim/ -> 409 {"detail":"Le magasin «·Magasin Centre-Ville·» est fermé.","magasin":1}
POST /api/v1/reservations/2/release/ -> 200 ~"statut":"rendue"


=== TEST 13: a product that was archived meanwhile was promised
--- init: MagasinTest::reset(main::hold(1, 4, 2, 60), main::hold(5, 15, 1, 60));
--- calls
DELETE /api/v1/products/4/ -> 204
POST /api/v1/reservations/1/claim/ -> 201 ~"total":"10.00","lignes":\[\{"produit":4,"quantite":2,"prix_unitaire":"5.00"\}\]


=== TEST 14: a key
--- init: MagasinTest::reset();
--- request eval
[(map { qq(POST /api/v1/reservations/\n{"magasin":1,"lignes":[{"produit":4,"quantite":$_}]}) } 3, 3, 4), (map { 'POST /api/v1/reservations/1/claim/' } 1, 2), 'POST /api/v1/reservations/1/release/']
--- more_headers eval
[(map { "$::caisse\nIdempotency-Key: r-1" } 1 .. 3), (map { "$::caisse\nIdempotency-Key: r-2" } 1 .. 3)]
--- error_code eval: [201, 201, 422, 201, 201, 422]
--- database
SELECT quantite, retenu FROM stock_local WHERE magasin_id = 1 AND produit_id = 4 -> 27|0
SELECT count(*) FROM reservation -> 1
SELECT count(*) FROM vente WHERE id > 6 -> 1


=== TEST 15: conditions
--- init: MagasinTest::reset(main::hold(1, 4, 2, 3600));
--- request eval: ['GET /api/v1/reservations/1/', map { "POST /api/v1/reservations/1/$_/" } qw(claim release)]
--- more_headers eval: ['If-None-Match: *', map { "$::caisse\nIf-Match: \"a\"" } 1, 2]
--- error_code eval: [304, 412, 412]


=== TEST 16: the tag of a stock row has both; a condition may name the quantity
--- init: MagasinTest::reset(main::hold(1, 4, 2, 3600), main::hold(1, 9, 1, -5));
--- request eval
['GET /api/v1/stores/1/stock/4/', 'GET /api/v1/stores/1/stock/9/', 'GET /api/v1/stores/1/stock/1/', 'GET /api/v1/stock/central/4/', map { "POST /api/v1/stores/1/stock/4/adjust/\n$_" } ('{"delta":-1}') x 7]
--- more_headers eval
['', '', '', '', map { "$::caisse\n$_" } 'If-Match: "30-30"', 'If-Match: "31"', 'If-Match: "30-28"', 'If-Match: "29"', 'If-Match: "7", "28-26"', 'If-None-Match: "27-25"', 'If-None-Match: "27"']
--- error_code eval: [(200) x 4, 412, 412, 200, 200, 200, 412, 412]
--- response_headers eval
['ETag: "30-28"', 'ETag: "28-28"', 'ETag: "20-20"', 'ETag: "400"', '! ETag', '! ETag', 'ETag: "29-27"', 'ETag: "28-26"', 'ETag: "27-25"', '! ETag', '! ETag']


=== TEST 17: the list, newest first
--- init
MagasinTest::reset((map { main::hold($_, 4, 1, 3600) } 1, 2, 1), main::hold(1, 9, 1, -1), "UPDATE reservation SET reference = 'a' WHERE id IN (1, 2)");
--- response_body_filters: ids
--- gets
/api/v1/reservations/ -> 200 4 3 2 1 .
/api/v1/reservations/?limit=3 -> 200 4 3 2 >
/api/v1/reservations/?magasin=1 -> 200 4 3 1 .
/api/v1/reservations/?magasin=1&limit=1 -> 200 4 >
/api/v1/reservations/?reference=a -> 200 2 1 .
/api/v1/reservations/?magasin=1&reference=a -> 200 1 .
/api/v1/reservations/?magasin=9 -> 200 .
/api/v1/reservations/?magasin=x -> 400 {"magasin":["Un nombre entier valide est requis."]}


=== TEST 18: pages, by the links
--- init
MagasinTest::reset("INSERT INTO reservation (magasin_id, expire_le, total, reference) SELECT 1 + n % 2, now() + interval '1 day', 0, 'r' || n % 3 FROM generate_series(1, 12) n");
--- response_body_filters: ids
--- gets
/api/v1/reservations/?magasin=2 -> 200 11 9 7 5 3 1 .
/api/v1/reservations/?reference=r1 -> 200 10 7 4 1 .


=== TEST 19: bodies
--- init: MagasinTest::reset(main::hold(1, 4, 2, 3600));
--- bodies
{} -> magasin required, lignes required
{"magasin":1,"lignes":[]} -> lignes empty
{"magasin":1,"lignes":[{"produit":4,"quantite":1}],"duree":29} -> duree min30
{"magasin":1,"lignes":[{"produit":4,"quantite":1}],"duree":86401} -> duree max86400
{"magasin":1,"lignes":[{"produit":4,"quantite":1}],"duree":"x","reference":"","autre":1} -> duree integer, reference blank, autre unknown
{"magasin":1,"lignes":[{"produit":4,"quantite":0}]} -> ~^\{"lignes":\[\{"quantite":\["[^"]+"\]\}\]\}$
{"magasin":1,"lignes":[{"produit":4,"quantite":1,"prix_unitaire":"1"}]} -> ~^\{"lignes":\[\{"prix_unitaire":\["Champ inconnu."\]\}\]\}$
reservations/1/claim/ {"x":1} -> x unknown
reservations/1/release/ {"x":1} -> x unknown


=== TEST 20: a code in the place of a product
--- init: MagasinTest::reset("INSERT INTO produit_code (code, produit_id, interne) VALUES ('CAFE', 4, true)");
--- calls
POST /api/v1/reservations/ {"magasin":1,"lignes":[{"code":"CAFE","quantite":2}]} -> 201 ~"lignes":\[\{"produit":4,"quantite":2,"prix_unitaire":"15.99"\}\]
POST /api/v1/reservations/ {"magasin":1,"lignes":[{"code":"THE","quantite":2}]} -> 400 ~"code"
POST /api/v1/reservations/ {"magasin":1,"lignes":[{"code":"CAFE","produit":4,"quantite":2}]} -> 400


=== TEST 21: who may: who sells, in its stores
--- init: MagasinTest::reset((map { main::hold(1, 4, 1, 3600) } 1 .. 3), main::hold(2, 4, 1, 3600));
--- request eval
[(map { qq(POST /api/v1/reservations/\n{"magasin":$_,"lignes":[{"produit":4,"quantite":1}]}) } 1, 1, 2, 1), (map { "POST /api/v1/reservations/$_" } '1/claim/', '1/claim/', '4/claim/', '2/release/', '2/release/', '4/release/', '3/claim/'), 'POST /api/v1/reservations/4/claim/']
--- more_headers eval
[(map { MagasinTest::as($_) } qw(quai un un deux   deux un un deux un un quai)), '']
--- error_code eval: [403, 201, 403, 403, 403, 201, 403, 403, 200, 403, 403, 401]


=== TEST 22: a total that is expected
--- init: MagasinTest::reset();
--- calls
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":1},{"produit":9,"quantite":2},{"produit":4,"quantite":1}],"total_attendu":"44.97"} -> 409 {"detail":"Le total a changé·: 44.97 attendus, 44.98 à payer.","total_attendu":"44.97","total":"44.98","lignes":[{"produit":4,"quantite":2,"prix_unitaire":"15.99"},{"produit":9,"quantite":2,"prix_unitaire":"6.50"}]}
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":2},{"produit":9,"quantite":2}],"total_attendu":"44.98"} -> 201 ~"total":"44.98"
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":1}],"total_attendu":15.99} -> 201
PUT /api/v1/products/4/ {"prix":"16"} -> 200
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":1}],"total_attendu":"15.99"} -> 409 {"detail":"Le total a changé·: 15.99 attendus, 16.00 à payer.","total_attendu":"15.99","total":"16.00","lignes":[{"produit":4,"quantite":1,"prix_unitaire":"16.00"}]}
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":99,"quantite":1}],"total_attendu":"1"} -> 400 ~"lignes"
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":1000}],"total_attendu":"16000"} -> 409 ~"demande":1000
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":1}],"total_attendu":"x"} -> 400 !total_attendu number
--- database
SELECT quantite FROM stock_local WHERE magasin_id = 1 AND produit_id = 4 -> 27


=== TEST 23: goods in the customer's hand are sold though the record says 0
--- init: MagasinTest::reset('UPDATE stock_local SET quantite = 1 WHERE magasin_id = 1 AND produit_id = 4', main::hold(1, 9, 28, 3600));
--- more_headers eval: MagasinTest::as('chef')
--- calls
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":3}],"forcer":false} -> 409
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":3},{"produit":9,"quantite":2},{"produit":1,"quantite":1}],"forcer":true} -> 201 ~^\{"id":7,.*"total":"150.96"
POST /api/v1/sales/ {"magasin":2,"lignes":[{"produit":9,"quantite":2}],"forcer":true} -> 201 ~^\{"id":8,
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":99,"quantite":2}],"forcer":true} -> 400
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":1}],"forcer":true,"total_attendu":"1"} -> 409 ~"total":"15.99"
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":1}],"forcer":"peut-être"} -> 400
--- database
SELECT type, magasin_id, produit_id, delta, quantite, reference, motif FROM journal WHERE acteur = 'chef' ORDER BY id -> ajustement|1|4|2|3|vente/7|ecart_caisse ajustement|1|9|2|30|vente/7|ecart_caisse vente_creation|1||||vente/7| vente|1|4|-3|0|vente/7| vente|1|9|-2|28|vente/7| vente|1|1|-1|19|vente/7| ajustement|2|9|2|2|vente/8|ecart_caisse vente_creation|2||||vente/8| vente|2|9|-2|0|vente/8|
SELECT quantite, retenu FROM stock_local WHERE magasin_id = 1 AND produit_id = 9 -> 28|28
SELECT count(*) FROM cumul_ecarts() -> 0
SELECT count(*) FROM compte_ecarts() -> 0


=== TEST 24: and only who counts may force it
--- init: MagasinTest::reset();
--- request eval
[map { qq(POST /api/v1/sales/\n{"magasin":1,"lignes":[{"produit":4,"quantite":31}],"forcer":$_}) } 'true', 'true', 'false']
--- more_headers eval: [MagasinTest::as('caisse'), MagasinTest::as('quai'), MagasinTest::as('caisse')]
--- error_code eval: [403, 403, 409]
--- unchanged


=== TEST 25: the maintenance marks what is in nobody's way
--- init: MagasinTest::reset((map { main::hold(1, $_, 1, -1) } 1 .. 15), main::hold(1, 4, 2, 3600));
--- calls
GET /api/v1/reservations/1/ -> 200 ~"statut":"expiree"
--- database
SELECT reservations_balayer() -> f
SELECT sum(retenu) FROM stock_local -> 2
SELECT count(*) FROM reservation_ligne WHERE etat = 'retenu' -> 1
SELECT count(*) FROM journal WHERE type = 'reservation_expiree' -> 15
SELECT count(*) FROM retenu_ecarts() -> 0


=== TEST 26: an answer is right until the next line is over, not for the second after another one
--- init
MagasinTest::reset(main::hold(1, 4, 2, -1), main::hold(1, 4, 2, 3600));
--- calls
GET /api/v1/stores/1/stock/4/ -> 200 {"magasin":1,"produit":4,"quantite":30,"disponible":28}
--- database
UPDATE reservation_ligne SET expire_le = statement_timestamp() + interval '500 ms' WHERE expire_le > now() \; SELECT retenu_validite(1, 4, 4) -> 500
UPDATE reservation_ligne SET expire_le = statement_timestamp() + interval '7 s' WHERE expire_le > now() - interval '1 ms' \; SELECT retenu_validite(1, 4, 4) -> 1000
