# /api/v1/sales/{id}/returns/: goods of a sale come back, at the price that was
# paid, and never more than were sold.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;
use MagasinNginx;
use MagasinRoutes;

$ENV{TEST_NGINX_TOKENS} = MagasinTest::tokens(
    accueil => 'retours,ventes,stock',
    un      => 'retours magasins=1',
    deux    => 'retours magasins=2',
    autre   => 'produits,prix,ventes,stock,admin',
);

our $accueil = MagasinTest::as('accueil');

# `--- bodies` is a table of bodies that are refused, as of t/receipts.t.
MagasinTest::each_block(sub {
    my ($block) = @_;

    my $table = $block->bodies;
    return unless defined $table;

    my $calls = '';
    for my $line (grep {/\S/} split /\n/, $table) {
        my ($sent, $errors) = $line =~ /^(.*?)\s*->\s+(.*?)\s*$/
            or die "bad line in bodies: $line\n";
        $calls .= "POST /api/v1/sales/1/returns/ $sent -> 400 "
            . ($errors =~ /^[~{]/ ? "$errors\n" : "!$errors\n");
    }
    $block->set_value('calls',     $calls);
    $block->set_value('unchanged', '');
    return;
});

# A return of so many units of one product.
sub back {
    my ($product, $quantity, $restock) = @_;
    $restock //= 'true';
    return qq({"lignes":[{"produit":$product,"quantite":$quantity}],)
        . qq("remise_en_stock":$restock});
}

# The ids of a list, and whether there is more.
sub ids {
    my ($body) = @_;
    my ($link) = $body =~ /^\{"next":("[^"]*"|null),"results":\[.*\]\}$/s
        or return $body;
    my @ids = $body =~ /\{"id":(\d+),/g;
    return CORE::join ' ', @ids, $link eq 'null' ? '.' : '>';
}

# A sale with one product at three prices, and another product: sale 70.
our @prices = (
    "INSERT INTO vente (id, magasin_id, total) VALUES (70, 2, 60)",
    'INSERT INTO ligne_vente (id, vente_id, produit_id, quantite,'
        . ' prix_unitaire) VALUES (71, 70, 4, 2, 10), (72, 70, 8, 1, 3),'
        . ' (73, 70, 4, 3, 8), (74, 70, 4, 1, 13)',
);

# Many returns of one sale, of two lines each or of a thousand.
sub many {
    my ($n, $lines) = @_;
    return (
        "INSERT INTO vente (id, magasin_id, total) VALUES (80, 1, 1)",
        'INSERT INTO ligne_vente (id, vente_id, produit_id, quantite,'
            . " prix_unitaire) SELECT 1000 + l, 80, 4, $n, 1"
            . " FROM generate_series(1, $lines) l",
        'INSERT INTO retour (id, vente_id, magasin_id, remise_en_stock, total)'
            . " SELECT r, 80, 1, true, $lines FROM generate_series(1, $n) r",
        'INSERT INTO retour_ligne (retour_id, ligne_id, produit_id, quantite,'
            . ' prix_unitaire) SELECT r, 1000 + l, 4, 1, 1'
            . " FROM generate_series(1, $n) r, generate_series(1, $lines) l",
    );
}


log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();
MagasinTest::gets();
MagasinTest::calls(more_headers => $accueil);
MagasinTest::databases();

run_tests();


# Many at once: of each sale as much comes back as was sold and no more, whoever
# brings it, and with sales beside them no unit is lost or made.
{
    MagasinTest::reset('UPDATE stock_local SET quantite = 100000',
        'INSERT INTO vente (id, magasin_id, total)'
            . ' SELECT 1000 + n, 1, 50 FROM generate_series(1, 20) n',
        'INSERT INTO ligne_vente (vente_id, produit_id, quantite,'
            . ' prix_unitaire) SELECT 1000 + n, p, 5, 5'
            . ' FROM generate_series(1, 20) n, unnest(ARRAY[9, 4]) p');
    # Nobody is refused for the time that others take.
    my $nginx = MagasinNginx->start(workers => 2,
        database => 'timeout=40s lock_timeout=30s');
    my $ask = sub {
        my ($path, $body) = @_;
        return "POST /api/v1/$path HTTP/1.1\r\nHost: localhost\r\n"
            . "Authorization: Token secret-accueil\r\n"
            . "Content-Type: application/json\r\n"
            . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
    };
    my @requests = map { my $sale = 1000 + $_; (
        (map { $ask->("sales/$sale/returns/", '{"lignes":['
            . "{\"produit\":$_->[0],\"quantite\":2},"
            . "{\"produit\":$_->[1],\"quantite\":1}],"
            . "\"remise_en_stock\":$_->[2]}") }
            [ 9, 4, 'true' ], [ 4, 9, 'false' ], [ 9, 4, 'false' ]),
        $ask->('sales/', '{"magasin":1,"lignes":[{"produit":4,"quantite":1},'
            . '{"produit":9,"quantite":1}]}') ) } 1 .. 20;
    my $count = $nginx->load(connections => 16, seconds => 1,
        requests => \@requests)->finish;

    is($count->{failed}, 0, 'rush: each request has an answer');
    is(join(' ', grep { !/^(?:201|409)$/ && $count->{$_} }
            grep {/^\d+$/} sort keys %$count), '',
        'rush: and no other than these');
    is(MagasinTest::sql('SELECT count(*) FROM (SELECT l.id, l.quantite, sum(r.quantite) AS rendu'
        . ' FROM ligne_vente l LEFT JOIN retour_ligne r ON r.ligne_id = l.id'
        . ' WHERE vente_id BETWEEN 1001 AND 1020 GROUP BY l.id) l'
        . ' WHERE rendu > quantite'), 0, 'rush: never more than was sold');
    cmp_ok(MagasinTest::sql('SELECT count(*) FROM retour'), '>', 1,
        'rush: some came back');
    is(MagasinTest::sql('SELECT quantite - 100000 FROM stock_local'
        . ' WHERE magasin_id = 1 AND produit_id = 4'),
        MagasinTest::sql('SELECT (SELECT sum(quantite) FROM retour_ligne'
            . ' JOIN retour r ON r.id = retour_id WHERE remise_en_stock AND produit_id = 4)'
            . ' - (SELECT coalesce(sum(quantite), 0) FROM ligne_vente l JOIN vente v'
            . ' ON v.id = l.vente_id WHERE produit_id = 4 AND magasin_id = 1 AND v.id BETWEEN 7 AND 1000)'),
        'rush: what came back less what was sold is there');
    is(MagasinTest::sql("SELECT * FROM $_()"), '', "rush: $_")
        for qw(cumul_ecarts compte_ecarts compte_retour_ecarts);
    ok($nginx->stop, 'a graceful stop');
    is($nginx->complaints, '', 'nothing alarming in the log');
}

# What stands behind all of it, whoever writes.
sub refused {
    my ($name, @statements) = @_;
    MagasinTest::reset("SELECT FROM retour_creer(1, ARRAY[4], ARRAY[1], '', true,"
        . " NULL, 'x', NULL, NULL)", @prices);
    my $before = MagasinTest::checksum();
    is(eval { local *STDERR; MagasinTest::sql(@statements); 'done' }, undef,
        "psql: $name is refused");
    return is(MagasinTest::checksum(), $before, 'and nothing has changed');
}

my $line = 'INSERT INTO retour_ligne (retour_id, ligne_id, produit_id,'
    . ' quantite, prix_unitaire) VALUES';
refused('more than was sold', "$line (1, 2, 4, 2, 15.99)");
refused('a line of another sale', "$line (1, 71, 4, 1, 10)");
refused('another price',  "$line (1, 2, 4, 1, 16)");
refused('another product', "$line (1, 2, 5, 1, 15.99)");
refused('another store', 'INSERT INTO retour (id, vente_id, magasin_id,'
    . ' remise_en_stock, total) VALUES (9, 1, 2, true, 0)',
    "$line (9, 2, 4, 1, 15.99)");
refused('an old snapshot', 'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ',
    "$line (1, 1, 1, 1, 89.99)");
refused('a change of a return', 'UPDATE retour SET total = 0');
refused('a change of its line', 'UPDATE retour_ligne SET quantite = 2');
refused('another store of the sale', 'UPDATE vente SET magasin_id = 2 WHERE id = 1');
refused('another price of its line',
    'UPDATE ligne_vente SET prix_unitaire = 1 WHERE id = 2');
refused('fewer units than came back',
    'SET LOCAL session_replication_role = replica',
    'UPDATE ligne_vente SET quantite = 1 WHERE id = 2',
    'UPDATE ligne_vente SET produit_id = 5 WHERE id = 2');
refused('a deletion of the line', 'DELETE FROM ligne_vente WHERE id = 2');

MagasinTest::reset();

__DATA__

=== TEST 1: goods come back, at the price that was paid
--- init: MagasinTest::reset('UPDATE produit SET prix = 1 WHERE id = 1');
--- more_headers eval: $::accueil
--- request
POST /api/v1/sales/1/returns/
{"lignes":[{"produit":4,"quantite":1},{"produit":1,"quantite":"1"},{"produit":4,"quantite":1}],"motif":" trop petit ","remise_en_stock":true}
--- error_code: 201
--- response_body_like chomp
\A\{"id":1,"vente":1,"magasin":1,"date_retour":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z","repris_par":"accueil","motif":"trop petit","remise_en_stock":true,"total":"121\.97","lignes":\[\{"produit":1,"quantite":1,"prix_unitaire":"89\.99"\},\{"produit":4,"quantite":2,"prix_unitaire":"15\.99"\}\]\}\z
--- response_headers
Content-Type: application/json
! Location
Cache-Control: no-store
Allow: GET, POST, HEAD, OPTIONS
--- database
SELECT quantite FROM stock_local WHERE magasin_id = 1 AND produit_id = 4 -> 32
SELECT quantite FROM stock_local WHERE magasin_id = 1 AND produit_id = 1 -> 21
SELECT type, magasin_id, produit_id, delta, quantite, acteur, reference, motif, details FROM journal WHERE acteur = 'accueil' ORDER BY id -> retour_creation|1||||accueil|retour/1|trop petit|{"vente": 1} retour|1|1|1|21|accueil|retour/1|trop petit| retour|1|4|2|32|accueil|retour/1|trop petit|
SELECT retours, unites, total FROM (SELECT sum(retours) AS retours, sum(unites) AS unites, sum(total) AS total FROM compte_retour) c -> 1|3|121.97
--- no_error_log
[error]


=== TEST 2: what is written off: the journal shows both
--- init: MagasinTest::reset();
--- calls
POST /api/v1/sales/1/returns/ {"lignes":[{"produit":4,"quantite":2}],"motif":"cassé","remise_en_stock":false} -> 201 ~"remise_en_stock":false,"total":"31\.98"
GET /api/v1/stores/1/stock/4/ -> 200 {"magasin":1,"produit":4,"quantite":30,"disponible":30}
--- database
SELECT type, produit_id, delta, quantite, reference, motif FROM journal WHERE delta IS NOT NULL AND reference = 'retour/1' ORDER BY id -> retour|4|2|32|retour/1|cassé retour_perte|4|-2|30|retour/1|cassé


=== TEST 3: never more than was sold and not yet brought back
--- init: MagasinTest::reset();
--- calls
POST /api/v1/sales/1/returns/ {"lignes":[{"produit":1,"quantite":2}],"remise_en_stock":true} -> 201
POST /api/v1/sales/1/returns/ {"lignes":[{"produit":4,"quantite":1},{"produit":1,"quantite":2},{"produit":5,"quantite":1}],"remise_en_stock":true} -> 409 {"detail":"Retour impossible·: Clavier mécanique (demandé 2, vendu et pas encore rendu 1), Café Espresso Intenso (demandé 1, vendu et pas encore rendu 0).","produits":[{"produit":1,"nom":"Clavier mécanique","demande":2,"restant":1},{"produit":5,"nom":"Café Espresso Intenso","demande":1,"restant":0}]}
POST /api/v1/sales/1/returns/ {"lignes":[{"produit":1,"quantite":2147483647},{"produit":1,"quantite":2147483647}],"remise_en_stock":true} -> 409 ~"demande":4294967294,"restant":1\}\]\}$
POST /api/v1/sales/1/returns/ {"lignes":[{"produit":1,"quantite":1}],"remise_en_stock":false} -> 201
POST /api/v1/sales/1/returns/ {"lignes":[{"produit":1,"quantite":1}],"remise_en_stock":false} -> 409 ~"restant":0
GET /api/v1/stores/1/stock/1/ -> 200 {"magasin":1,"produit":1,"quantite":22,"disponible":22}
--- database
SELECT count(*), sum(quantite) FROM retour_ligne -> 2|3


=== TEST 4: of a product at several prices the first lines come back first
--- init: MagasinTest::reset(@::prices);
--- calls
POST /api/v1/sales/70/returns/ {"lignes":[{"produit":4,"quantite":3}],"remise_en_stock":true} -> 201 ~"total":"28\.00","lignes":\[\{"produit":4,"quantite":2,"prix_unitaire":"10\.00"\},\{"produit":4,"quantite":1,"prix_unitaire":"8\.00"\}\]\}$
POST /api/v1/sales/70/returns/ {"lignes":[{"produit":4,"quantite":3},{"produit":8,"quantite":1}],"remise_en_stock":true} -> 201 ~"total":"32\.00","lignes":\[\{"produit":8,"quantite":1,"prix_unitaire":"3\.00"\},\{"produit":4,"quantite":2,"prix_unitaire":"8\.00"\},\{"produit":4,"quantite":1,"prix_unitaire":"13\.00"\}\]\}$
POST /api/v1/sales/70/returns/ {"lignes":[{"produit":4,"quantite":1}],"remise_en_stock":true} -> 409
GET /api/v1/stores/2/stock/4/ -> 200 {"magasin":2,"produit":4,"quantite":28,"disponible":28}
--- database
SELECT ligne_id, sum(quantite) FROM retour_ligne GROUP BY 1 ORDER BY 1 -> 71|2 72|1 73|3 74|1


