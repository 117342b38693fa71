# GET /api/v1/stock/central/{produit}/ and POST .../adjust/: one row of the
# central stock, by the rules of a store's (t/adjust.t).

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;
use MagasinNginx;

$ENV{TEST_NGINX_TOKENS} = MagasinTest::tokens(
    stock => 'stock',
    autre => 'produits,prix,ventes,reapprovisionnement,admin',
    un    => 'stock magasins=1',
);

our $stock = MagasinTest::as('stock');

# `--- bodies` is a table of bodies that are refused.
MagasinTest::each_block(sub {
    my ($block) = @_;

    my $table = $block->bodies;
    return unless defined $table;

    my $calls = '';
    for my $line (grep {/\S/} split /\n/, $table) {
        my ($sent, $errors) = $line =~ /^(.*?)\s*->\s+(.*?)\s*$/
            or die "bad line in bodies: $line\n";
        $calls .= "POST /api/v1/stock/central/1/adjust/ $sent -> 400 "
            . ($errors =~ /^[~{]/ ? "$errors\n" : "!$errors\n");
    }
    $block->set_value('calls',     $calls);
    $block->set_value('unchanged', '');
    return;
});

sub post { return "POST /api/v1/stock/central/1/adjust/\n$_[0]" }

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();
MagasinTest::calls(more_headers => $stock);
MagasinTest::databases();

run_tests();

# Many at once: each counts, and none is lost.
{
    MagasinTest::reset();
    my $nginx = MagasinNginx->start(workers => 2);
    my $load = $nginx->load(connections => 16, seconds => 1, requests => [
        map { "POST /api/v1/stock/central/$_/adjust/ HTTP/1.1\r\n"
            . "Host: localhost\r\nAuthorization: Token secret-stock\r\n"
            . "Content-Type: application/json\r\nContent-Length: 11\r\n\r\n"
            . '{"delta":1}' } 1, 2, 1 ]);
    my $count = $load->finish;

    is($count->{failed}, 0, 'rush: every adjustment has an answer');
    is($count->{200}, $count->{sent}, 'rush: and is done');
    is(MagasinTest::sql('SELECT sum(quantite) - 500 FROM stock_central'
        . ' WHERE produit_id IN (1, 2)'), $count->{200}, 'rush: each counts');
    is(MagasinTest::sql('SELECT count(*) FROM journal WHERE acteur = '
        . "'stock' AND magasin_id IS NULL AND delta = 1"), $count->{200},
        'rush: and is in the journal');
    ok($nginx->stop, 'a graceful stop');
    is($nginx->complaints, '', 'nothing alarming in the log');
}

MagasinTest::reset();

__DATA__

=== TEST 1: one row of the central stock
--- calls
GET /api/v1/stock/central/1/ -> 200 {"produit":1,"quantite":200}
GET /api/v1/stock/central/013/ -> 200 {"produit":13,"quantite":500}
HEAD /api/v1/stock/central/1/ -> 200
OPTIONS /api/v1/stock/central/1/ -> 200 ~^\{"name":"Stock Central Produit",
POST /api/v1/stock/central/1/ {"delta":1} -> 405 {"detail":"Méthode «·POST·» non autorisée."}
GET /api/v1/stock/central/1 -> 301
GET /api/v1/stock/central/1/adjust/ -> 405
--- response_headers eval
["Content-Type: application/json\nETag: \"200\"\nCache-Control: no-cache\nAllow: GET, HEAD, OPTIONS", 'ETag: "500"', 'ETag: "200"', 'Allow: GET, HEAD, OPTIONS', 'Allow: GET, HEAD, OPTIONS', 'Location: /api/v1/stock/central/1/', 'Allow: POST, OPTIONS']
--- no_error_log
[error]


=== TEST 2: what is not there
--- init: MagasinTest::reset('DELETE FROM stock_central WHERE produit_id = 2');
--- calls
GET /api/v1/stock/central/2/ -> 404 Stock central du produit avec ID 2 introuvable.
GET /api/v1/stock/central/99/ -> 404 Stock central du produit avec ID 99 introuvable.
GET /api/v1/stock/central/9223372036854775808/ -> 404 ~"status":404,.*9223372036854775808
GET /api/v1/stock/central/x/ -> 404 {"detail":"Pas trouvé."}
POST /api/v1/stock/central/99/adjust/ {"delta":1} -> 404 Produit avec ID 99 introuvable.
POST /api/v1/stock/central/9223372036854775808/adjust/ {"delta":1} -> 404 Produit avec ID 9223372036854775808 introuvable.
POST /api/v1/stock/central/99/adjust/ {"delta":0} -> 400 !delta zero
--- unchanged


=== TEST 3: the quantity is the entity tag
--- init: MagasinTest::reset();
--- request eval: [("GET /api/v1/stock/central/1/") x 4]
--- more_headers eval
['If-None-Match: "200"', 'If-None-Match: *', 'If-None-Match: "20"', 'If-Match: "20"']
--- error_code eval: [304, 304, 200, 412]


=== TEST 4: differences and counts
--- init: MagasinTest::reset('DELETE FROM stock_central WHERE produit_id = 2');
--- calls
POST /api/v1/stock/central/1/adjust/ {"delta":-3,"motif":"casse"} -> 200 {"produit":1,"quantite":197}
POST /api/v1/stock/central/1/adjust/ {"delta":"5"} -> 200 {"produit":1,"quantite":202}
POST /api/v1/stock/central/1/adjust/ {"quantite":12,"attendu":202,"motif":"inventaire"} -> 200 {"produit":1,"quantite":12}
POST /api/v1/stock/central/1/adjust/ {"quantite":15,"attendu":20} -> 409 {"detail":"Le stock a changé·: 20 attendus, 12 présents.","attendu":20,"quantite":12}
POST /api/v1/stock/central/2/adjust/ {"delta":-1} -> 409 ~"demande":1,"disponible":0
POST /api/v1/stock/central/2/adjust/ {"delta":7} -> 200 {"produit":2,"quantite":7}
GET /api/v1/stock/central/2/ -> 200 {"produit":2,"quantite":7}
--- response_headers eval
["Content-Type: application/json\nETag: \"197\"\nCache-Control: no-store\nAllow: POST, OPTIONS", 'ETag: "202"', 'ETag: "12"', 'Cache-Control: no-store', 'Cache-Control: no-store', 'ETag: "7"', 'ETag: "7"']
--- database
SELECT type, magasin_id, produit_id, delta, quantite, acteur, reference, motif FROM journal WHERE acteur = 'stock' ORDER BY id DESC LIMIT 4 -> ajustement||2|7|7|stock|| ajustement||1|-190|12|stock||inventaire ajustement||1|5|202|stock|| ajustement||1|-3|197|stock||casse


=== TEST 5: not below 0, nor above what there can be
--- init: MagasinTest::reset('UPDATE stock_central SET quantite = 2147483647 WHERE produit_id = 2');
--- calls
POST /api/v1/stock/central/1/adjust/ {"delta":-201} -> 409 {"detail":"Stock insuffisant·: Clavier mécanique (demandé 201, disponible 200).","produits":[{"produit":1,"nom":"Clavier mécanique","demande":201,"disponible":200}]}
POST /api/v1/stock/central/2/adjust/ {"delta":1} -> 409 {"detail":"Le stock dépasserait 2147483647 unités."}
--- unchanged


=== TEST 6: conditions
--- init: MagasinTest::reset('DELETE FROM stock_central WHERE produit_id = 2');
--- request eval
[(map { main::post('{"delta":1}') } 1 .. 6), "POST /api/v1/stock/central/2/adjust/\n{\"delta\":1}", "POST /api/v1/stock/central/2/adjust/\n{\"delta\":1}"]
--- more_headers eval
[map {"$::stock\n$_"} 'If-Match: "200"', 'If-Match: "200"', 'If-Match: *', 'If-None-Match: "202"', 'If-None-Match: *', 'If-None-Match: "200"', 'If-Match: *', 'If-None-Match: *']
--- error_code eval: [200, 412, 200, 412, 412, 200, 412, 200]


=== TEST 7: a key
--- init: MagasinTest::reset();
--- request eval
[(map { main::post('{"delta":1}') } 1, 2), main::post('{"delta":2}')]
--- more_headers eval: "$::stock\nIdempotency-Key: centre-1"
--- error_code eval: [200, 200, 422]
--- response_body_like eval: ['"quantite":201', '"quantite":201', 'clé']
--- database
SELECT quantite FROM stock_central WHERE produit_id = 1 -> 201


=== TEST 8: bodies
--- bodies
{} -> delta required
{"delta":1,"quantite":12} -> ~^\{"delta":\["[^"]+"\]\}$
{"quantite":12} -> attendu required
{"delta":0,"x":1} -> delta zero, x unknown
{"delta":2.5} -> delta integer
{"quantite":-1,"attendu":20} -> quantite min0
{"delta":1,"motif":null} -> motif null
[] -> ~^\{"non_field_errors"


=== TEST 9: who may
--- init: MagasinTest::reset();
--- request eval: [map { main::post('{"delta":1}') } 1 .. 3]
--- more_headers eval: ['', MagasinTest::as('autre'), MagasinTest::as('un')]
--- error_code eval: [401, 403, 403]
--- unchanged
