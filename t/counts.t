# /api/v1/counts/: stock-takes.  What a line has found is compared with what the
# record said at its moment, so that sales until the close stay right.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;
use MagasinNginx;
use MagasinRoutes;

$ENV{TEST_NGINX_TOKENS} = MagasinTest::tokens(
    rayon  => 'stock',
    chef   => 'stock,inventaire,ventes,reapprovisionnement,produits',
    cloture => 'inventaire',
    un     => 'stock,inventaire magasins=1',
    nord   => 'stock,inventaire magasins=2',
    autre  => 'ventes,prix,reapprovisionnement,admin',
);

our $chef = MagasinTest::as('chef');

# `--- bodies` is a table of bodies that are refused.  A path before the body
# is that of another request than a new stock-take.
MagasinTest::each_block(sub {
    my ($block) = @_;

    my $table = $block->bodies;
    return unless defined $table;

    my $calls = '';
    for my $line (grep {/\S/} split /\n/, $table) {
        my ($path, $sent, $errors)
            = $line =~ /^(?:(\w[\w\/]*\/) )?(.*?)\s*->\s+(.*?)\s*$/
            or die "bad line in bodies: $line\n";
        $calls .= 'POST /api/v1/' . ($path // 'counts/') . " $sent -> 400 "
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
    my @ids = $body =~ /\{"(?:id|produit)":(\d+),/g;
    return CORE::join ' ', @ids, $link eq 'null' ? '.' : '>';
}

sub line {
    my ($count, $product, $quantity, $add) = @_;
    return "POST /api/v1/counts/$count/lines/\n{\"lignes\":[{\"produit\":"
        . "$product,\"quantite\":$quantity"
        . ($add ? ',"ajoute":true' : '') . '}]}';
}

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();
MagasinTest::gets();
MagasinTest::calls(more_headers => $chef);
MagasinTest::databases();

run_tests();


# Many who scan, sell and close at once: what was scanned is what was counted,
# and the close writes it once.
{
    MagasinTest::reset('UPDATE stock_local SET quantite = 5000'
        . ' WHERE magasin_id = 1 AND produit_id IN (4, 9)',
        'INSERT INTO comptage (id, magasin_id) VALUES (1, 1)');
    my $nginx = MagasinNginx->start(workers => 2);
    my $ask = sub {
        my ($path, $body) = @_;
        return "POST /api/v1/$path HTTP/1.1\r\nHost: localhost\r\n"
            . "Authorization: Token secret-chef\r\n"
            . "Content-Type: application/json\r\n"
            . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
    };
    my @requests = map { (
        $ask->('counts/1/lines/', '{"lignes":[{"produit":9,"quantite":2,'
            . '"ajoute":true},{"produit":4,"quantite":1,"ajoute":true}]}'),
        $ask->('sales/', '{"magasin":1,"lignes":[{"produit":4,"quantite":1},'
            . '{"produit":9,"quantite":1}]}') ) } 1 .. 50;
    my $count = $nginx->load(connections => 16, seconds => 1,
        requests => \@requests)->finish;
    is($count->{failed}, 0, 'scan: each request has an answer');
    is(join(' ', grep { !/^20[01]$/ && $count->{$_} }
            grep {/^\d+$/} sort keys %$count), '', 'scan: and each was done');
    my $lines = $count->{200};
    is(MagasinTest::sql('SELECT produit_id, compte FROM comptage_ligne'
        . ' ORDER BY 1'), "4|$lines\n9|" . 2 * $lines,
        'scan: what was scanned is counted');

    my $expected = MagasinTest::sql('SELECT string_agg((s.quantite + l.compte'
        . q{ - l.present)::text, ' ' ORDER BY s.produit_id) FROM stock_local s}
        . ' JOIN comptage_ligne l USING (magasin_id, produit_id)');
    my $closed = $nginx->load(connections => 8, seconds => 0.5, requests =>
        [ map { $ask->('counts/1/close/', '') } 1 .. 8 ])->finish;
    is($closed->{200}, 1, 'close: one of many');
    is(MagasinTest::sql(q{SELECT string_agg(quantite::text, ' ' ORDER BY}
        . ' produit_id) FROM stock_local WHERE magasin_id = 1'
        . ' AND produit_id IN (4, 9)'), $expected, 'close: written once');
    ok($nginx->stop, 'a graceful stop');
    is($nginx->complaints, '', 'nothing alarming in the log');
}

MagasinTest::reset();

__DATA__

=== TEST 1: a stock-take of a store
--- init: MagasinTest::reset();
--- more_headers eval: MagasinTest::as('rayon')
--- request
POST /api/v1/counts/
{"lieu":1,"motif":"annuel"}
--- error_code: 201
--- response_body_like chomp
\A\{"id":1,"lieu":1,"categorie":null,"aveugle":false,"motif":"annuel","statut":"ouvert","date_ouverture":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z","ouvert_par":"rayon","date_cloture":null,"cloture_par":null,"comptes":null,"ecarts":null,"en_plus":null,"en_moins":null,"non_comptes":null,"produits":null\}\z
--- response_headers
Content-Type: application/json
Location: /api/v1/counts/1/
Cache-Control: no-store
Allow: GET, POST, HEAD, OPTIONS
--- database
SELECT type, magasin_id, produit_id, delta, reference, motif FROM journal WHERE acteur = 'rayon' -> comptage_creation|1|||comptage/1|annuel
--- no_error_log
[error]


=== TEST 2: sales between counting and closing stay right
--- init: MagasinTest::reset();
--- calls
POST /api/v1/counts/ {"lieu":1,"produits":[9,4,4]} -> 201 ~"produits":\[4,9\]\}$
POST /api/v1/counts/1/lines/ {"lignes":[{"produit":4,"quantite":27},{"produit":9,"quantite":28}]} -> 200 ~^\{"comptage":1,"lignes":\[\{"produit":4,"nom":"Café Premium Bio","compte":27,"present":30,"ecart":-3,"instant":"T","compte_par":"chef"\},\{"produit":9,"nom":"Chocolat au Lait","compte":28,"present":28,"ecart":0,
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":5},{"produit":9,"quantite":1}]} -> 201
POST /api/v1/receipts/ {"lieu":1,"fournisseur":"f","reference":"r","lignes":[{"produit":4,"quantite":2}]} -> 201
POST /api/v1/counts/1/close/ -> 200 ~^\{"id":1,"lieu":1,.*"statut":"clos",.*"cloture_par":"chef","comptes":2,"ecarts":1,"en_plus":0,"en_moins":3,"non_comptes":0,"produits":\[4,9\],"lignes":\[\{"produit":4,"nom":"Café Premium Bio","compte":27,"present":30,"ecart":-3,"instant":"T","compte_par":"chef"\}\],"oublis":\[\]\}$
GET /api/v1/stores/1/stock/4/ -> 200 {"magasin":1,"produit":4,"quantite":24,"disponible":24}
GET /api/v1/stores/1/stock/9/ -> 200 {"magasin":1,"produit":9,"quantite":27,"disponible":27}
POST /api/v1/counts/1/close/ -> 409 {"detail":"Le comptage est déjà clos.","statut":"clos"}
POST /api/v1/counts/1/cancel/ -> 409 {"detail":"Le comptage est déjà clos.","statut":"clos"}
POST /api/v1/counts/1/lines/ {"lignes":[{"produit":4,"quantite":1}]} -> 409 {"detail":"Le comptage est déjà clos.","statut":"clos"}
GET /api/v1/counts/1/ -> 200 ~"statut":"clos".*"produits":\[4,9\]\}$
--- database
SELECT type, magasin_id, produit_id, delta, quantite, reference, details FROM journal WHERE reference = 'comptage/1' AND type IN ('comptage', 'comptage_ligne') ORDER BY id -> comptage_ligne|1|4|||comptage/1|{"compte": 27} comptage_ligne|1|9|||comptage/1|{"compte": 28} comptage|1|4|-3|24|comptage/1|


=== TEST 3: a later line replaces, one with "ajoute" adds
--- init: MagasinTest::reset('INSERT INTO comptage (magasin_id) VALUES (1)');
--- calls
POST /api/v1/counts/1/lines/ {"lignes":[{"produit":4,"quantite":5,"ajoute":true}]} -> 200 ~"compte":5,"present":30
POST /api/v1/counts/1/lines/ {"lignes":[{"produit":4,"quantite":3,"ajoute":true},{"produit":4,"quantite":1,"ajoute":"true"}]} -> 200 ~"compte":9,"present":30
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":2}]} -> 201
POST /api/v1/counts/1/lines/ {"lignes":[{"produit":4,"quantite":1,"ajoute":true}]} -> 200 ~"compte":10,"present":28
POST /api/v1/counts/1/lines/ {"lignes":[{"produit":4,"quantite":1,"ajoute":true},{"produit":4,"quantite":20},{"produit":4,"quantite":4,"ajoute":true}]} -> 200 ~"compte":24,"present":28
POST /api/v1/counts/1/lines/ {"lignes":[{"produit":4,"quantite":26,"ajoute":false}]} -> 200 ~"compte":26,"present":28
POST /api/v1/counts/1/lines/ {"lignes":[{"produit":9,"quantite":0}]} -> 200 ~"compte":0,"present":28,"ecart":-28
POST /api/v1/counts/1/lines/ {"lignes":[{"produit":4,"quantite":2147483647,"ajoute":true}]} -> 409 {"detail":"Le stock dépasserait 2147483647 unités."}
GET /api/v1/counts/1/lines/ -> 200 ~^\{"next":null,"results":\[\{"produit":4,"nom":"Café Premium Bio","compte":26,"present":28,"ecart":-2,"instant":"T","compte_par":"chef"\},\{"produit":9,.*\}\]\}$


=== TEST 4: a repeated call adds once
--- init: MagasinTest::reset('INSERT INTO comptage (magasin_id) VALUES (1)');
--- request eval
[(map { main::line(1, 4, 3, 1) } 1, 2), main::line(1, 4, 4, 1), (map { "POST /api/v1/counts/1/close/\n{\"motif\":\"nuit\"}" } 1, 2), 'POST /api/v1/counts/1/cancel/', (map { "POST /api/v1/counts/\n{\"lieu\":2}" } 1, 2)]
--- more_headers eval
[(map { "$::chef\nIdempotency-Key: c-1" } 1 .. 3), (map { "$::chef\nIdempotency-Key: c-2" } 1 .. 3), (map { "$::chef\nIdempotency-Key: c-3" } 1, 2)]
--- error_code eval: [200, 200, 422, 200, 200, 422, 201, 201]
--- database
SELECT compte FROM comptage_ligne WHERE NOT oubliee -> 3
SELECT quantite FROM stock_local WHERE magasin_id = 1 AND produit_id = 4 -> 3
SELECT count(*), min(motif) FROM journal WHERE type = 'comptage' -> 1|nuit
SELECT count(*) FROM comptage -> 2


=== TEST 5: a blind one does not show what is expected before its close
--- init: MagasinTest::reset();
--- calls
POST /api/v1/counts/ {"lieu":1,"categorie":"Boissons","aveugle":true} -> 201 ~"categorie":"Boissons","aveugle":true
POST /api/v1/counts/1/lines/ {"lignes":[{"produit":4,"quantite":27}]} -> 200 ~"compte":27,"present":null,"ecart":null
GET /api/v1/counts/1/lines/ -> 200 ~"compte":27,"present":null,"ecart":null
GET /api/v1/counts/1/lines/?etat=ecarts -> 200 {"next":null,"results":[]}
GET /api/v1/counts/1/lines/?etat=oublis&limit=1 -> 200 ~"results":\[\{"produit":5,"nom":"Café Espresso Intenso","compte":null,"present":null,"ecart":null,
POST /api/v1/counts/1/close/ -> 200 ~"compte":27,"present":30,"ecart":-3.*"oublis":\[\{"produit":5,"nom":"Café Espresso Intenso","present":25\}
GET /api/v1/counts/1/lines/ -> 200 ~"compte":27,"present":30,"ecart":-3
GET /api/v1/counts/1/lines/?etat=ecarts -> 200 ~"results":\[\{"produit":4,
GET /api/v1/counts/1/lines/?etat=oublis&limit=1 -> 200 ~"results":\[\{"produit":5,"nom":"Café Espresso Intenso","compte":null,"present":25,"ecart":null,


=== TEST 6: what is not counted is listed, and stays
--- init: MagasinTest::reset('UPDATE stock_local SET quantite = 0 WHERE magasin_id = 1 AND produit_id = 6');
--- calls
POST /api/v1/counts/ {"lieu":1,"categorie":"Boissons"} -> 201
POST /api/v1/counts/1/lines/ {"lignes":[{"produit":4,"quantite":30}]} -> 200
POST /api/v1/counts/1/close/ {"non_comptes_a_zero":false} -> 200 ~"comptes":1,"ecarts":0,"en_plus":0,"en_moins":0,"non_comptes":3,"produits":null,"lignes":\[\],"oublis":\[\{"produit":5,"nom":"Café Espresso Intenso","present":25\},\{"produit":7,
GET /api/v1/stores/1/stock/5/ -> 200 ~"quantite":25
GET /api/v1/counts/1/lines/ -> 200 ~"results":\[\{"produit":4,[^{]*\}\]\}$


=== TEST 7: or is set to 0, if the close says so; but for what another one has counted
--- init: MagasinTest::reset();
--- calls
POST /api/v1/counts/ {"lieu":1,"categorie":"Boissons"} -> 201
POST /api/v1/counts/ {"lieu":1,"produits":[7]} -> 201
POST /api/v1/counts/2/lines/ {"lignes":[{"produit":7,"quantite":11}]} -> 200
POST /api/v1/counts/1/lines/ {"lignes":[{"produit":4,"quantite":31}]} -> 200
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":5,"quantite":2}]} -> 201
POST /api/v1/counts/1/close/ {"non_comptes_a_zero":true} -> 200 ~"comptes":1,"ecarts":4,"en_plus":1,"en_moins":\d+,"non_comptes":4,.*"lignes":\[\{"produit":4,[^}]*"ecart":1,[^}]*\},\{"produit":5,"nom":"Café Espresso Intenso","compte":0,"present":23,"ecart":-23,[^}]*"compte_par":null\},.*"oublis":\[\{"produit":5,.*\{"produit":7,"nom":"Thé Earl Grey","present":12\}
GET /api/v1/stores/1/stock/5/ -> 200 ~"quantite":0
GET /api/v1/stores/1/stock/7/ -> 200 ~"quantite":12
POST /api/v1/counts/2/close/ -> 200 ~"ecarts":1
GET /api/v1/stores/1/stock/7/ -> 200 ~"quantite":11
--- database


=== TEST 8: an open stock-take has a product to itself
--- init: MagasinTest::reset('INSERT INTO comptage (magasin_id) VALUES (1), (1), (2), (NULL), (NULL)');
--- calls
POST /api/v1/counts/1/lines/ {"lignes":[{"produit":4,"quantite":27}]} -> 200
POST /api/v1/counts/2/lines/ {"lignes":[{"produit":9,"quantite":2},{"produit":4,"quantite":27}]} -> 409 {"detail":"Produit compté ailleurs·: Café Premium Bio (comptage 1).","produits":[{"produit":4,"nom":"Café Premium Bio","comptage":1}]}
GET /api/v1/counts/2/lines/ -> 200 {"next":null,"results":[]}
POST /api/v1/counts/3/lines/ {"lignes":[{"produit":4,"quantite":20}]} -> 200
POST /api/v1/counts/4/lines/ {"lignes":[{"produit":4,"quantite":400}]} -> 200
POST /api/v1/counts/5/lines/ {"lignes":[{"produit":4,"quantite":400}]} -> 409 ~"comptage":4
POST /api/v1/counts/1/cancel/ -> 200 ~"statut":"annule"
POST /api/v1/counts/2/lines/ {"lignes":[{"produit":4,"quantite":27}]} -> 200
POST /api/v1/counts/2/close/ -> 200
POST /api/v1/counts/4/close/ -> 200 ~"ecarts":0
POST /api/v1/counts/5/lines/ {"lignes":[{"produit":4,"quantite":401}]} -> 200
POST /api/v1/counts/5/close/ -> 200 ~"en_plus":1
GET /api/v1/stores/1/stock/4/ -> 200 ~"quantite":27
GET /api/v1/stock/central/4/ -> 200 {"produit":4,"quantite":401}


=== TEST 9: more was sold than was counted: count again
--- init: MagasinTest::reset('INSERT INTO comptage (magasin_id, motif) VALUES (1, \'annuel\')');
--- calls
POST /api/v1/counts/1/lines/ {"lignes":[{"produit":4,"quantite":2},{"produit":9,"quantite":20}]} -> 200
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":5}]} -> 201
POST /api/v1/counts/1/close/ -> 409 {"detail":"À recompter, il s'en est vendu plus que compté·: Café Premium Bio.","produits":[{"produit":4,"nom":"Café Premium Bio","compte":2}]}
GET /api/v1/stores/1/stock/9/ -> 200 ~"quantite":28
GET /api/v1/counts/1/lines/?etat=oublis&limit=1 -> 200 ~"produit":1,
POST /api/v1/counts/1/lines/ {"lignes":[{"produit":4,"quantite":0}]} -> 200 ~"present":25
POST /api/v1/counts/1/close/ -> 200 ~"comptes":2,"ecarts":2,"en_plus":0,"en_moins":33
GET /api/v1/stores/1/stock/4/ -> 200 ~"quantite":0
GET /api/v1/journal/?type=comptage -> 200 ~"delta":-25,"quantite":0,"acteur":"chef","reference":"comptage/1","motif":"annuel"


=== TEST 10: as many sold as were counted
--- init: MagasinTest::reset('INSERT INTO comptage (magasin_id) VALUES (1)');
--- calls
POST /api/v1/counts/1/lines/ {"lignes":[{"produit":4,"quantite":5}]} -> 200
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":5}]} -> 201
POST /api/v1/counts/1/close/ -> 200
GET /api/v1/stores/1/stock/4/ -> 200 ~"quantite":0


=== TEST 11: what the place never had, and too much of it
--- init: MagasinTest::reset('INSERT INTO comptage (magasin_id) VALUES (2), (2)', 'INSERT INTO stock_local (magasin_id, produit_id, quantite) VALUES (2, 15, 5)');
--- calls
POST /api/v1/counts/1/lines/ {"lignes":[{"produit":9,"quantite":3}]} -> 200 ~"compte":3,"present":0,"ecart":3
POST /api/v1/counts/1/close/ -> 200
GET /api/v1/stores/2/stock/9/ -> 200 {"magasin":2,"produit":9,"quantite":3,"disponible":3}
POST /api/v1/counts/2/lines/ {"lignes":[{"produit":15,"quantite":2147483647}]} -> 200
POST /api/v1/stores/2/stock/15/adjust/ {"delta":6} -> 200
POST /api/v1/counts/2/close/ -> 409 {"detail":"Le stock dépasserait 2147483647 unités."}


=== TEST 12: a cancellation moves nothing
--- init: MagasinTest::reset('INSERT INTO comptage (magasin_id) VALUES (1)');
--- calls
POST /api/v1/counts/1/lines/ {"lignes":[{"produit":4,"quantite":1}]} -> 200
POST /api/v1/counts/1/cancel/ {"motif":"erreur"} -> 200 ~"statut":"annule",.*"cloture_par":"chef","comptes":null,
POST /api/v1/counts/1/close/ -> 409 {"detail":"Le comptage est déjà annulé.","statut":"annule"}
GET /api/v1/stores/1/stock/4/ -> 200 ~"quantite":30
--- database
SELECT type, motif FROM journal WHERE type = 'comptage_modification' -> comptage_modification|erreur


=== TEST 13: products that are not there, or not in it; codes; archived ones
--- init: MagasinTest::reset('INSERT INTO comptage (magasin_id, categorie, produits) VALUES (1, NULL, \'{4,9}\'), (1, \'Confiserie\', NULL), (1, NULL, NULL)', 'UPDATE produit SET archive_le = now() WHERE id = 5', q{INSERT INTO produit_code (code, produit_id, interne) VALUES ('C-4', 4, true)});
--- calls
POST /api/v1/counts/1/lines/ {"lignes":[{"produit":4,"quantite":1},{"produit":5,"quantite":1},{"produit":99,"quantite":1}]} -> 400 {"lignes":[{},{"produit":["Ce produit n'est pas dans le comptage."]},{"produit":["Clé primaire «·99·» non valide - l'objet n'existe pas."]}]}
POST /api/v1/counts/2/lines/ {"lignes":[{"produit":4,"quantite":1}]} -> 400 {"lignes":[{"produit":["Ce produit n'est pas dans le comptage."]}]}
POST /api/v1/counts/2/lines/ {"lignes":[{"produit":9,"quantite":1}]} -> 200
POST /api/v1/counts/3/lines/ {"lignes":[{"code":"C-4","quantite":1,"ajoute":true},{"produit":5,"quantite":2}]} -> 200 ~"lignes":\[\{"produit":4,.*\{"produit":5,
POST /api/v1/counts/3/lines/ {"lignes":[{"code":"C-5","quantite":1}]} -> 400 {"lignes":[{"code":["Aucun produit n'a ce code."]}]}
POST /api/v1/counts/ {"lieu":99} -> 400 {"lieu":["Clé primaire «·99·» non valide - l'objet n'existe pas."]}
POST /api/v1/counts/ {"lieu":1,"categorie":"Rien"} -> 400 {"categorie":["Aucun produit n'est de cette catégorie."]}
POST /api/v1/counts/ {"lieu":1,"produits":[4,98,99]} -> 400 {"produits":["Produit introuvable·: 98, 99."]}
POST /api/v1/counts/99/lines/ {"lignes":[{"produit":4,"quantite":1}]} -> 404 Comptage avec ID 99 introuvable.
POST /api/v1/counts/99/close/ -> 404 Comptage avec ID 99 introuvable.
POST /api/v1/counts/99/cancel/ -> 404 Comptage avec ID 99 introuvable.
GET /api/v1/counts/99/ -> 404 Comptage avec ID 99 introuvable.
GET /api/v1/counts/99/lines/ -> 404 Comptage avec ID 99 introuvable.
GET /api/v1/counts/9223372036854775808/lines/ -> 404 ~"status":404
POST /api/v1/counts/9223372036854775808/close/ -> 404 ~"status":404


=== TEST 14: bodies
--- init: MagasinTest::reset(@MagasinRoutes::Rows);
--- bodies
{} -> lieu required
{"lieu":0} -> lieu min1
{"lieu":1,"produits":[]} -> ~^\{"produits":\["Donnez de 1 à 1000 produits\."\]\}$
{"lieu":1,"produits":4} -> ~^\{"produits":\["Attendait une liste d'éléments\."\]\}$
{"lieu":1,"produits":[4,"x"]} -> produits integer
{"lieu":1,"produits":[4],"categorie":"Boissons"} -> ~^\{"produits":\["Donnez une catégorie ou des produits, pas les deux\."\]\}$
{"lieu":1,"aveugle":3,"motif":null,"x":1} -> ~^\{"aveugle":\["[^"]+"\],"motif":\["[^"]+"\],"x":\["Champ inconnu\."\]\}$
counts/1/lines/ {} -> lignes required
counts/1/lines/ {"lignes":[]} -> ~^\{"lignes":\["Cette liste ne peut pas être vide\."\]\}$
counts/1/lines/ {"lignes":[{"produit":4}]} -> ~^\{"lignes":\[\{"quantite":\["Ce champ est obligatoire\."\]\}\]\}$
counts/1/lines/ {"lignes":[{"produit":4,"quantite":-1}]} -> ~^\{"lignes":\[\{"quantite":\["[^"]+"\]\}\]\}$
counts/1/lines/ {"lignes":[{"produit":4,"quantite":1,"ajoute":7,"x":1}]} -> ~^\{"lignes":\[\{"ajoute":\["[^"]+"\],"x":\["Champ inconnu\."\]\}\]\}$
counts/1/close/ {"non_comptes_a_zero":"x"} -> ~^\{"non_comptes_a_zero":\["[^"]+"\]\}$
counts/1/close/ {"x":1} -> x unknown
counts/1/cancel/ {"motif":true} -> motif string


=== TEST 15: a list in a form is refused, and is not left out
--- init: MagasinTest::reset();
--- more_headers eval: "$::chef\nContent-Type: application/x-www-form-urlencoded"
--- request
POST /api/v1/counts/
lieu=1&produits=4
--- error_code: 400
--- unchanged


=== TEST 16: the list, newest first
--- init
MagasinTest::reset(q{INSERT INTO comptage (id, magasin_id, statut, date_cloture) VALUES (1, 1, 'ouvert', NULL), (2, 2, 'clos', now()), (3, NULL, 'ouvert', NULL), (4, 1, 'annule', now()), (5, 1, 'ouvert', NULL)});
--- response_body_filters: ids
--- gets
/api/v1/counts/ -> 200 5 4 3 2 1 .
/api/v1/counts/?limit=2 -> 200 5 4 >
/api/v1/counts/?magasin=1 -> 200 5 4 1 .
/api/v1/counts/?magasin=1&limit=1 -> 200 5 >
/api/v1/counts/?statut=ouvert -> 200 5 3 1 .
/api/v1/counts/?magasin=1&statut=ouvert -> 200 5 1 .
/api/v1/counts/?magasin=1&statut=ouvert&limit=1 -> 200 5 >
/api/v1/counts/?magasin=9 -> 200 .
/api/v1/counts/?statut=perdu -> 400 {"statut":["Ce choix n'est pas valide."]}
/api/v1/counts/1/lines/?etat=perdu -> 400 {"etat":["Ce choix n'est pas valide."]}


=== TEST 17: pages of lines, by the links
--- init
MagasinTest::reset('INSERT INTO comptage (magasin_id) VALUES (1), (NULL)', 'INSERT INTO comptage_ligne (comptage_id, produit_id, magasin_id, compte, present) SELECT 1, id, 1, id % 2, 1 FROM produit', 'DELETE FROM comptage_ligne WHERE produit_id = 9', 'INSERT INTO comptage_ligne (comptage_id, produit_id, compte, present) VALUES (2, 1, 1, 1)');
--- response_body_filters: ids
--- gets
/api/v1/counts/1/lines/?limit=4 -> 200 1 2 3 4 >
/api/v1/counts/1/lines/?etat=comptes -> 200 1 2 3 4 5 6 7 8 10 11 12 13 14 15 .
/api/v1/counts/1/lines/?etat=ecarts -> 200 2 4 6 8 10 12 14 .
/api/v1/counts/1/lines/?etat=oublis -> 200 9 .
/api/v1/counts/2/lines/?etat=oublis&limit=3 -> 200 2 3 4 >


=== TEST 18: conditions
--- init: MagasinTest::reset(@MagasinRoutes::Rows);
--- request eval: ['GET /api/v1/counts/1/', map { "POST /api/v1/counts/1/$_/" } qw(close cancel)]
--- more_headers eval: ['If-None-Match: *', map { "$::chef\nIf-Match: \"a\"" } 1, 2]
--- error_code eval: [304, 412, 412]


=== TEST 19: who may
--- init: MagasinTest::reset(@MagasinRoutes::Rows);
--- request eval
[(map { "POST /api/v1/counts/\n{\"lieu\":1}" } 1 .. 4), "POST /api/v1/counts/\n{\"lieu\":null}", (map { main::line(1, 9, 1) } 1 .. 4), (map { 'POST /api/v1/counts/1/close/' } 1 .. 3), 'POST /api/v1/counts/1/cancel/', 'POST /api/v1/counts/1/cancel/']
--- more_headers eval
['', map { MagasinTest::as($_) } qw(autre cloture nord un autre cloture nord un rayon nord un nord rayon)]
--- error_code eval
[401, 403, 403, 403, 403, 403, 403, 403, 200, 403, 403, 200, 403, 409]
--- database
SELECT count(*) FROM comptage -> 1


=== TEST 20: a product that was counted stays as an archived one
--- init: MagasinTest::reset(q{INSERT INTO produit (id, nom, categorie, prix) VALUES (50, 'Neuf', 'Lot', 1), (51, 'Vieux', 'Lot', 1)}, 'INSERT INTO comptage (magasin_id) VALUES (1)', 'INSERT INTO stock_local (magasin_id, produit_id, quantite) VALUES (1, 50, 1), (1, 51, 1)');
--- calls
POST /api/v1/counts/1/lines/ {"lignes":[{"produit":50,"quantite":1}]} -> 200
DELETE /api/v1/products/50/ -> 204
DELETE /api/v1/products/51/ -> 204
GET /api/v1/counts/1/lines/ -> 200 ~"produit":50,
--- database
SELECT id, archive_le IS NOT NULL FROM produit WHERE id >= 50 -> 50|t
SELECT count(*) FROM stock_local WHERE produit_id = 51 -> 0