=== TEST 5: what is not there, closed or archived; and a stock that is full
--- init: MagasinTest::reset('UPDATE magasin SET ouvert = false WHERE id = 3', 'UPDATE produit SET archive_le = now() WHERE id = 4', 'UPDATE stock_local SET quantite = 2147483647 WHERE magasin_id = 1 AND produit_id = 5');
--- calls
POST /api/v1/sales/99/returns/ {"lignes":[{"produit":4,"quantite":1}],"remise_en_stock":true} -> 404 Vente avec ID 99 introuvable.
POST /api/v1/sales/9223372036854775808/returns/ {"lignes":[{"produit":4,"quantite":1}],"remise_en_stock":true} -> 404 ~"status":404
GET /api/v1/sales/99/returns/ -> 404 Vente avec ID 99 introuvable.
GET /api/v1/sales/9223372036854775808/returns/ -> 404 ~"status":404
POST /api/v1/sales/1/returns/ {"lignes":[{"produit":4,"quantite":1},{"produit":99,"quantite":1}],"remise_en_stock":true} -> 400 {"lignes":[{},{"produit":["Clé primaire «·99·» non valide - l'objet n'existe pas."]}]}
POST /api/v1/sales/6/returns/ {"lignes":[{"produit":9,"quantite":1}],"remise_en_stock":true} -> 409 {"detail":"Le magasin «·Magasin Est·» est fermé.","magasin":3}
POST /api/v1/sales/2/returns/ {"lignes":[{"produit":5,"quantite":1}],"remise_en_stock":true} -> 409 {"detail":"Le stock dépasserait 2147483647 unités."}
PUT /api/v1/sales/1/returns/ {} -> 405
--- unchanged


