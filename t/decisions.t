# Requests for stock that wait: many decisions at once, fewer units than were
# asked for, changes and cancellations.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;
use MagasinNginx;

$ENV{TEST_NGINX_TOKENS} = MagasinTest::tokens(
    siege => 'reapprovisionnement',
    un    => 'reapprovisionnement magasins=1',
    nord  => 'reapprovisionnement magasins=2',
    autre => 'produits,prix,ventes,stock,admin',
);

our $siege = MagasinTest::as('siege');

# Requests that wait: ids from 1, each a store, a product and a quantity.
sub ask {
    my $id = 0;
    return ((map { $id++; 'INSERT INTO demande_reapprovisionnement (id,'
        . " magasin_id, produit_id, quantite) VALUES ($id, $_)" } @_),
        "SELECT setval('demande_reapprovisionnement_id_seq', $id)");
}

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();
MagasinTest::gets();
MagasinTest::calls(more_headers => $siege);
MagasinTest::databases();

run_tests();

# Lists that overlap, in every order: nobody waits in a circle, and each
# request is decided once.
{
    MagasinTest::reset(ask(map { (1 + $_ % 3) . ', ' . (1 + $_ % 5) . ', 1' }
        1 .. 120), 'DELETE FROM stock_local');
    my $deadlocks = 'SELECT deadlocks FROM pg_stat_database'
        . ' WHERE datname = current_database()';
    my $before = MagasinTest::sql($deadlocks);
    my $nginx = MagasinNginx->start(workers => 2);
    my @requests = map {
        my $n = $_;
        my @ids = map { 1 + ($n * 7 + $_ * ($n % 2 ? 11 : 109)) % 120 } 1 .. 12;
        my $body = '{"approuver":[' . join(',', @ids[ 0 .. 7 ])
            . '],"refuser":[' . join(',', @ids[ 8 .. 11 ]) . ']}';
        "POST /api/v1/replenishments/decisions/ HTTP/1.1\r\nHost: localhost\r\n"
            . "Authorization: Token secret-siege\r\n"
            . "Content-Type: application/json\r\n"
            . 'Content-Length: ' . length($body) . "\r\n\r\n$body"
    } 1 .. 60;

    # Receipts make the same rows of stock, from the first product to the last.
    @requests = map { shift @requests, $_ } map {
        my $body = '{"lieu":' . (1 + $_ % 3) . ',"fournisseur":"f","reference"'
            . ':"r","lignes":[' . join(',', map {
                "{\"produit\":$_,\"quantite\":1}" } 1 .. 5) . ']}';
        "POST /api/v1/receipts/ HTTP/1.1\r\nHost: localhost\r\n"
            . "Authorization: Token secret-autre\r\n"
            . "Content-Type: application/json\r\n"
            . 'Content-Length: ' . length($body) . "\r\n\r\n$body"
    } 1 .. 60;
    my $count = $nginx->load(connections => 8, seconds => 1,
        requests => \@requests)->finish;
    is($count->{failed}, 0, 'rush: each has an answer');
    is($count->{200} + $count->{201}, $count->{sent},
        'rush: and no other than 200 and 201');
    is(MagasinTest::sql($deadlocks), $before, 'rush: nobody in a circle');
    is(MagasinTest::sql("SELECT count(*) FROM journal WHERE type ="
        . " 'reapprovisionnement' AND magasin_id IS NULL"),
        MagasinTest::sql("SELECT count(*) FROM demande_reapprovisionnement"
            . " WHERE statut = 'approuvee'"), 'rush: each moves its unit once');
    ok($nginx->stop, 'a graceful stop');
    is($nginx->complaints, '', 'nothing alarming in the log');
}

MagasinTest::reset();

__DATA__

