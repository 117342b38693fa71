# Idempotency-Key: a write that is asked for again is not done again, and its
# first answer comes again.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;
use MagasinNginx;

my $all = 'produits,prix,ventes,stock,reapprovisionnement';
$ENV{TEST_NGINX_TOKENS} = MagasinTest::tokens(un => $all, deux => $all,
    caisse => 'ventes');

our $un   = MagasinTest::as('un');
our $sale = '{"magasin":1,"lignes":[{"produit":1,"quantite":2}]}';

# `--- keyed` is a table like `calls`, with whose token it is and the key
# before each request, where "$sale" is a sale of two keyboards and "=0" the
# very answer that request 0 had:
#
#     un k POST /api/v1/sales/ $sale -> 201 ~"id":7
#     un k POST /api/v1/sales/ $sale -> 201 =0
our @same;

MagasinTest::each_block(sub {
    my ($block) = @_;

    my $table = $block->keyed;
    @same = ();
    return unless defined $table;

    my ($calls, @headers) = ('');
    for my $line (grep {/\S/} split /\n/, $table) {
        my ($token, $key, $rest) = $line =~ /^(\S+)\s+(\S+)\s+(.*)$/
            or die "bad line in keyed: $line\n";
        push @same, $rest =~ s/=(\d+)\s*$// ? $1 : undef;
        $rest =~ s/\$sale/$sale/;
        $calls .= "$rest\n";
        push @headers, $key eq '-' ? MagasinTest::as($token)
            : MagasinTest::as($token, "Idempotency-Key: $key");
    }
    $block->set_value('calls',        $calls);
    $block->set_value('more_headers', \@headers);
    $block->set_value('response_body_filters', [ sub { $_[0] } ]);
    return;
});

our @bodies;

add_response_body_check(sub {
    my ($block, $body, $i) = @_;
    @bodies = () if $i == 0;
    push @bodies, $body;

    # "--- same: 0 0 2" is "=" for requests that are in no table.
    my @first = defined scalar $block->same
        ? split(' ', $block->same) : @same;
    my $first = $first[$i];
    Test::More::is($body, $bodies[$first],
        $block->name . " - req $i - the answer of req $first again")
        if defined $first && $first < $i;
    return;
});