=== TEST 6: a product that is not sold any more, and one that the store has no row of
--- init: MagasinTest::reset('UPDATE produit SET archive_le = now() WHERE id = 4', 'DELETE FROM stock_local WHERE magasin_id = 1 AND produit_id = 4');
--- calls
POST /api/v1/sales/1/returns/ {"lignes":[{"produit":4,"quantite":1}],"remise_en_stock":true} -> 201
--- database
SELECT quantite FROM stock_local WHERE magasin_id = 1 AND produit_id = 4 -> 1


=== TEST 7: the list, newest first
--- init: MagasinTest::reset(main::many(5, 2));
--- response_body_filters: ids
--- gets
/api/v1/sales/80/returns/ -> 200 5 4 3 2 1 .
/api/v1/sales/80/returns/?limit=3 -> 200 5 4 3 >
/api/v1/sales/80/returns/?limit=5 -> 200 5 4 3 2 1 .
/api/v1/sales/1/returns/ -> 200 .
/api/v1/sales/80/returns/?limit=0 -> 400 ~^\{"limit":
/api/v1/sales/80/returns/?cursor=abc -> 400 {"cursor":["Curseur non valide."]}


=== TEST 8: an element of the list is what POST answered
--- init: MagasinTest::reset(main::many(2, 2));
--- gets
/api/v1/sales/80/returns/?limit=1 -> 200 ~^\{"next":"http://localhost/api/v1/sales/80/returns/\?cursor=[\w-]+&limit=1","results":\[\{"id":2,"vente":80,"magasin":1,"date_retour":"[^"]+","repris_par":null,"motif":null,"remise_en_stock":true,"total":"2\.00","lignes":\[\{"produit":4,"quantite":1,"prix_unitaire":"1\.00"\},\{"produit":4,"quantite":1,"prix_unitaire":"1\.00"\}\]\}\]\}$
/api/v1/sales/1/returns/ -> 200 {"next":null,"results":[]}


=== TEST 9: a long list comes in pieces
--- init: MagasinTest::reset(main::many(20, 600));
--- response_body_filters: ids
--- gets eval: '/api/v1/sales/80/returns/ -> 200 ' . CORE::join(' ', CORE::reverse 1 .. 20) . ' .'


=== TEST 10: a key
--- init: MagasinTest::reset();
--- request eval
[(map { "POST /api/v1/sales/1/returns/\n" . main::back(4, 1) } 1, 2), "POST /api/v1/sales/1/returns/\n" . main::back(4, 2), "POST /api/v1/sales/2/returns/\n" . main::back(4, 1), (map { "POST /api/v1/sales/1/returns/\n" . main::back(4, 9) } 1, 2)]
--- more_headers eval
[(map { "$::accueil\nIdempotency-Key: t-1" } 1 .. 4), (map { "$::accueil\nIdempotency-Key: t-2" } 1, 2)]
--- error_code eval: [201, 201, 422, 422, 409, 409]
--- database
SELECT quantite FROM stock_local WHERE magasin_id = 1 AND produit_id = 4 -> 31
SELECT count(*) FROM retour -> 1


=== TEST 11: conditions
--- init: MagasinTest::reset();
--- request eval
['GET /api/v1/sales/1/returns/', map { "POST /api/v1/sales/1/returns/\n" . main::back(4, 1) } 1, 2]
--- more_headers eval
['If-None-Match: *', map { "$::accueil\n$_" } 'If-Match: "a"', 'If-None-Match: *']
--- error_code eval: [304, 412, 412]


=== TEST 12: bodies
--- bodies
{} -> remise_en_stock required, lignes required
{"lignes":[{"produit":4,"quantite":1}]} -> remise_en_stock required
{"lignes":[{"produit":4,"quantite":1}],"remise_en_stock":"peut-être"} -> ~^\{"remise_en_stock":\["[^"]+"\]\}$
{"lignes":[],"remise_en_stock":true} -> ~^\{"lignes":\["Cette liste ne peut pas être vide."\]\}$
{"lignes":{},"remise_en_stock":true} -> ~^\{"lignes":\["Attendait une liste d'éléments."\]\}$
{"lignes":[{"produit":4,"quantite":0},3,{"produit":4,"quantite":1,"prix_unitaire":"1"}],"remise_en_stock":true} -> ~^\{"lignes":\[\{"quantite":\["[^"]+"\]\},\{"non_field_errors":\["[^"]+"\]\},\{"prix_unitaire":\["Champ inconnu."\]\}\]\}$
{"lignes":[{"produit":4,"quantite":1}],"remise_en_stock":true,"x":1} -> x unknown
{"lignes":[{"code":"RIEN","quantite":1}],"remise_en_stock":true} -> ~^\{"lignes":\[\{"code":\["[^"]+"\]\}\]\}$
[] -> ~^\{"non_field_errors"


=== TEST 13: a line with a code
--- init: MagasinTest::reset(q{INSERT INTO produit_code (code, produit_id, interne) VALUES ('CAF', 4, true)});
--- calls
POST /api/v1/sales/1/returns/ {"lignes":[{"code":"CAF","quantite":1}],"remise_en_stock":true} -> 201 ~"lignes":\[\{"produit":4,"quantite":1,
GET /api/v1/stores/1/stock/4/ -> 200 {"magasin":1,"produit":4,"quantite":31,"disponible":31}


=== TEST 14: who may: the scope, in its stores
--- init: MagasinTest::reset();
--- request eval
[map { "POST /api/v1/sales/$_/returns/\n" . main::back($_ == 1 ? 4 : 8, 1) } 1, 1, 1, 5, 99, 1, 4]
--- more_headers eval
['', map { MagasinTest::as($_) } qw(autre deux un un un deux)]
--- error_code eval: [401, 403, 403, 403, 404, 201, 201]
--- database
SELECT count(*) FROM retour -> 2


=== TEST 15: a return counts on the day when it is made, in members of its own
--- init
MagasinTest::reset(
    "UPDATE vente SET date_vente = '2026-03-01 12:00:00Z' WHERE id = 3");
--- calls
GET /api/v1/reports/sales/?magasin=1&depuis=2026-03-01&jusqu_a=2026-03-01 -> 200 ~"unites":100,"chiffre_affaires":"2550\.00","unites_rendues":0,"remboursements":"0\.00","net":"2550\.00"\}\]\}$
POST /api/v1/sales/3/returns/ {"lignes":[{"produit":2,"quantite":40}],"remise_en_stock":true} -> 201 ~"total":"1020\.00"
GET /api/v1/reports/sales/?magasin=1&depuis=2026-03-01&jusqu_a=2026-03-01 -> 200 ~"unites":100,"chiffre_affaires":"2550\.00","unites_rendues":0,"remboursements":"0\.00","net":"2550\.00"\}\]\}$
GET /api/v1/reports/sales/?magasin=1&groupe=produit&limit=1000 -> 200 ~"produit":2,"categorie":null,"nom":"Souris optique","unites":0,"chiffre_affaires":"0\.00","unites_rendues":40,"remboursements":"1020\.00","net":"-1020\.00"\}
GET /api/v1/reports/ -> 200 ~"magasin":"Magasin Centre-Ville","total":2004\.4,"produits_vendus":\{"Clavier mécanique":3,"Café Premium Bio":7,"Café Espresso Intenso":5,"Souris optique":60\},"stock_local":\{"Clavier mécanique":20,"Souris optique":75,
GET /api/v1/dashboard/ -> 200 ~"magasin":"Magasin Centre-Ville","chiffre_affaires":"2004\.40"


=== TEST 16: the longest reason, and one that is too long
--- init: MagasinTest::reset()
--- calls eval
join "\n", map { 'POST /api/v1/sales/1/returns/ {"lignes":[{"produit":4,"quantite":1}],"motif":"'
    . ("\xc3\xa9" x $_->[0]) . "\",\"remise_en_stock\":true} -> $_->[1]" }
    [200, 201], [201, '400 ' . MagasinTest::error_body('motif text200')]