=== TEST 1: each has its own outcome
--- init
MagasinTest::reset(main::ask('1, 4, 5', '2, 4, 1000', '2, 1, 2', '1, 9, 3'), q{UPDATE demande_reapprovisionnement SET statut = 'refusee', date_decision = now(), decideur = 'x' WHERE id = 3});
--- calls
POST /api/v1/replenishments/decisions/ {"approuver":[1,2,3,99],"refuser":[4],"motif":"lundi"} -> 200 ~^\{"resultats":\[\{"id":1,"code":200,"detail":null,"demande":\{"id":1,"magasin":1,"produit":4,"quantite":5,"statut":"approuvee",[^{}]*\}\},\{"id":2,"code":409,"detail":"Stock central insuffisant·: demandé 1000, disponible 395. La demande est refusée.","demande":null\},\{"id":3,"code":409,"detail":"La demande est déjà refusée.","demande":null\},\{"id":99,"code":404,"detail":"Demande avec ID 99 introuvable.","demande":null\},\{"id":4,"code":200,"detail":null,"demande":\{"id":4,[^{}]*"statut":"refusee",[^{}]*\}\}\]\}$
GET /api/v1/stores/1/stock/4/ -> 200 {"magasin":1,"produit":4,"quantite":35,"disponible":35}
GET /api/v1/stock/central/4/ -> 200 {"produit":4,"quantite":395}
GET /api/v1/replenishments/2/ -> 200 ~"statut":"refusee"
--- database
SELECT type, magasin_id, produit_id, delta, acteur, reference, motif FROM journal WHERE acteur = 'siege' AND reference = 'demande/1' ORDER BY id -> demande_approbation|1|4||siege|demande/1|lundi reapprovisionnement||4|-5|siege|demande/1|lundi reapprovisionnement|1|4|5|siege|demande/1|lundi


