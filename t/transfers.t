# /api/v1/transfers/: units that leave one place and come to another, and are
# in transit between.

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
    nord   => 'stock magasins=2',
    autre  => 'produits,prix,ventes,admin',
);

our $deux = MagasinTest::as('deux');

# `--- bodies` is a table of bodies that are refused.  A path before the body
# is that of another request than a new transfer.
MagasinTest::each_block(sub {
    my ($block) = @_;

    my $table = $block->bodies;
    return unless defined $table;

    my $calls = '';
    for my $line (grep {/\S/} split /\n/, $table) {
        my ($path, $sent, $errors)
            = $line =~ /^(?:(\w[\w\/]*\/) )?(.*?)\s*->\s+(.*?)\s*$/
            or die "bad line in bodies: $line\n";
        $calls .= 'POST /api/v1/' . ($path // 'transfers/') . " $sent -> 400 "
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

sub transfer {
    my ($from, $to, $product, $quantity) = @_;
    return "POST /api/v1/transfers/\n{\"de\":$from,\"vers\":$to,\"lignes\":"
        . "[{\"produit\":$product,\"quantite\":$quantity}]}";
}

# Of each product: what is at places, in transit, and lost on the way.
our $sums = 'SELECT md5(string_agg(n::text, \' \' ORDER BY id)) FROM ('
    . 'SELECT p.id, coalesce((SELECT sum(quantite) FROM stock_local WHERE'
    . ' produit_id = p.id), 0) + coalesce((SELECT quantite FROM stock_central'
    . ' WHERE produit_id = p.id), 0) + coalesce((SELECT sum(CASE WHEN'
    . ' en_transit THEN quantite WHEN recu IS NOT NULL THEN quantite - recu'
    . ' ELSE 0 END) FROM transfert_ligne WHERE produit_id = p.id), 0) AS n'
    . ' FROM produit p) s';

# The same of what is in transit and lost, by the journal alone: the product,
# what has left and has not come, less what it calls a difference.
our $journaled = q{SELECT produit_id, -sum(coalesce(delta, 0))}
    . q{ - sum(coalesce((details ->> 'ecart')::integer, 0)) FROM journal}
    . q{ WHERE type LIKE 'transfert\_%' AND produit_id IS NOT NULL}
    . q{ GROUP BY 1 ORDER BY 1};

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();
MagasinTest::gets();
MagasinTest::calls(more_headers => $deux);
MagasinTest::databases();

run_tests();


# Many at once, from and to everywhere: each is closed once, and what is in the
# places, in transit and lost adds up to what was there.
{
    MagasinTest::reset();
    my $before = MagasinTest::sql($sums);
    my $nginx = MagasinNginx->start(workers => 2);
    my $ask = sub {
        my ($path, $body) = @_;
        return "POST /api/v1/$path HTTP/1.1\r\nHost: localhost\r\n"
            . "Authorization: Token secret-deux\r\n"
            . "Content-Type: application/json\r\n"
            . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
    };
    my @places = (1, 4, 'null');
    my @requests = ((map {
        my ($from, $to) = @places[ $_ % 3, ($_ + 1 + $_ % 2) % 3 ];
        $ask->('transfers/', "{\"de\":$from,\"vers\":$to,\"lignes\":["
            . '{"produit":9,"quantite":2},{"produit":4,"quantite":1}]}')
    } 1 .. 50), map { (
        $ask->("transfers/$_/receive/", $_ % 2 ? '{}' : '{"lignes":['
            . '{"produit":4,"quantite":1},{"produit":9,"quantite":1}]}'),
        $ask->("transfers/$_/cancel/", '') ) } 1 .. 50);
    my $load = $nginx->load(connections => 16, requests => \@requests);
    ok(MagasinNginx::wait_for(sub {
            MagasinTest::sql("SELECT count(*) FROM transfert"
                . " WHERE statut = 'recu'") > 0
        }), 'rush: some were received');
    my $count = $load->finish;

    is($count->{failed}, 0, 'rush: each request has an answer');
    is(join(' ', grep { !/^(?:200|201|404|409)$/ && $count->{$_} }
            grep {/^\d+$/} sort keys %$count), '', 'rush: and no other than these');
    is(MagasinTest::sql($sums), $before, 'rush: no unit is lost or made');
    is(MagasinTest::sql($journaled), MagasinTest::sql('SELECT produit_id,'
        . ' sum(CASE WHEN en_transit THEN quantite ELSE 0 END) FROM'
        . ' transfert_ligne GROUP BY 1 ORDER BY 1'),
        'rush: the journal tells what is in transit');
    ok($nginx->stop, 'a graceful stop');
    is($nginx->complaints, '', 'nothing alarming in the log');
}

MagasinTest::reset();

__DATA__

=== TEST 1: units leave at once
--- init: MagasinTest::reset();
--- more_headers eval: MagasinTest::as('quai')
--- request
POST /api/v1/transfers/
{"de":1,"vers":2,"lignes":[{"produit":9,"quantite":3},{"produit":4,"quantite":5},{"produit":9,"quantite":1}],"motif":"rayon vide"}
--- error_code: 201
--- response_body_like chomp
\A\{"id":1,"de":1,"vers":2,"statut":"en_transit","date_depart":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z","expedie_par":"quai","date_cloture":null,"cloture_par":null,"lignes":\[\{"produit":4,"quantite":5,"recu":null,"ecart":null\},\{"produit":9,"quantite":4,"recu":null,"ecart":null\}\]\}\z
--- response_headers
Content-Type: application/json
Location: /api/v1/transfers/1/
Cache-Control: no-store
Allow: GET, POST, HEAD, OPTIONS
--- database
SELECT quantite FROM stock_local WHERE magasin_id = 1 AND produit_id = 4 -> 25
SELECT quantite FROM stock_local WHERE magasin_id = 2 AND produit_id = 4 -> 22
SELECT stock_en_transit(2, 4), stock_en_transit(1, 4), stock_en_transit(NULL, 4), stock_en_transit(2, 9) -> 5|0|0|4
SELECT type, magasin_id, produit_id, delta, quantite, reference, motif FROM journal WHERE acteur = 'quai' ORDER BY type, produit_id -> transfert_creation|1||||transfert/1|rayon vide transfert_depart|1|4|-5|25|transfert/1|rayon vide transfert_depart|1|9|-4|24|transfert/1|rayon vide
--- no_error_log
[error]


=== TEST 2: all of it comes, once
--- init
MagasinTest::reset();
--- calls
POST /api/v1/transfers/ {"de":1,"vers":2,"lignes":[{"produit":9,"quantite":4},{"produit":4,"quantite":5}]} -> 201
POST /api/v1/transfers/1/receive/ -> 200 ~^\{"id":1,"de":1,"vers":2,"statut":"recu","date_depart":"T","expedie_par":"deux","date_cloture":"T","cloture_par":"deux","lignes":\[\{"produit":4,"quantite":5,"recu":5,"ecart":0\},\{"produit":9,"quantite":4,"recu":4,"ecart":0\}\]\}$
POST /api/v1/transfers/1/receive/ -> 409 {"detail":"Le transfert est déjà reçu.","statut":"recu"}
POST /api/v1/transfers/1/cancel/ -> 409 {"detail":"Le transfert est déjà reçu.","statut":"recu"}
GET /api/v1/transfers/1/ -> 200 ~"statut":"recu"
GET /api/v1/stores/2/stock/4/ -> 200 {"magasin":2,"produit":4,"quantite":27,"disponible":27}
GET /api/v1/stores/2/stock/9/ -> 200 {"magasin":2,"produit":9,"quantite":4,"disponible":4}
--- database
SELECT stock_en_transit(2, 4), stock_en_transit(2, 9) -> 0|0
SELECT type, magasin_id, produit_id, delta, quantite FROM journal WHERE type = 'transfert_arrivee' ORDER BY produit_id -> transfert_arrivee|2|4|5|27 transfert_arrivee|2|9|4|4
SELECT count(*) FROM journal WHERE type = 'transfert_ecart' -> 0


=== TEST 3: what came is less, or more; the difference is written down
--- init
MagasinTest::reset();
--- calls
POST /api/v1/transfers/ {"de":null,"vers":2,"lignes":[{"produit":9,"quantite":4},{"produit":4,"quantite":5},{"produit":1,"quantite":2},{"produit":6,"quantite":1}]} -> 201
POST /api/v1/transfers/1/receive/ {"lignes":[{"produit":4,"quantite":2},{"produit":9,"quantite":4},{"produit":4,"quantite":1},{"produit":6,"quantite":3}],"motif":"carton ouvert"} -> 200 ~"lignes":\[\{"produit":1,"quantite":2,"recu":0,"ecart":2\},\{"produit":4,"quantite":5,"recu":3,"ecart":2\},\{"produit":6,"quantite":1,"recu":3,"ecart":-2\},\{"produit":9,"quantite":4,"recu":4,"ecart":0\}\]\}$
GET /api/v1/stores/2/stock/4/ -> 200 {"magasin":2,"produit":4,"quantite":25,"disponible":25}
GET /api/v1/stock/central/4/ -> 200 {"produit":4,"quantite":395}
GET /api/v1/journal/?type=transfert_ecart -> 200 ~"type":"transfert_ecart","magasin":2,"produit":1,"delta":null,"quantite":null,"acteur":"deux","reference":"transfert/1","motif":"carton ouvert","details":\{"ecart": 2\}
--- database
SELECT produit_id, delta, details FROM journal WHERE type = 'transfert_ecart' ORDER BY produit_id -> 1||{"ecart": 2} 4||{"ecart": 2} 6||{"ecart": -2}
SELECT produit_id, sum(coalesce(delta, 0)) + sum(coalesce((details ->> 'ecart')::integer, 0)) FROM journal WHERE type LIKE 'transfert\_%' AND produit_id IS NOT NULL GROUP BY 1 ORDER BY 1 -> 1|0 4|0 6|0 9|0


=== TEST 4: nothing came, and what is not in it
--- init: MagasinTest::reset(@MagasinRoutes::Rows);
--- calls
POST /api/v1/transfers/1/receive/ {"lignes":[{"produit":4,"quantite":1},{"produit":9,"quantite":1}]} -> 400 {"lignes":[{},{"produit":["Ce produit n'est pas dans le transfert."]}]}
POST /api/v1/transfers/1/receive/ {"lignes":[{"produit":4,"quantite":2147483647}]} -> 409 {"detail":"Le stock dépasserait 2147483647 unités."}
POST /api/v1/transfers/1/receive/ {"lignes":[{"produit":4,"quantite":0}]} -> 200 ~"recu":0,"ecart":2
GET /api/v1/stores/1/stock/4/ -> 200 {"magasin":1,"produit":4,"quantite":30,"disponible":30}


=== TEST 5: a cancellation brings back what is in transit, once
--- init: MagasinTest::reset();
--- calls
POST /api/v1/transfers/ {"de":1,"vers":null,"lignes":[{"produit":9,"quantite":4}]} -> 201
POST /api/v1/transfers/1/cancel/ {"motif":"route fermée"} -> 200 ~"statut":"annule",.*"lignes":\[\{"produit":9,"quantite":4,"recu":null,"ecart":null\}\]\}$
POST /api/v1/transfers/1/cancel/ -> 409 {"detail":"Le transfert est déjà annulé.","statut":"annule"}
POST /api/v1/transfers/1/receive/ -> 409 {"detail":"Le transfert est déjà annulé.","statut":"annule"}
GET /api/v1/stores/1/stock/9/ -> 200 {"magasin":1,"produit":9,"quantite":28,"disponible":28}
--- database
SELECT type, magasin_id, delta, quantite, motif FROM journal WHERE type = 'transfert_annulation' -> transfert_annulation|1|4|28|route fermée
SELECT stock_en_transit(NULL, 9) -> 0


=== TEST 6: too little, and places and products that are not there
--- init: MagasinTest::reset('UPDATE produit SET archive_le = now() WHERE id = 5');
--- calls
POST /api/v1/transfers/ {"de":1,"vers":2,"lignes":[{"produit":4,"quantite":31},{"produit":9,"quantite":1},{"produit":15,"quantite":1000}]} -> 409 ~^\{"detail":"Stock insuffisant·: Café Premium Bio \(demandé 31, disponible 30\), Thé Rooibos Vanille \(demandé 1000, disponible \d+\)\.","produits":\[\{"produit":4,"nom":"Café Premium Bio","demande":31,"disponible":30\},\{"produit":15,
POST /api/v1/transfers/ {"de":2,"vers":1,"lignes":[{"produit":2,"quantite":1}]} -> 409 ~"demande":1,"disponible":0
POST /api/v1/transfers/ {"de":null,"vers":1,"lignes":[{"produit":4,"quantite":2147483647},{"produit":4,"quantite":2147483647}]} -> 409 ~"demande":4294967294,"disponible":400
POST /api/v1/transfers/ {"de":98,"vers":99,"lignes":[{"produit":4,"quantite":1}]} -> 400 {"de":["Clé primaire «·98·» non valide - l'objet n'existe pas."],"vers":["Clé primaire «·99·» non valide - l'objet n'existe pas."]}
POST /api/v1/transfers/ {"de":1,"vers":2,"lignes":[{"produit":99,"quantite":1}]} -> 400 {"lignes":[{"produit":["Clé primaire «·99·» non valide - l'objet n'existe pas."]}]}
POST /api/v1/transfers/ {"de":1,"vers":1,"lignes":[{"produit":4,"quantite":1}]} -> 400 {"vers":["Le lieu d'arrivée est celui de départ."]}
POST /api/v1/transfers/ {"de":null,"vers":null,"lignes":[{"produit":4,"quantite":1}]} -> 400 {"vers":["Le lieu d'arrivée est celui de départ."]}
GET /api/v1/transfers/99/ -> 404 Transfert avec ID 99 introuvable.
POST /api/v1/transfers/99/receive/ -> 404 Transfert avec ID 99 introuvable.
POST /api/v1/transfers/99/cancel/ -> 404 Transfert avec ID 99 introuvable.
POST /api/v1/transfers/9223372036854775808/receive/ -> 404 ~"status":404
--- unchanged


=== TEST 7: what is archived may still move
--- init: MagasinTest::reset('UPDATE produit SET archive_le = now() WHERE id = 4');
--- calls
POST /api/v1/transfers/ {"de":1,"vers":null,"lignes":[{"produit":4,"quantite":30}]} -> 201
POST /api/v1/transfers/1/receive/ -> 200 ~"recu":30


=== TEST 8: a closed store gets nothing; what is under way to it comes back
--- init: MagasinTest::reset('UPDATE magasin SET ouvert = false WHERE id = 2');
--- calls
POST /api/v1/transfers/ {"de":1,"vers":2,"lignes":[{"produit":4,"quantite":1}]} -> 409 {"detail":"Le magasin «·Magasin Nord·» est fermé.","magasin":2}
POST /api/v1/transfers/ {"de":2,"vers":1,"lignes":[{"produit":4,"quantite":1}]} -> 201
POST /api/v1/transfers/1/cancel/ -> 200
POST /api/v1/transfers/ {"de":2,"vers":1,"lignes":[{"produit":4,"quantite":1}]} -> 201
POST /api/v1/transfers/2/receive/ -> 200


=== TEST 9: one that was closed on the way
--- init: MagasinTest::reset(@MagasinRoutes::Rows, 'UPDATE magasin SET ouvert = false WHERE id = 1');
--- calls
POST /api/v1/transfers/1/receive/ -> 409 {"detail":"Le magasin «·Magasin Centre-Ville·» est fermé.","magasin":1}
POST /api/v1/transfers/1/cancel/ -> 200 ~"statut":"annule"


=== TEST 10: the list, newest first
--- init
MagasinTest::reset('INSERT INTO transfert (id, magasin_id, vers_id) VALUES (1, 1, 2), (2, 2, 3), (3, NULL, 1), (4, 3, NULL)', q{UPDATE transfert SET statut = 'recu', date_cloture = now() WHERE id IN (1, 4)});
--- response_body_filters: ids
--- gets
/api/v1/transfers/ -> 200 4 3 2 1 .
/api/v1/transfers/?limit=3 -> 200 4 3 2 >
/api/v1/transfers/?magasin=1 -> 200 3 1 .
/api/v1/transfers/?magasin=2 -> 200 2 1 .
/api/v1/transfers/?magasin=2&limit=1 -> 200 2 >
/api/v1/transfers/?statut=en_transit -> 200 3 2 .
/api/v1/transfers/?statut=recu&limit=1 -> 200 4 >
/api/v1/transfers/?magasin=1&statut=recu -> 200 1 .
/api/v1/transfers/?magasin=9 -> 200 .
/api/v1/transfers/?statut=perdu -> 400 {"statut":["Ce choix n'est pas valide."]}
/api/v1/transfers/?magasin=x -> 400 {"magasin":["Un nombre entier valide est requis."]}


=== TEST 11: a row of the list has no lines
--- gets
/api/v1/transfers/?limit=1 -> 200 ~"results":\[\{"id":4,"de":3,"vers":null,"statut":"recu","date_depart":"[^"]+","expedie_par":null,"date_cloture":"[^"]+","cloture_par":null\}\]\}$


=== TEST 12: pages, by the links
--- init
MagasinTest::reset('INSERT INTO transfert (magasin_id, vers_id) SELECT CASE n % 3 WHEN 0 THEN 1 WHEN 1 THEN 2 END, CASE n % 3 WHEN 0 THEN 2 ELSE 3 END FROM generate_series(1, 60) n');
--- response_body_filters: ids
--- gets
/api/v1/transfers/?magasin=2 -> 200 60 58 57 55 54 52 51 49 48 46 45 43 42 40 39 37 36 34 33 31 30 28 27 25 24 22 21 19 18 16 15 13 12 10 9 7 6 4 3 1 .


=== TEST 13: a key
--- init: MagasinTest::reset();
--- request eval
[(map { main::transfer(1, 2, 4, 3) } 1, 2), main::transfer(1, 2, 4, 4), (map { 'POST /api/v1/transfers/1/receive/' } 1, 2), 'POST /api/v1/transfers/1/cancel/']
--- more_headers eval
[(map { "$::deux\nIdempotency-Key: t-1" } 1 .. 3), (map { "$::deux\nIdempotency-Key: t-2" } 1 .. 3)]
--- error_code eval: [201, 201, 422, 200, 200, 422]
--- database
SELECT quantite FROM stock_local WHERE magasin_id = 2 AND produit_id = 4 -> 25
SELECT count(*) FROM transfert -> 1


=== TEST 14: conditions
--- init: MagasinTest::reset(@MagasinRoutes::Rows);
--- request eval: ['GET /api/v1/transfers/1/', map { "POST /api/v1/transfers/1/$_/" } qw(receive cancel)]
--- more_headers eval: ['If-None-Match: *', map { "$::deux\nIf-Match: \"a\"" } 1, 2]
--- error_code eval: [304, 412, 412]


=== TEST 15: bodies
--- init: MagasinTest::reset(@MagasinRoutes::Rows);
--- bodies
{} -> de required, vers required, lignes required
{"de":1,"lignes":[{"produit":4,"quantite":1}]} -> vers required
{"de":0,"vers":"x","lignes":[{"produit":4,"quantite":1}]} -> de min1, vers integer
{"de":1,"vers":2,"lignes":[{"produit":4,"quantite":1,"cout_unitaire":"1"}]} -> ~^\{"lignes":\[\{"cout_unitaire":\["Champ inconnu."\]\}\]\}$
{"de":1,"vers":2,"lignes":[{"produit":4,"quantite":0}]} -> ~^\{"lignes":\[\{"quantite":\["[^"]+"\]\}\]\}$
{"de":1,"vers":2,"lignes":[{"produit":4,"quantite":1}],"motif":null,"x":1} -> ~^\{"motif":\["[^"]+"\],"x":\["Champ inconnu."\]\}$
transfers/1/receive/ {"lignes":[]} -> ~^\{"lignes":\["Cette liste ne peut pas être vide."\]\}$
transfers/1/receive/ {"lignes":null} -> lignes null
transfers/1/receive/ {"lignes":[{"produit":4}]} -> ~^\{"lignes":\[\{"quantite":\["Ce champ est obligatoire."\]\}\]\}$
transfers/1/receive/ {"lignes":[{"produit":4,"quantite":-1}]} -> ~^\{"lignes":\[\{"quantite":\["[^"]+"\]\}\]\}$
transfers/1/receive/ {"x":1} -> x unknown
transfers/1/cancel/ {"x":1} -> x unknown
transfers/1/cancel/ {"motif":true} -> motif string


=== TEST 16: lines in a form are refused
--- init: MagasinTest::reset(@MagasinRoutes::Rows);
--- more_headers eval: "$::deux\nContent-Type: application/x-www-form-urlencoded"
--- request
POST /api/v1/transfers/1/receive/
lignes=4
--- error_code: 400
--- unchanged


=== TEST 17: who may: from its stores to anywhere, and into its stores
--- init: MagasinTest::reset(@MagasinRoutes::Rows);
--- request eval
[main::transfer(1, 2, 4, 1), main::transfer(1, 2, 4, 1), main::transfer('null', 2, 4, 1), main::transfer(1, 2, 4, 1), main::transfer(2, 1, 4, 1), main::transfer('null', 1, 4, 1), main::transfer(1, 'null', 4, 1),
 'POST /api/v1/transfers/1/receive/', 'POST /api/v1/transfers/1/receive/', 'POST /api/v1/transfers/1/cancel/', 'POST /api/v1/transfers/1/cancel/', 'POST /api/v1/transfers/2/receive/', 'POST /api/v1/transfers/2/receive/', 'POST /api/v1/transfers/2/cancel/']
--- more_headers eval
['', map { MagasinTest::as($_) } qw(autre quai siege un un un  nord siege un quai un quai nord)]
--- error_code eval
[401, 403, 403, 403, 403, 403, 201, 403, 403, 403, 403, 403, 403, 403]
--- database
SELECT count(*) FROM transfert WHERE statut <> 'en_transit' -> 0


=== TEST 18: each by who may
--- init: MagasinTest::reset();
--- request eval
[main::transfer(1, 2, 4, 1), 'POST /api/v1/transfers/1/receive/', main::transfer('null', 1, 4, 1), 'POST /api/v1/transfers/2/receive/', main::transfer(1, 'null', 4, 1), 'POST /api/v1/transfers/3/receive/', main::transfer(1, 'null', 4, 1), 'POST /api/v1/transfers/4/cancel/']
--- more_headers eval
[map { MagasinTest::as($_) } qw(un nord siege un un siege un un)]
--- error_code eval: [201, 200, 201, 200, 201, 200, 201, 200]