sub sale { return "POST /api/v1/sales/\n" . ($_[0] // $sale) }

# The lock that a request holds while it runs with this key.
sub lock_key {
    my ($token, $key) = @_;
    return MagasinTest::hold('SELECT pg_advisory_xact_lock(hashtextextended('
        . "'$token' || E'\\n' || '$key', 430115))");
}

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();
MagasinTest::calls(more_headers => $un);
MagasinTest::databases();

run_tests();


# Many at once with one key: one sale

{
    MagasinTest::reset();
    my $nginx = MagasinNginx->start(workers => 2);
    my $load = $nginx->load(connections => 16, seconds => 1, requests => [
        join "\r\n", 'POST /api/v1/sales/ HTTP/1.1', 'Host: localhost',
            'Authorization: Token secret-un', 'Content-Type: application/json',
            'Idempotency-Key: rush', 'Content-Length: ' . length $sale, '',
            $sale ]);
    my $count = $load->finish;

    is($count->{failed}, 0, 'rush: every request has an answer');
    cmp_ok($count->{201}, '>', 0, 'rush: it was sold');
    is($count->{201} + ($count->{409} // 0), $count->{sent},
        'rush: the others came too early or had the same answer');
    is(MagasinTest::sql('SELECT count(*) FROM vente WHERE id > 6'), 1,
        'rush: once');
    is(MagasinTest::sql('SELECT quantite FROM stock_local WHERE id = 1'), 18,
        'rush: and no more than once');

    # One key each: the answers are kept, and each sells.
    my $n = 0;
    $load = $nginx->load(connections => 8, requests => [
        map { join "\r\n", 'POST /api/v1/sales/ HTTP/1.1', 'Host: localhost',
            'Authorization: Token secret-un', 'Content-Type: application/json',
            'Idempotency-Key: each-' . int($_ / 2),
            'Content-Length: ' . length $sale, '', $sale } 0 .. 17 ]);
    MagasinNginx::wait_for(sub {
        MagasinTest::sql('SELECT count(*) FROM vente WHERE id > 6') >= 10 });
    $count = $load->finish;
    is($count->{failed}, 0, 'each: every request has an answer');
    is(MagasinTest::sql('SELECT count(*) FROM vente WHERE id > 6'), 10,
        'each: nine keys more, nine sales more');
    is(MagasinTest::sql('SELECT quantite FROM stock_local WHERE id = 1'), 0,
        'each: nothing is left');

    # Another node has the same answers.
    my $other = MagasinNginx->start(workers => 1);
    my $request = join "\r\n", 'POST /api/v1/sales/ HTTP/1.1',
        'Host: localhost', 'Authorization: Token secret-un',
        'Content-Type: application/json', 'Connection: close',
        'Idempotency-Key: rush', 'Content-Length: ' . length $sale, '', $sale;
    my ($status, $here)  = $nginx->ask($request);
    my ($again,  $there) = $other->ask($request);
    s/^.*?\r\n\r\n//s for $here, $there;
    is($status, 201, 'nodes: the answer');
    is($again,  201, 'nodes: and on another one');
    is($here, $there, 'nodes: the same');

    for ($nginx, $other) {
        ok($_->stop, 'a graceful stop');
        is($_->complaints, '', 'nothing alarming in the log');
    }
}

MagasinTest::reset();

__DATA__

=== TEST 1: a sale, asked for again, with the quotes and without
--- init: MagasinTest::reset();
--- keyed
un k1 POST /api/v1/sales/ $sale -> 201 ~^\{"id":7,.*"total":"179\.98"
un k1 POST /api/v1/sales/ $sale -> 201 =0
un "k1" POST /api/v1/sales/ $sale -> 201 =0
un "k2" POST /api/v1/sales/ $sale -> 201 ~^\{"id":8,
un k2 POST /api/v1/sales/ $sale -> 201 =3
un K2 POST /api/v1/sales/ $sale -> 201 ~^\{"id":9,
un - POST /api/v1/sales/ $sale -> 201 ~^\{"id":10,
un - POST /api/v1/sales/ $sale -> 201 ~^\{"id":11,
--- response_headers eval
[("Content-Type: application/json\nLocation: /api/v1/sales/7/\nCache-Control: no-store") x 3, ('Location: /api/v1/sales/8/') x 2, map {"Location: /api/v1/sales/$_/"} 9 .. 11]
--- database
SELECT count(*) FROM vente WHERE id > 6 -> 5
SELECT quantite FROM stock_local WHERE id = 1 -> 10
SELECT acteur, cle FROM idempotence ORDER BY cle COLLATE "C" -> un|K2 un|k1 un|k2
SELECT count(*) FROM journal WHERE reference = 'vente/7' AND xid = (SELECT max(xid) FROM journal WHERE reference = 'vente/7') -> 2
--- no_error_log
[error]


=== TEST 2: whatever became of the product, the store and the price since
--- init
MagasinTest::reset();
--- keyed
un k POST /api/v1/sales/ $sale -> 201 ~"total":"179\.98"


=== TEST 3: it is the first answer
--- init
$main::first = $main::bodies[0]; MagasinTest::sql('UPDATE produit SET prix = 1, archive_le = now() WHERE id = 1', 'UPDATE stock_local SET quantite = 0 WHERE id = 1', 'UPDATE magasin SET ouvert = false WHERE id = 1', 'DELETE FROM ligne_vente WHERE vente_id = 7', 'DELETE FROM vente WHERE id = 7');
--- keyed
un k POST /api/v1/sales/ $sale -> 201 ~^\{"id":7,"magasin":1,"date_vente":"[^"]+","total":"179\.98","lignes":\[\{"produit":1,"quantite":2,"prix_unitaire":"89\.99"\}\]\}$
un autre POST /api/v1/sales/ $sale -> 409 ~fermé
--- response_headers eval: ['Location: /api/v1/sales/7/', '! Location']
--- database
SELECT count(*) FROM vente WHERE id > 6 -> 0


=== TEST 4: another body or path is another request
--- init: MagasinTest::reset();
--- keyed
un k POST /api/v1/sales/ $sale -> 201
un k POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":1,"quantite":3}]} -> 422 {"detail":"Cette clé d’idempotence a déjà servi à une autre requête."}
un k POST /api/v1/sales/ {"magasin": 1,"lignes":[{"produit":1,"quantite":2}]} -> 422
un k POST /api/v1/replenishments/ {"magasin":1,"produit":1,"quantite":2} -> 422
un k POST /api/v1/stores/1/stock/1/adjust/ {"delta":1} -> 422
un k POST /api/v1/products/ {"nom":"a","categorie":"b","prix":1} -> 422
un k POST /api/v1/sales/ $sale -> 201 =0
--- response_headers eval
['', ("Content-Type: application/json\nCache-Control: no-store\n! Location") x 5, '']
--- database
SELECT count(*) FROM vente WHERE id > 6 -> 1
SELECT quantite FROM stock_local WHERE id = 1 -> 18
SELECT count(*) FROM demande_reapprovisionnement -> 0
SELECT count(*) FROM produit -> 15


=== TEST 5: the same body at another place, too
--- init: MagasinTest::reset("INSERT INTO demande_reapprovisionnement (id, magasin_id, produit_id, quantite) VALUES (1, 1, 1, 1), (2, 1, 1, 1)");
--- keyed
un k POST /api/v1/replenishments/1/approve/ -> 200 ~"statut":"approuvee"
un k POST /api/v1/replenishments/2/approve/ -> 422
un k POST /api/v1/replenishments/1/reject/ -> 422
un k POST /api/v1/replenishments/1/approve/ {} -> 422
un k POST /api/v1/replenishments/1/approve/ -> 200 =0
un j POST /api/v1/stores/1/stock/1/adjust/ {"delta":1} -> 200 {"magasin":1,"produit":1,"quantite":22,"disponible":22}
un j POST /api/v1/stores/1/stock/2/adjust/ {"delta":1} -> 422
un j POST /api/v1/stores/2/stock/1/adjust/ {"delta":1} -> 422
--- database
SELECT id, statut FROM demande_reapprovisionnement ORDER BY id -> 1|approuvee 2|en_attente


=== TEST 6: another token may have the same key
--- init: MagasinTest::reset();
--- keyed
un k POST /api/v1/sales/ $sale -> 201 ~"id":7,
deux k POST /api/v1/sales/ $sale -> 201 ~"id":8,
deux k POST /api/v1/sales/ $sale -> 201 =1
un k POST /api/v1/sales/ $sale -> 201 =0
caisse k POST /api/v1/stores/1/stock/1/adjust/ {"delta":1} -> 403
caisse k POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":1,"quantite":1}]} -> 201 ~"id":9,
--- database
SELECT acteur FROM idempotence ORDER BY 1 -> caisse deux un


=== TEST 7: the database's refusals are kept: 409
--- init: MagasinTest::reset('UPDATE stock_local SET quantite = 1 WHERE id = 1');
--- keyed
un k POST /api/v1/sales/ $sale -> 409 ~"demande":2,"disponible":1
un k POST /api/v1/sales/ $sale -> 409 =0
un s POST /api/v1/stores/1/stock/1/adjust/ {"delta":-2} -> 409 ~"demande":2,"disponible":1
un t POST /api/v1/stores/1/stock/1/adjust/ {"quantite":3,"attendu":4} -> 409 ~"attendu":4,"quantite":1
un r POST /api/v1/stores/1/stock/1/adjust/ {"delta":5} -> 200 {"magasin":1,"produit":1,"quantite":6,"disponible":6}
un k POST /api/v1/sales/ $sale -> 409 =0
un s POST /api/v1/stores/1/stock/1/adjust/ {"delta":-2} -> 409 =2
un t POST /api/v1/stores/1/stock/1/adjust/ {"quantite":3,"attendu":4} -> 409 =3
un r POST /api/v1/stores/1/stock/1/adjust/ {"delta":5} -> 200 =4
un l POST /api/v1/sales/ $sale -> 201 ~"id":7,
--- database
SELECT quantite FROM stock_local WHERE id = 1 -> 4


=== TEST 8: and 400 of an unknown product or store
--- init: MagasinTest::reset();
--- keyed
un a POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":16,"quantite":1}]} -> 400 ~^\{"lignes":\[\{"produit":\["Clé primaire
un b POST /api/v1/sales/ {"magasin":6,"lignes":[{"produit":1,"quantite":1}]} -> 400 ~^\{"magasin":\["Clé primaire
un c POST /api/v1/replenishments/ {"magasin":6,"produit":16,"quantite":1} -> 400 ~^\{"magasin":\["Clé primaire.*"produit":\["Clé primaire
--- database
SELECT cle, (reponse).statut FROM idempotence ORDER BY 1 -> a|400 b|400 c|400


=== TEST 9: also when they are known now
--- init: MagasinTest::sql("INSERT INTO magasin (id, nom, adresse) VALUES (6, 'Six', 'Six')", "INSERT INTO produit (id, nom, categorie, prix) VALUES (16, 'Seize', 'x', 1)", 'INSERT INTO stock_local (magasin_id, produit_id, quantite) VALUES (1, 16, 9), (6, 1, 9)');
--- keyed
un a POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":16,"quantite":1}]} -> 400 ~^\{"lignes":\[\{"produit":\["Clé primaire
un b POST /api/v1/sales/ {"magasin":6,"lignes":[{"produit":1,"quantite":1}]} -> 400 ~^\{"magasin":\["Clé primaire
un c POST /api/v1/replenishments/ {"magasin":6,"produit":16,"quantite":1} -> 400 ~^\{"magasin":\["Clé primaire.*"produit":\["Clé primaire
un d POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":16,"quantite":1}]} -> 201


=== TEST 10: what was not looked at is not kept: 400 of a field, 401, 403, 404, 415
--- init: MagasinTest::reset();
--- keyed
un k POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":1,"quantite":0}]} -> 400
un k POST /api/v1/sales/ {bad -> 400
un k POST /api/v1/sales/ [] -> 400
inconnu k POST /api/v1/sales/ $sale -> 401
caisse k POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":1,"quantite":1,"prix_unitaire":1}]} -> 403
un k POST /api/v1/stores/9/stock/1/adjust/ {"delta":1} -> 404
un k POST /api/v1/stores/1/stock/99/adjust/ {"delta":1} -> 404
un k POST /api/v1/replenishments/9/approve/ -> 404
un k POST /api/v1/replenishments/9/reject/ -> 404
un k POST /api/v1/replenishments/ {} -> 400
un k POST /api/v1/products/ {"nom":""} -> 400
un k POST /api/v1/stores/1/stock/1/adjust/ {"delta":0} -> 400
un k PUT /api/v1/sales/ $sale -> 405
un k POST /api/v1/sales/ $sale -> 201 ~"id":7,
--- database
SELECT count(*) FROM idempotence -> 1


=== TEST 11: nor 412
--- init: MagasinTest::reset();
--- request eval: [("POST /api/v1/stores/1/stock/1/adjust/\n{\"delta\":1}") x 4]
--- more_headers eval: [map {"$::un\nIdempotency-Key: k\nIf-Match: $_"} '"19"', '"20"', '"20"', '"5"']
--- error_code eval: [412, 200, 200, 200]
--- same: 0 1 1 1
--- response_headers eval: ['', ('ETag: "21-21"') x 3]
--- database
SELECT quantite FROM stock_local WHERE id = 1 -> 21


=== TEST 12: every POST takes a key
--- init: MagasinTest::reset("INSERT INTO demande_reapprovisionnement (id, magasin_id, produit_id, quantite) VALUES (101, 1, 1, 5), (102, 1, 1, 5), (103, 1, 1, 500)");
--- keyed
un a POST /api/v1/stores/1/stock/1/adjust/ {"delta":-3,"motif":"casse"} -> 200 {"magasin":1,"produit":1,"quantite":17,"disponible":17}
un a POST /api/v1/stores/1/stock/1/adjust/ {"delta":-3,"motif":"casse"} -> 200 =0
un b POST /api/v1/replenishments/ {"magasin":1,"produit":1,"quantite":2} -> 201 ~^\{"id":\d+,.*"statut":"en_attente"
un b POST /api/v1/replenishments/ {"magasin":1,"produit":1,"quantite":2} -> 201 =2
un c POST /api/v1/replenishments/101/approve/ -> 200 ~"statut":"approuvee"
un c POST /api/v1/replenishments/101/approve/ -> 200 =4
un d POST /api/v1/replenishments/102/reject/ -> 200 ~"statut":"refusee"
un d POST /api/v1/replenishments/102/reject/ -> 200 =6
un e POST /api/v1/replenishments/103/approve/ -> 409 ~"statut":"refusee","produits"
un e POST /api/v1/replenishments/103/approve/ -> 409 =8
un - POST /api/v1/replenishments/103/approve/ -> 409 ~déjà
un f POST /api/v1/products/ {"nom":"Écran","categorie":"Bureau","prix":"99.90"} -> 201 {"id":16,"nom":"Écran","categorie":"Bureau","prix":"99.90","description":""}
un f POST /api/v1/products/ {"nom":"Écran","categorie":"Bureau","prix":"99.90"} -> 201 =11
--- response_headers_like eval
[('ETag: "17-17"') x 2, ('Location: /api/v1/replenishments/\d+/') x 2, ('Location: ') x 7, ("Location: /api/v1/products/16/\nETag: \"[0-9a-f]{32}\"") x 2]
--- database
SELECT quantite FROM stock_local WHERE id = 1 -> 22
SELECT quantite FROM stock_central WHERE produit_id = 1 -> 195
SELECT count(*) FROM demande_reapprovisionnement -> 4
SELECT count(*) FROM produit -> 16
SELECT count(*) FROM idempotence -> 6


=== TEST 13: keys of every visible character, up to 255 of them
--- init: MagasinTest::reset();
--- request eval: [(main::sale()) x 8]
--- more_headers eval
my $visible = CORE::join '', map { chr } 0x21, 0x23 .. 0x7e; [map {"$::un\nIdempotency-Key: $_"} $visible, "\"$visible\"", 'x', 'x' x 255, '"' . 'x' x 255 . '"', '  x  ', '  "x"  ', "8e03978e-40d5-43dd-bc93-6894a57f9324"]
--- error_code eval: [(201) x 8]
--- same: 0 0 2 3 3 2 2 7
--- database
SELECT count(*) FROM vente WHERE id > 6 -> 4
SELECT length(cle) FROM idempotence ORDER BY 1 -> 1 36 93 255


=== TEST 14: and what is no key
--- init: MagasinTest::reset();
--- request eval: [(main::sale()) x 12]
--- more_headers eval
[(map {"$::un\nIdempotency-Key:$_"} '', ' ', ' ""', ' ' . 'x' x 256, ' "' . 'x' x 256 . '"', ' a b', ' "a b"', " a\tb", " \xc3\xa9", " a\xff"), "$::un\nIdempotency-Key: a\nIdempotency-Key: b", "$::un\nIdempotency-Key: a\nIdempotency-Key: a"]
--- error_code eval: [(400) x 12]
--- response_body eval: [(q({"detail":"L'en-tête Idempotency-Key doit avoir de 1 à 255 caractères visibles."})) x 12]
--- unchanged


=== TEST 15: a control character
--- init: MagasinTest::reset();
--- raw_request eval
"POST /api/v1/sales/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Token secret-un\r\nContent-Type: application/json\r\nIdempotency-Key: a\x01b\r\nContent-Length: " . length($::sale) . "\r\n\r\n$::sale"
--- error_code: 400
--- response_body_like: ^\{"detail":
--- unchanged


=== TEST 16: the order of errors: who, then the key; and as a problem
--- init: MagasinTest::reset();
--- request eval: [(main::sale()) x 4]
--- more_headers eval
["Content-Type: application/json\nIdempotency-Key: a b", MagasinTest::as('inconnu', 'Idempotency-Key: '), "Authorization: Token secret-un\nContent-Type: text/plain\nIdempotency-Key: a b", "$::un\nAccept: application/problem+json\nIdempotency-Key: a b"]
--- error_code eval: [401, 401, 415, 400]
--- response_body_like eval
['"status":401', '"status":401', '"detail"', '\A\{"type":"about:blank","title":"Bad Request","status":400,"instance":"/api/v1/sales/","detail":"L\'en-tête Idempotency-Key doit avoir de 1 à 255 caractères visibles\."\}\z']
--- unchanged


=== TEST 17: only for POST
--- init: MagasinTest::reset();
--- request eval
['GET /api/v1/sales/1/', "PUT /api/v1/products/3/\n{\"prix\":\"5.00\"}", "PUT /api/v1/products/3/\n{\"prix\":\"6.00\"}", "PATCH /api/v1/products/3/\n{\"prix\":\"7.00\"}", 'GET /api/v1/products/3/', 'OPTIONS /api/v1/sales/']
--- more_headers eval: [("$::un\nIdempotency-Key: k") x 3, "$::un\nIdempotency-Key: a b", "$::un\nIdempotency-Key: ", "Idempotency-Key: "]
--- error_code eval: [(200) x 6]
--- database
SELECT count(*) FROM idempotence -> 0
SELECT prix FROM produit WHERE id = 3 -> 7.00


=== TEST 18: chunks make no difference, nor does a form
--- init: MagasinTest::reset();
--- request eval
[main::sale(), main::sale(sprintf("%x\r\n%s\r\n0\r\n\r\n", length $::sale, $::sale)), main::sale(CORE::join('', map { "1\r\n$_\r\n" } split //, $::sale) . "0\r\n\r\n"), main::sale(sprintf("%x\r\n%s \r\n0\r\n\r\n", 1 + length $::sale, $::sale)),
 (map {"POST /api/v1/stores/1/stock/2/adjust/\n$_"} 'delta=-5&motif=a', 'delta=-5&motif=a', "10\r\ndelta=-5&motif=a\r\n0\r\n\r\n", 'delta=-5&motif=b', 'motif=a&delta=-5'),
 ("POST /api/v1/stores/1/stock/3/adjust/\n--b\r\nContent-Disposition: form-data; name=\"delta\"\r\n\r\n4\r\n--b--") x 2]
--- more_headers eval
my $form = "Authorization: Token secret-un\nContent-Type: application/x-www-form-urlencoded\nIdempotency-Key: f"; my $chunks = "Transfer-Encoding: chunked"; my $parts = "Authorization: Token secret-un\nContent-Type: multipart/form-data; boundary=b\nIdempotency-Key: p";
["$::un\nIdempotency-Key: k", ("$::un\nIdempotency-Key: k\n$chunks") x 3, $form, $form, "$form\n$chunks", $form, $form, $parts, $parts]
--- error_code eval: [201, 201, 201, 422, 200, 200, 200, 422, 422, 200, 200]
--- same: 0 0 0 3 4 4 4 7 8 9 9
--- database
SELECT quantite FROM stock_local WHERE id < 4 ORDER BY id -> 18 30 19


=== TEST 19: no body, an empty one, and no chunks are the same
--- init: MagasinTest::reset("INSERT INTO demande_reapprovisionnement (id, magasin_id, produit_id, quantite) VALUES (1, 1, 1, 5)");
--- request eval
['POST /api/v1/replenishments/1/approve/', 'POST /api/v1/replenishments/1/approve/', "POST /api/v1/replenishments/1/approve/\n0\r\n\r\n"]
--- more_headers eval
[map {"$::un\nIdempotency-Key: k\n$_"} '', 'Content-Length: 0', 'Transfer-Encoding: chunked']
--- error_code eval: [200, 200, 200]
--- same: 0 0 0


=== TEST 20: the first one is still running
--- init
MagasinTest::reset(); $main::held = main::lock_key('un', 'k');
--- keyed
un k POST /api/v1/sales/ $sale -> 409 {"detail":"Une requête avec cette clé d’idempotence est encore en cours.","en_cours":true}
un "k" POST /api/v1/stores/1/stock/1/adjust/ {"delta":1} -> 409 {"detail":"Une requête avec cette clé d’idempotence est encore en cours.","en_cours":true}
deux k POST /api/v1/sales/ $sale -> 201
un l POST /api/v1/sales/ $sale -> 201
un - POST /api/v1/sales/ $sale -> 201
--- database
SELECT count(*) FROM idempotence WHERE acteur = 'un' AND cle = 'k' -> 0
SELECT count(*) FROM vente WHERE id > 6 -> 3


=== TEST 21: what came of it is not kept
--- init
MagasinTest::release($main::held);
--- keyed
un k POST /api/v1/sales/ $sale -> 201 ~"id":10,
un k POST /api/v1/sales/ $sale -> 201 =0


=== TEST 22: as problems
--- init
MagasinTest::sql("UPDATE stock_local SET quantite = 0 WHERE id = 2"); $main::held = main::lock_key('un', 'r');
--- request eval: [main::sale(), main::sale('{"magasin":1,"lignes":[{"produit":1,"quantite":1}]}'), (main::sale('{"magasin":1,"lignes":[{"produit":2,"quantite":1}]}')) x 2]
--- more_headers eval: [map {"$::un\nAccept: application/problem+json\nIdempotency-Key: $_"} qw(r k v v)]
--- error_code eval: [409, 422, 409, 409]
--- same: 0 1 2 2
--- response_headers eval: [('Content-Type: application/problem+json') x 4]
--- response_body_like eval
['\A\{"type":"about:blank","title":"Conflict","status":409,"instance":"/api/v1/sales/","detail":"Une requête [^"]+","en_cours":true\}\z', '\A\{"type":"about:blank","title":"Unprocessable Content","status":422,"instance":"/api/v1/sales/","detail":"Cette clé [^"]+"\}\z', ('\A\{"type":"about:blank","title":"Conflict","status":409,"instance":"/api/v1/sales/","detail":"Stock insuffisant[^"]+","produits":\[\{"produit":2,"nom":"Souris optique","demande":1,"disponible":0\}\]\}\z') x 2]


=== TEST 23: a key of yesterday still counts
--- init
MagasinTest::release($main::held); MagasinTest::reset();
--- keyed
un k POST /api/v1/sales/ $sale -> 201 ~"id":7,
un l POST /api/v1/sales/ $sale -> 201 ~"id":8,


=== TEST 24: and one of the day before, which the maintenance has emptied, does not
--- init
my $day = sub { MagasinTest::sql("UPDATE idempotence SET jour = idempotence_jour(now() - interval '$_[1] hours') WHERE cle = '$_[0]'") };
my $empty = sub { MagasinTest::sql("SELECT idempotence_vider((now() AT TIME ZONE 'UTC')::date::timestamp AT TIME ZONE 'UTC' + interval '$_[0]')") };
# The nodes' own maintenance is of now.
my $turn = MagasinTest::hold('LOCK TABLE entretien_tour IN EXCLUSIVE MODE');
$day->(k => 24); $day->(l => 48);
$empty->('4 minutes');
Test::More::is(MagasinTest::sql('SELECT count(*) FROM idempotence'), 2, 'not in the first minutes of the day');
$empty->($_) for '23 hours 59 minutes', '5 minutes';
MagasinTest::release($turn);
--- keyed
un k POST /api/v1/sales/ $sale -> 201 ~"id":7,
un l POST /api/v1/sales/ $sale -> 201 ~"id":9,
un l POST /api/v1/sales/ $sale -> 201 =1
--- database
SELECT cle, jour = idempotence_jour(now()) FROM idempotence ORDER BY 1 -> k|f l|t


=== TEST 25: a thousand lines again
--- init: MagasinTest::reset('UPDATE stock_local SET quantite = 1000 WHERE id = 4');
--- request eval
my $long = main::sale('{"magasin":1,"lignes":[' . CORE::join(',', map { sprintf '{"produit":4,"quantite":1,"prix_unitaire":"%.2f"}', $_ / 100 } 1 .. 1000) . ']}'); [$long, $long]
--- more_headers eval: "$::un\nIdempotency-Key: k"
--- error_code eval: [201, 201]
--- same: 0 0
--- response_body_like eval: [('"total":"5005\.00"') x 2]


=== TEST 26: a deadlock is settled inside, also with a key
--- init
MagasinTest::reset();
$main::held = MagasinTest::hold("SET LOCAL deadlock_timeout = '60s'", 'SELECT FROM stock_local WHERE id = 2 FOR UPDATE');
print {$main::held} "SELECT pg_sleep(0.4); SELECT FROM stock_local WHERE id = 1 FOR UPDATE;\nROLLBACK;\n";
--- timeout: 10s
--- keyed
un k POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":1,"quantite":1},{"produit":2,"quantite":1}]} -> 201
un k POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":1,"quantite":1},{"produit":2,"quantite":1}]} -> 201 =0
--- database
SELECT count(*) FROM vente WHERE id > 6 -> 1


=== TEST 27: a refusal by the database's own checks is kept
--- init
close $main::held; MagasinTest::reset('UPDATE produit SET prix = 99999999.99 WHERE id = 1', 'UPDATE stock_local SET quantite = 2147483647 WHERE id = 1');
--- keyed
un k POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":1,"quantite":2147483647}]} -> 400
un k POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":1,"quantite":2147483647}]} -> 400 =0
un k POST /api/v1/sales/ $sale -> 422


=== TEST 28: a sale that could not be made in time is not made later
--- http_config eval
MagasinTest::database_directive('timeout=4s lock_timeout=500ms') . ' magasin_tokens $TEST_NGINX_TOKENS;'
--- init
MagasinTest::reset(); $main::held = MagasinTest::hold('SELECT FROM stock_local WHERE id = 1 FOR UPDATE');
--- timeout: 10s
--- keyed
un k POST /api/v1/sales/ $sale -> 503 ~^\{"detail":
--- database
SELECT count(*) FROM idempotence -> 0


=== TEST 29: and its key is as good as new
--- http_config eval
MagasinTest::database_directive('timeout=4s lock_timeout=500ms') . ' magasin_tokens $TEST_NGINX_TOKENS;'
--- init
MagasinTest::release($main::held); select undef, undef, undef, 0.2; is(MagasinTest::sql('SELECT count(*) FROM vente WHERE id > 6'), 0, 'TEST 29 - not made meanwhile');
--- keyed
un k POST /api/v1/sales/ $sale -> 201 ~"total":"179\.98"
un k POST /api/v1/sales/ $sale -> 201 =0
--- database
SELECT count(*) FROM vente WHERE id > 6 -> 1
SELECT quantite FROM stock_local WHERE id = 1 -> 18