=== TEST 2: bodies
--- calls
POST /api/v1/replenishments/decisions/ {} -> 400 {"approuver":["Donnez de 1 à 1000 demandes."]}
POST /api/v1/replenishments/decisions/ {"approuver":3} -> 400 {"approuver":["Attendait une liste d'éléments."]}
POST /api/v1/replenishments/decisions/ {"approuver":[1,"x"],"refuser":[0],"x":1} -> 400 {"approuver":["Un nombre entier valide est requis."],"refuser":["Un nombre entier valide est requis."],"x":["Champ inconnu."]}
POST /api/v1/replenishments/decisions/ {"refuser":[1],"motif":true} -> 400 ~^\{"motif":
PATCH /api/v1/replenishments/1/ {} -> 400 !quantite required
PATCH /api/v1/replenishments/1/ {"quantite":0,"produit":3} -> 400 !quantite min1, produit unknown
POST /api/v1/replenishments/1/cancel/ {"x":1} -> 400 !x unknown
POST /api/v1/replenishments/1/approve/ {"quantite":0} -> 400 !quantite min1
POST /api/v1/replenishments/1/reject/ {"quantite":1} -> 400 !quantite unknown
--- unchanged


=== TEST 3: fewer units than were asked for
--- init
MagasinTest::reset(main::ask('1, 4, 5', '1, 9, 500'));
--- calls
POST /api/v1/replenishments/1/approve/ {"quantite":6} -> 400 {"quantite":["Assurez-vous que cette valeur est inférieure ou égale à 5."]}
POST /api/v1/replenishments/1/approve/ {"quantite":2} -> 200 ~"quantite":2,"statut":"approuvee"
POST /api/v1/replenishments/2/approve/ {"quantite":400} -> 200 ~"quantite":400,"statut":"approuvee"
GET /api/v1/stores/1/stock/4/ -> 200 {"magasin":1,"produit":4,"quantite":32,"disponible":32}
--- database
SELECT jsonb_extract_path_text(details, 'quantite') FROM journal WHERE type = 'demande_approbation' AND reference = 'demande/1' -> [5, 2]


=== TEST 4: a change while it waits
--- init
MagasinTest::reset(main::ask('1, 4, 5'));
--- calls
PATCH /api/v1/replenishments/1/ {"quantite":8,"motif":"fête"} -> 200 ~^\{"id":1,"magasin":1,"produit":4,"quantite":8,"statut":"en_attente",
POST /api/v1/replenishments/1/cancel/ {"motif":"fini"} -> 200 ~"statut":"annulee","date_demande":"T","date_decision":"T","decideur":"siege"\}$
PATCH /api/v1/replenishments/1/ {"quantite":9} -> 409 {"detail":"La demande est déjà annulée.","statut":"annulee"}
POST /api/v1/replenishments/1/cancel/ -> 409 {"detail":"La demande est déjà annulée.","statut":"annulee"}
POST /api/v1/replenishments/1/approve/ -> 409 {"detail":"La demande est déjà annulée.","statut":"annulee"}
PATCH /api/v1/replenishments/1/ {"motif":"trop tard"} -> 409 {"detail":"La demande est déjà annulée.","statut":"annulee"}
GET /api/v1/replenishments/?statut=annulee -> 200 ~"results":\[\{"id":1,
PATCH /api/v1/replenishments/99/ {"quantite":9} -> 404 Demande avec ID 99 introuvable.
POST /api/v1/replenishments/99/cancel/ -> 404 Demande avec ID 99 introuvable.
--- database
SELECT type, motif, details - 'date_decision' FROM journal WHERE acteur = 'siege' ORDER BY id -> demande_modification|fête|{"quantite": [5, 8]} demande_modification|fini|{"statut": ["en_attente", "annulee"], "decideur": [null, "siege"]}


=== TEST 4b: a motif alone goes into the journal
--- init
MagasinTest::reset(main::ask('1, 4, 5'));
--- calls
PATCH /api/v1/replenishments/1/ {"motif":"pour la fête"} -> 200 ~^\{"id":1,"magasin":1,"produit":4,"quantite":5,"statut":"en_attente",
PATCH /api/v1/replenishments/1/ {"quantite":5,"motif":"toujours"} -> 200 ~"quantite":5
PATCH /api/v1/replenishments/1/ {"quantite":5} -> 200 ~"quantite":5
--- database
SELECT type, magasin_id, produit_id, reference, motif, details FROM journal WHERE acteur = 'siege' ORDER BY id -> demande_modification|1|4|demande/1|pour la fête| demande_modification|1|4|demande/1|toujours|


=== TEST 5: with the tag of what was read
--- init
MagasinTest::reset(main::ask('1, 4, 5'));
--- request eval
['GET /api/v1/replenishments/1/', map { "PATCH /api/v1/replenishments/1/\n{\"quantite\":8}" } 1 .. 4]
--- more_headers eval
["$::siege", map { "$::siege\n$_" } 'If-Match: "a"', 'If-None-Match: *', 'If-Match: *', 'If-Match: "' . ('0' x 32) . '"']
--- error_code eval: [200, 412, 412, 200, 412]
--- response_headers_like eval: ['ETag: "[0-9a-f]{32}"', ('Cache-Control: no-store') x 2, 'ETag: "[0-9a-f]{32}"', 'Cache-Control: no-store']


=== TEST 6: a key
--- init
MagasinTest::reset(main::ask('1, 4, 5', '1, 9, 5'));
--- request eval
[(map { "POST /api/v1/replenishments/decisions/\n{\"approuver\":[1]}" } 1, 2), "POST /api/v1/replenishments/decisions/\n{\"approuver\":[2]}", (map { 'POST /api/v1/replenishments/2/cancel/' } 1, 2)]
--- more_headers eval
[(map { "$::siege\nIdempotency-Key: d-1" } 1 .. 3), (map { "$::siege\nIdempotency-Key: d-2" } 1, 2)]
--- error_code eval: [200, 200, 422, 200, 200]
--- response_body_like eval
[('"id":1,"code":200') x 2, 'clé', ('"statut":"annulee"') x 2]


=== TEST 7: who may: the store that asks changes and withdraws, the centre decides
--- init
MagasinTest::reset(main::ask('1, 4, 5', '1, 4, 6'));
--- request eval
[(map { "PATCH /api/v1/replenishments/1/\n{\"quantite\":8}" } 1 .. 4), (map { 'POST /api/v1/replenishments/1/cancel/' } 1 .. 4), (map { "POST /api/v1/replenishments/decisions/\n{\"refuser\":[2]}" } 1 .. 4)]
--- more_headers eval
[map { ('', map { MagasinTest::as($_) } @$_) } [qw(autre nord un)], [qw(autre nord un)], [qw(autre un siege)]]
--- error_code eval: [401, 403, 403, 200, 401, 403, 403, 200, 401, 403, 403, 200]
