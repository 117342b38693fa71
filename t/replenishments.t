# /api/v1/replenishments/: what stores ask of the central stock, the list of
# it, and the decision.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;
use MagasinNginx;
use MIME::Base64 qw(encode_base64url);

$ENV{TEST_NGINX_TOKENS} = MagasinTest::tokens(
    depot  => 'reapprovisionnement',
    gerant => 'reapprovisionnement,admin',
    autre  => 'produits,prix,ventes,stock,admin',
    rien   => '',
);

our $depot  = MagasinTest::as('depot');
our $gerant = MagasinTest::as('gerant');

# Requests that wait, by id: store, product, quantity, and a state.
sub ask {
    return map {
        my ($id, $store, $product, $quantity, $state) = @$_;
        $state //= 'en_attente';
        'INSERT INTO demande_reapprovisionnement (id, magasin_id, produit_id,'
            . ' quantite, statut, date_demande) VALUES'
            . " ($id, $store, $product, $quantity, '$state',"
            . " '2026-03-01 10:00:00Z')"
    } @_;
}

# `--- bodies` is a table of bodies for a request, each on a line:
#
#     {"magasin":1} -> produit required, quantite required
MagasinTest::each_block(sub {
    my ($block) = @_;

    my $table = $block->bodies;
    return unless defined $table;

    my $calls = '';
    for my $line (grep {/\S/} split /\n/, $table) {
        my ($sent, $errors) = $line =~ /^(.*?)\s*->\s+(.*?)\s*$/
            or die "bad line in bodies: $line\n";
        $calls .= "POST /api/v1/replenishments/ $sent -> 400 "
            . ($errors =~ /^[~{]/ ? "$errors\n" : "!$errors\n");
    }
    $block->set_value('calls',     $calls);
    $block->set_value('unchanged', '');
    return;
});

our $next = '';

sub ids {
    my ($body) = @_;
    my ($link) = $body =~ /^\{"next":("[^"]*"|null),"results":\[.*\]\}$/s
        or return $body;
    $next = $link =~ m{^"http://localhost(/.*)"$} ? $1 : '';
    my @ids = $body =~ /\{"id":(\d+),/g;
    return CORE::join ' ', @ids, $link eq 'null' ? '.' : '>';
}

# "<next>" is the link of the last list; "<cursor:TEXT>" one made by hand.
MagasinTest::each_block(sub {
    my ($block) = @_;
    for my $section (qw(gets request response_headers)) {
        my $text = $block->$section;
        next if !defined $text || ref $text;
        $text =~ s/<next>/$next/g;
        $text =~ s/<cursor:(.*?)>/encode_base64url($1 =~ tr{|_}{\x1f }r)/ge;
        $block->set_value($section, $text);
    }
    return;
});

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();
MagasinTest::gets();
MagasinTest::calls(more_headers => $depot);
MagasinTest::databases();

run_tests();


# Two who decide at once: one of them is first

{
    MagasinTest::reset(ask(map { [ $_, 1, 1, 1 ] } 1 .. 200));
    my $nginx = MagasinNginx->start(workers => 2);
    my @requests;
    for my $id (1 .. 200) {
        push @requests, map { "POST /api/v1/replenishments/$id/$_/ HTTP/1.1\r\n"
            . "Host: localhost\r\nAuthorization: Token secret-depot\r\n"
            . "Content-Length: 0\r\n\r\n" } qw(approve reject approve);
    }
    my $load = $nginx->load(connections => 16, seconds => 1,
        requests => \@requests);
    my $count = $load->finish;

    is($count->{failed}, 0, 'rush: every decision has an answer');
    is($count->{200}, 200, 'rush: each is decided once')
        if $count->{sent} >= @requests;
    is($count->{200} + $count->{409}, $count->{sent}, 'rush: the others: 409');
    is(MagasinTest::sql('SELECT (SELECT quantite FROM stock_local WHERE id = 1)'
        . ' - 20 - (SELECT count(*) FROM demande_reapprovisionnement'
        . " WHERE statut = 'approuvee')"), 0, 'rush: each approved unit came');
    is(MagasinTest::sql('SELECT (SELECT quantite FROM stock_local WHERE id = 1)'
        . ' + (SELECT quantite FROM stock_central WHERE produit_id = 1)'), 220,
        'rush: no unit is lost or made');
    ok($nginx->stop, 'a graceful stop');
    is($nginx->complaints, '', 'nothing alarming in the log');
}

MagasinTest::reset();

__DATA__

=== TEST 1: a request
--- init: MagasinTest::reset();
--- more_headers eval: $::depot
--- request
POST /api/v1/replenishments/
{"magasin":2,"produit":1,"quantite":12}
--- error_code: 201
--- response_body_like chomp
\A\{"id":1,"magasin":2,"produit":1,"quantite":12,"statut":"en_attente","date_demande":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z","date_decision":null,"decideur":null\}\z
--- response_headers
Content-Type: application/json
Location: /api/v1/replenishments/1/
Cache-Control: no-store
Allow: GET, POST, HEAD, OPTIONS
--- database
SELECT id, magasin_id, produit_id, quantite, statut, date_decision, decideur, date_demande > now() - interval '1 minute' FROM demande_reapprovisionnement -> 1|2|1|12|en_attente|||t
SELECT type, magasin_id, produit_id, delta, quantite, acteur, reference, motif, details FROM journal WHERE acteur = 'depot' ORDER BY id DESC LIMIT 1 -> demande_creation|2|1|||depot|demande/1||
SELECT quantite FROM stock_central WHERE produit_id = 1 -> 200
SELECT quantite FROM stock_local WHERE magasin_id = 2 AND produit_id = 1 -> 0
--- no_error_log
[error]


=== TEST 2: and afterwards
--- init
--- calls
GET /api/v1/replenishments/1/ -> 200 {"id":1,"magasin":2,"produit":1,"quantite":12,"statut":"en_attente","date_demande":"T","date_decision":null,"decideur":null}
HEAD /api/v1/replenishments/1/ -> 200
GET /api/v1/replenishments/ -> 200 {"next":null,"results":[{"id":1,"magasin":2,"produit":1,"quantite":12,"statut":"en_attente","date_demande":"T","date_decision":null,"decideur":null}]}
--- response_headers_like eval
[("Content-Type: application/json\nCache-Control: no-cache\nETag: \"[0-9a-f]{32}\"\nAllow: GET, PATCH, HEAD, OPTIONS") x 2, 'Allow: GET, POST, HEAD, OPTIONS']


=== TEST 3: an approval moves the units
--- init
MagasinTest::reset(main::ask([1, 2, 1, 12]));
--- calls
POST /api/v1/replenishments/1/approve/ -> 200 {"id":1,"magasin":2,"produit":1,"quantite":12,"statut":"approuvee","date_demande":"T","date_decision":"T","decideur":"gerant"}
GET /api/v1/replenishments/1/ -> 200 {"id":1,"magasin":2,"produit":1,"quantite":12,"statut":"approuvee","date_demande":"T","date_decision":"T","decideur":"gerant"}
GET /api/v1/stores/2/stock/1/ -> 200 {"magasin":2,"produit":1,"quantite":12,"disponible":12}
--- more_headers eval: $::gerant
--- response_headers eval
["Content-Type: application/json\nCache-Control: no-store\nAllow: POST, OPTIONS\n! Location", '', '']
--- database
SELECT quantite FROM stock_central WHERE produit_id = 1 -> 188
SELECT statut, decideur, date_decision > now() - interval '1 minute' AND date_decision <= now() FROM demande_reapprovisionnement -> approuvee|gerant|t
SELECT type, coalesce(magasin_id::text, '-'), produit_id, delta, quantite, acteur, reference, motif FROM journal WHERE xid = (SELECT max(xid) FROM journal WHERE acteur = 'gerant') ORDER BY id -> demande_approbation|2|1|||gerant|demande/1| reapprovisionnement|-|1|-12|188|gerant|demande/1| reapprovisionnement|2|1|12|12|gerant|demande/1|
SELECT details #> '{statut}' FROM journal WHERE type = 'demande_approbation' AND acteur = 'gerant' ORDER BY id DESC LIMIT 1 -> ["en_attente", "approuvee"]


=== TEST 4: a product that the store never had, and the last units there are
--- init
MagasinTest::reset(main::ask([1, 2, 2, 300], [2, 2, 2, 1]));
--- calls
POST /api/v1/replenishments/1/approve/ -> 200 ~"statut":"approuvee"
GET /api/v1/stores/2/stock/2/ -> 200 {"magasin":2,"produit":2,"quantite":300,"disponible":300}
POST /api/v1/replenishments/2/approve/ -> 409 {"detail":"Stock central insuffisant·: demandé 1, disponible 0. La demande est refusée.","statut":"refusee","produits":[{"produit":2,"nom":"Souris optique","demande":1,"disponible":0}]}
GET /api/v1/replenishments/2/ -> 200 {"id":2,"magasin":2,"produit":2,"quantite":1,"statut":"refusee","date_demande":"T","date_decision":"T","decideur":"depot"}
POST /api/v1/replenishments/2/approve/ -> 409 {"detail":"La demande est déjà refusée.","statut":"refusee"}
--- database
SELECT quantite FROM stock_central WHERE produit_id = 2 -> 0
SELECT type, magasin_id, produit_id, acteur, reference FROM journal WHERE acteur = 'depot' AND type LIKE 'demande%' ORDER BY id DESC LIMIT 2 -> demande_refus|2|2|depot|demande/2 demande_approbation|2|2|depot|demande/1


=== TEST 5: a product that the central stock never had
--- init
MagasinTest::reset('DELETE FROM stock_central WHERE produit_id = 3', main::ask([1, 1, 3, 1]));
--- calls
POST /api/v1/replenishments/1/approve/ -> 409 {"detail":"Stock central insuffisant·: demandé 1, disponible 0. La demande est refusée.","statut":"refusee","produits":[{"produit":3,"nom":"Tapis de souris XL","demande":1,"disponible":0}]}
--- database
SELECT statut, decideur FROM demande_reapprovisionnement -> refusee|depot
SELECT quantite FROM stock_local WHERE magasin_id = 1 AND produit_id = 3 -> 15


=== TEST 6: a refusal moves nothing
--- init
MagasinTest::reset(main::ask([1, 2, 1, 12]));
--- more_headers eval: $::gerant
--- calls
POST /api/v1/replenishments/1/reject/ -> 200 {"id":1,"magasin":2,"produit":1,"quantite":12,"statut":"refusee","date_demande":"T","date_decision":"T","decideur":"gerant"}
--- database
SELECT quantite FROM stock_central WHERE produit_id = 1 -> 200
SELECT quantite FROM stock_local WHERE magasin_id = 2 AND produit_id = 1 -> 0
SELECT type, magasin_id, produit_id, delta, quantite, acteur, reference, motif FROM journal WHERE xid = (SELECT max(xid) FROM journal WHERE acteur = 'gerant') ORDER BY id -> demande_refus|2|1|||gerant|demande/1|


=== TEST 7: decided already
--- init
MagasinTest::reset(main::ask([1, 2, 1, 12, 'approuvee'], [2, 2, 1, 12, 'refusee']));
--- calls
POST /api/v1/replenishments/1/approve/ -> 409 {"detail":"La demande est déjà approuvée.","statut":"approuvee"}
POST /api/v1/replenishments/1/reject/ -> 409 {"detail":"La demande est déjà approuvée.","statut":"approuvee"}
POST /api/v1/replenishments/2/approve/ -> 409 {"detail":"La demande est déjà refusée.","statut":"refusee"}
POST /api/v1/replenishments/2/reject/ -> 409 {"detail":"La demande est déjà refusée.","statut":"refusee"}
--- unchanged


=== TEST 8: a closed store is not supplied, and neither asks
--- init
MagasinTest::reset(main::ask([1, 5, 1, 12]), 'UPDATE magasin SET ouvert = false WHERE id = 5');
--- calls
POST /api/v1/replenishments/1/approve/ -> 409 {"detail":"Le magasin «·Magasin Ouest·» est fermé.","magasin":5}
GET /api/v1/replenishments/1/ -> 200 ~"statut":"en_attente"
POST /api/v1/replenishments/ {"magasin":5,"produit":1,"quantite":1} -> 409 {"detail":"Le magasin «·Magasin Ouest·» est fermé.","magasin":5}
--- unchanged


=== TEST 9: but what it asked for can be refused
--- init
MagasinTest::reset(main::ask([1, 5, 1, 12]), 'UPDATE magasin SET ouvert = false WHERE id = 5');
--- calls
POST /api/v1/replenishments/1/reject/ -> 200 ~"statut":"refusee"


=== TEST 10: unknown and archived ones
--- init
MagasinTest::reset('UPDATE produit SET archive_le = now() WHERE id = 6', q{UPDATE produit SET nom = E'a"b\\\\' WHERE id = 6});
--- calls
POST /api/v1/replenishments/ {"magasin":99,"produit":1,"quantite":1} -> 400 !magasin key99
POST /api/v1/replenishments/ {"magasin":1,"produit":99,"quantite":1} -> 400 !produit key99
POST /api/v1/replenishments/ {"magasin":98,"produit":99,"quantite":1} -> 400 !magasin key98, produit key99
POST /api/v1/replenishments/ {"magasin":9223372036854775807,"produit":9223372036854775807,"quantite":1} -> 400 !magasin key9223372036854775807, produit key9223372036854775807
POST /api/v1/replenishments/ {"magasin":1,"produit":6,"quantite":1} -> 409 {"detail":"Produit archivé·: a\"b\\.","produits":[{"produit":6,"nom":"a\"b\\"}]}
--- unchanged


=== TEST 11: forms of numbers that count
--- calls
POST /api/v1/replenishments/ {"magasin":"2","produit":"01","quantite":"2147483647"} -> 201 ~"id":1,"magasin":2,"produit":1,"quantite":2147483647,
POST /api/v1/replenishments/ {"quantite":1,"produit":1,"magasin":2} -> 201 ~"quantite":1,
POST /api/v1/replenishments/1/approve/ -> 409 ~"demande":2147483647,"disponible":200


=== TEST 12: members
--- bodies
{} -> magasin required, produit required, quantite required
-> magasin required, produit required, quantite required
{"quantite":null,"produit":null,"magasin":null} -> magasin null, produit null, quantite null
{"magasin":1,"produit":1} -> quantite required
{"magasin":1,"quantite":1} -> produit required
{"produit":1,"quantite":1} -> magasin required
{"magasin":1,"produit":1,"quantite":1,"statut":"approuvee"} -> statut unknown
{"id":1,"magasin":1,"produit":1,"quantite":0,"decideur":"x"} -> quantite min1, id unknown, decideur unknown
{"magasin":1,"produit":1,"quantite":1,"\u0000":1} -> ~^\{"[^"]+":\["Champ inconnu\."\]\}$
{"magasin":1,"produit":1,"quantite":1,"\ud800":1} -> ~^\{"[^"]+":\["Champ inconnu\."\]\}$
[] -> {"non_field_errors":["Donnée non valide. Attendait un dictionnaire, a reçu list."]}
null -> {"non_field_errors":["No data provided"]}
7 -> ~^\{"non_field_errors"
{"magasin":1,} -> ~^\{"detail":"JSON parse error


=== TEST 13: each of every type
--- bodies
{"magasin":1,"produit":1,"quantite":0} -> quantite min1
{"magasin":1,"produit":1,"quantite":-1} -> quantite min1
{"magasin":1,"produit":1,"quantite":2147483648} -> quantite max2147483647
{"magasin":1,"produit":1,"quantite":9223372036854775808} -> quantite max2147483647
{"magasin":1,"produit":1,"quantite":-9223372036854775809} -> quantite min1
{"magasin":1,"produit":1,"quantite":1e400} -> quantite integer
{"magasin":1,"produit":1,"quantite":1.0} -> quantite integer
{"magasin":1,"produit":1,"quantite":true} -> quantite integer
{"magasin":1,"produit":1,"quantite":"dix"} -> quantite integer
{"magasin":1,"produit":1,"quantite":"1.5"} -> quantite integer
{"magasin":1,"produit":1,"quantite":""} -> quantite integer
{"magasin":1,"produit":1,"quantite":[1]} -> quantite integer
{"magasin":1,"produit":1,"quantite":{}} -> quantite integer
{"magasin":1,"produit":1,"quantite":"1\u0000"} -> quantite integer
{"magasin":1,"produit":1,"quantite":"\ud800"} -> quantite integer
{"magasin":true,"produit":1.5,"quantite":1} -> magasin integer, produit integer
{"magasin":[],"produit":{},"quantite":1} -> magasin integer, produit integer
{"magasin":"a","produit":"\u0000","quantite":1} -> magasin integer, produit integer
{"magasin":1e400,"produit":-1e400,"quantite":1} -> magasin integer, produit integer
{"magasin":0,"produit":1,"quantite":1} -> ~^\{"magasin":\["[^"]+"\]\}$
{"magasin":1,"produit":-1,"quantite":1} -> ~^\{"produit":\["[^"]+"\]\}$
{"magasin":9223372036854775808,"produit":18446744073709551617,"quantite":1} -> ~^\{"magasin":\["[^"]+"\],"produit":\["[^"]+"\]\}$
{"magasin":99999999999999999999999999,"produit":1,"quantite":1} -> ~^\{"magasin":\["[^"]+"\]\}$


=== TEST 14: forms
--- init: MagasinTest::reset();
--- request eval
[map {"POST /api/v1/replenishments/\n$_"} 'magasin=2&produit=1&quantite=3', "--b\r\nContent-Disposition: form-data; name=\"magasin\"\r\n\r\n2\r\n--b\r\nContent-Disposition: form-data; name=\"produit\"\r\n\r\n1\r\n--b\r\nContent-Disposition: form-data; name=\"quantite\"\r\n\r\n4\r\n--b--", 'magasin=2&produit=&quantite=0&truc=', '<a/>']
--- more_headers eval
['Authorization: Token secret-depot
Content-Type: application/x-www-form-urlencoded', 'Authorization: Token secret-depot
Content-Type: multipart/form-data; boundary=b', 'Authorization: Token secret-depot
Content-Type: application/x-www-form-urlencoded', 'Authorization: Token secret-depot']
--- error_code eval: [201, 201, 400, 415]
--- response_body_like eval
['"id":1,"magasin":2,"produit":1,"quantite":3,', '"id":2,"magasin":2,"produit":1,"quantite":4,', '\A' . quotemeta(MagasinTest::error_body('produit required', 'quantite min1', 'truc unknown')) . '\z', '"detail"']
--- database
SELECT count(*) FROM demande_reapprovisionnement -> 2


=== TEST 15: a decision needs no body, and takes no member that is not its own
--- init
MagasinTest::reset(main::ask(map { [$_, 2, 1, 1] } 1 .. 6));
--- calls
POST /api/v1/replenishments/1/approve/ {} -> 200 ~"statut":"approuvee"
POST /api/v1/replenishments/2/reject/ {} -> 200 ~"statut":"refusee"
POST /api/v1/replenishments/3/approve/ {"produit":1} -> 400 !produit unknown
POST /api/v1/replenishments/3/reject/ {"motif":"non","a":1} -> 400 !motif unknown, a unknown
POST /api/v1/replenishments/3/approve/ [] -> 400 ~^\{"non_field_errors"
POST /api/v1/replenishments/3/approve/ null -> 400 {"non_field_errors":["No data provided"]}
POST /api/v1/replenishments/3/approve/ {bad -> 400 ~^\{"detail":"JSON parse error
--- database
SELECT id, statut FROM demande_reapprovisionnement ORDER BY id LIMIT 3 -> 1|approuvee 2|refusee 3|en_attente


=== TEST 16: without a type, and in chunks of nothing
--- init
MagasinTest::reset(main::ask(map { [$_, 2, 1, 1] } 1 .. 6));
--- request eval
['POST /api/v1/replenishments/1/approve/', "POST /api/v1/replenishments/2/approve/\n", "POST /api/v1/replenishments/3/approve/\n0\r\n\r\n", "POST /api/v1/replenishments/4/approve/\na=1", "POST /api/v1/replenishments/4/approve/\n\r\n"]
--- more_headers eval
my $a = 'Authorization: Token secret-depot'; [$a, "$a\nContent-Length: 0", "$a\nTransfer-Encoding: chunked\nContent-Type: application/json", "$a\nContent-Type: application/x-www-form-urlencoded", "$a\nContent-Type: text/plain\nContent-Length: 2"]
--- error_code eval: [200, 200, 200, 400, 415]
--- database
SELECT id, statut FROM demande_reapprovisionnement WHERE id < 5 ORDER BY id -> 1|approuvee 2|approuvee 3|approuvee 4|en_attente


=== TEST 17: requests that are not there
--- calls
GET /api/v1/replenishments/9/ -> 404 Demande avec ID 9 introuvable.
POST /api/v1/replenishments/9/approve/ -> 404 Demande avec ID 9 introuvable.
POST /api/v1/replenishments/9/reject/ -> 404 Demande avec ID 9 introuvable.
GET /api/v1/replenishments/0/ -> 404 Demande avec ID 0 introuvable.
GET /api/v1/replenishments/9223372036854775807/ -> 404 Demande avec ID 9223372036854775807 introuvable.
GET /api/v1/replenishments/9223372036854775808/ -> 404 Demande avec ID 9223372036854775808 introuvable.
POST /api/v1/replenishments/9223372036854775808/approve/ -> 404 Demande avec ID 9223372036854775808 introuvable.
POST /api/v1/replenishments/99999999999999999999999999/reject/ -> 404 Demande avec ID 99999999999999999999999999 introuvable.
GET /api/v1/replenishments/-1/ -> 404 {"detail":"Pas trouvé."}
POST /api/v1/replenishments/x/approve/ -> 404 {"detail":"Pas trouvé."}
POST /api/v1/replenishments/1/delete/ -> 404 {"detail":"Pas trouvé."}
POST /api/v1/replenishments/1/approve -> 404 {"detail":"Pas trouvé."}
POST /api/v1/replenishments {"magasin":1,"produit":1,"quantite":1} -> 404 {"detail":"Pas trouvé."}
POST /api/v1/replenishments/9/approve/ {"a":1} -> 400 !a unknown
--- unchanged


=== TEST 18: the path of a 404 is the one that was asked for
--- calls
POST /api/v1/replenishments/009/approve/ -> 404 Demande avec ID 9 introuvable.
POST /api/v1/replenishments/009/reject/ -> 404 Demande avec ID 9 introuvable.
GET /api/v1/replenishments/009/ -> 404 Demande avec ID 9 introuvable.


=== TEST 19: more than a store can have
--- init
MagasinTest::reset('UPDATE stock_local SET quantite = 2147483647 WHERE id = 1', main::ask([1, 1, 1, 1]));
--- calls
POST /api/v1/replenishments/1/approve/ -> 409 ~^\{"detail":"[^"]*2147483647[^"]*"
--- unchanged


=== TEST 20: who may
--- init
MagasinTest::reset(main::ask([1, 1, 1, 1]));
--- request eval: [map { ("POST /api/v1/replenishments/\n{\"magasin\":1,\"produit\":1,\"quantite\":1}", 'POST /api/v1/replenishments/1/approve/', 'POST /api/v1/replenishments/1/reject/') } 1 .. 4]
--- more_headers eval: [map { ($_) x 3 } 'Content-Type: application/json', MagasinTest::as('inconnu'), MagasinTest::as('autre'), MagasinTest::as('rien')]
--- error_code eval: [(401) x 6, (403) x 6]
--- response_body_like eval
my @unauthorized = map {qq("message":"Token d'accès invalide ou manquant\\.","path":"/api/v1/replenishments/$_"\\}\\z)} '', '1/approve/', '1/reject/';
[@unauthorized, @unauthorized, ('\A\{"detail":"Vous n\'avez pas la permission d\'effectuer cette action\."\}\z') x 6]
--- unchanged


=== TEST 21: methods
--- init
MagasinTest::reset(main::ask([1, 1, 1, 1]));
--- calls
PUT /api/v1/replenishments/ {} -> 405 {"detail":"Méthode «·PUT·» non autorisée."}
DELETE /api/v1/replenishments/1/ -> 405
POST /api/v1/replenishments/1/ {} -> 405
GET /api/v1/replenishments/1/approve/ -> 405
HEAD /api/v1/replenishments/1/reject/ -> 405
PUT /api/v1/replenishments/1/approve/ -> 405
OPTIONS /api/v1/replenishments/ -> 200 ~^\{"name":"Demandes Reapprovisionnement",
OPTIONS /api/v1/replenishments/1/ -> 200 ~^\{"name":"Demande Reapprovisionnement",
OPTIONS /api/v1/replenishments/1/approve/ -> 200 ~^\{"name":"Approbation Demande",
OPTIONS /api/v1/replenishments/1/reject/ -> 200 ~^\{"name":"Refus Demande",
--- response_headers eval: [map {"Allow: $_"} 'GET, POST, HEAD, OPTIONS', ('GET, PATCH, HEAD, OPTIONS') x 2, ('POST, OPTIONS') x 3, 'GET, POST, HEAD, OPTIONS', 'GET, PATCH, HEAD, OPTIONS', ('POST, OPTIONS') x 2]
--- unchanged


=== TEST 22: errors as problems
--- init
MagasinTest::reset(main::ask([1, 1, 1, 1, 'refusee'], [2, 5, 1, 1], [3, 1, 1, 201]), 'UPDATE magasin SET ouvert = false WHERE id = 5');
--- request eval
['POST /api/v1/replenishments/1/approve/', 'POST /api/v1/replenishments/2/approve/', 'POST /api/v1/replenishments/3/approve/', 'POST /api/v1/replenishments/9/approve/', "POST /api/v1/replenishments/\n{}", "POST /api/v1/replenishments/\n{\"magasin\":99,\"produit\":1,\"quantite\":1}", 'GET /api/v1/replenishments/9/', 'GET /api/v1/replenishments/?statut=x', 'PUT /api/v1/replenishments/1/']
--- more_headers eval: "$::depot\nAccept: application/problem+json"
--- error_code eval: [409, 409, 409, 404, 400, 400, 404, 400, 405]
--- response_headers eval: [('Content-Type: application/problem+json') x 9]
--- response_body_like eval
my $p = sub { my ($title, $status, $path, $rest) = @_; qr(\A\{"type":"about:blank","title":"\Q$title\E","status":$status,"instance":"/api/v1/replenishments/$path","detail":"$rest\}\z) };
[$p->('Conflict', 409, '1/approve/', 'La demande est déjà refusée\.","statut":"refusee"'), $p->('Conflict', 409, '2/approve/', '[^"]+","magasin":5'), $p->('Conflict', 409, '3/approve/', '[^"]+","statut":"refusee","produits":\[\{"produit":1,"nom":"Clavier mécanique","demande":201,"disponible":200\}\]'), $p->('Not Found', 404, '9/approve/', 'Demande avec ID 9 introuvable\."'),
 $p->('Bad Request', 400, '', '[^"]+","erreurs":\{"magasin":\["[^"]+"\],"produit":\["[^"]+"\],"quantite":\["[^"]+"\]\}'), $p->('Bad Request', 400, '', '[^"]+","erreurs":\{"magasin":\["[^"]+"\]\}'), $p->('Not Found', 404, '9/', 'Demande avec ID 9 introuvable\."'), $p->('Bad Request', 400, '', '[^"]+","erreurs":\{"statut":\["[^"]+"\]\}'), $p->('Method Not Allowed', 405, '1/', '[^"]+"')]


=== TEST 23: one that was seen already
--- init
MagasinTest::reset(main::ask([1, 2, 1, 12]));
--- request eval: [('GET /api/v1/replenishments/1/') x 5, 'HEAD /api/v1/replenishments/1/', 'GET /api/v1/replenishments/9/']
--- more_headers eval
use Digest::MD5 qw(md5_hex); my $tag = md5_hex('{"id":1,"magasin":2,"produit":1,"quantite":12,"statut":"en_attente","date_demande":"2026-03-01T10:00:00.000000Z","date_decision":null,"decideur":null}');
[map {"If-None-Match: $_"} "\"$tag\"", "W/\"$tag\"", "\"x\", \"$tag\"", '*', '"x"', "\"$tag\"", '*']
--- error_code eval: [304, 304, 304, 304, 200, 304, 404]


=== TEST 24: the list, newest first, and its filters
--- init
MagasinTest::reset(main::ask([1, 1, 1, 5], [2, 2, 1, 5, 'approuvee'], [3, 1, 2, 5, 'refusee'], [4, 1, 1, 5, 'approuvee'], [5, 2, 3, 5]));
--- response_body_filters: ids
--- gets
/api/v1/replenishments/ -> 200 5 4 3 2 1 .
/api/v1/replenishments/?magasin=1 -> 200 4 3 1 .
/api/v1/replenishments/?magasin=4 -> 200 .
/api/v1/replenishments/?magasin=99 -> 200 .
/api/v1/replenishments/?produit=1 -> 200 4 2 1 .
/api/v1/replenishments/?produit=99 -> 200 .
/api/v1/replenishments/?produit=9223372036854775807 -> 200 .
/api/v1/replenishments/?statut=en_attente -> 200 5 1 .
/api/v1/replenishments/?statut=approuvee -> 200 4 2 .
/api/v1/replenishments/?statut=refusee -> 200 3 .
/api/v1/replenishments/?statut=approuvee&magasin=1&produit=1 -> 200 4 .
/api/v1/replenishments/?statut=refusee&statut=en_attente -> 200 5 1 .
/api/v1/replenishments/?statut=&magasin=&produit=&limit=&cursor=&depuis=x -> 200 5 4 3 2 1 .
/api/v1/replenishments/?limit=5 -> 200 5 4 3 2 1 .
/api/v1/replenishments/?limit=1000 -> 200 5 4 3 2 1 .
/api/v1/replenishments/?limit=1 -> 200 5 >
--- response_headers_like eval
[('Link: ') x 15, 'Link: <http://localhost/api/v1/replenishments/\?cursor=[A-Za-z0-9_-]+&limit=1>; rel="next"']


=== TEST 25: parameters that are wrong
--- gets eval
CORE::join '', map { "/api/v1/replenishments/?$_->[0] -> 400 " . ($_->[1] =~ /^~/ ? $_->[1] : MagasinTest::error_body(split /, /, $_->[1])) . "\n" }
    ['magasin=x', 'magasin integer'], ['produit=1.0', 'produit integer'], ['produit=1%00', 'produit integer'], ['magasin=0', '~^\{"magasin":\["[^"]+"\]\}$'], ['produit=-1', '~^\{"produit":\["[^"]+"\]\}$'], ['produit=9223372036854775808', '~^\{"produit":\["[^"]+"\]\}$'],
    ['statut=x', 'statut choice'], ['statut=EN_ATTENTE', 'statut choice'], ['statut=en_attente%00', 'statut choice'], ['statut=approuvee,refusee', 'statut choice'], ['statut=%ff', 'statut choice'],
    ['limit=0', 'limit min1'], ['limit=1001', 'limit max1000'], ['limit=abc', 'limit integer'], ['cursor=x', 'cursor cursor'],
    ['cursor=x&limit=-5&statut=x&produit=x&magasin=x', 'magasin integer, produit integer, statut choice, limit min1, cursor cursor'],
    map { ["cursor=$_", 'cursor cursor'] } qw(! <cursor:x> <cursor:-1> <cursor:1_> <cursor:1.0> <cursor:|> <cursor:5|> <cursor:5|6> <cursor:2026-03-02_00:00:00+00|4> <cursor:9223372036854775808> <cursor:9999999999999999999> <cursor:99999999999999999999> AAAA %00), 'A' x 1100


=== TEST 26: pages: the first
--- response_body_filters: ids
--- gets
/api/v1/replenishments/?limit=2 -> 200 5 4 >


=== TEST 27: the second, after one came, one was decided and one is gone
--- init
MagasinTest::sql(main::ask([6, 1, 1, 1], [7, 1, 1, 1]), "UPDATE demande_reapprovisionnement SET statut = 'approuvee' WHERE id = 1", 'DELETE FROM demande_reapprovisionnement WHERE id = 4');
--- response_body_filters: ids
--- gets
<next> -> 200 3 2 >


=== TEST 28: the last
--- response_body_filters: ids
--- gets
<next> -> 200 1 .


=== TEST 29: pages of a filter
--- init
MagasinTest::reset(main::ask([1, 1, 1, 5], [2, 2, 1, 5, 'approuvee'], [3, 1, 2, 5], [4, 1, 1, 5, 'approuvee'], [5, 1, 3, 5]));
--- response_body_filters: ids
--- gets
/api/v1/replenishments/?statut=en_attente&limit=1&magasin=1 -> 200 5 >


=== TEST 30: go on with it
--- response_body_filters: ids
--- gets
<next> -> 200 3 >
--- response_headers_like
Link: <http://localhost/api/v1/replenishments/\?cursor=[A-Za-z0-9_-]+&limit=1&magasin=1&statut=en_attente>; rel="next"


=== TEST 31: to the end
--- response_body_filters: ids
--- gets
<next> -> 200 1 .


=== TEST 32: fifty unless told otherwise, a thousand at most
--- init
MagasinTest::reset('INSERT INTO demande_reapprovisionnement (id, magasin_id, produit_id, quantite) SELECT n, 1, 1, 1 FROM generate_series(1, 1010) n');
--- response_body_filters: ids
--- gets eval
'/api/v1/replenishments/ -> 200 ' . CORE::join(' ', (CORE::reverse 961 .. 1010), '>') . "\n" . '/api/v1/replenishments/?limit=1000 -> 200 ' . CORE::join(' ', (CORE::reverse 11 .. 1010), '>')


=== TEST 33: the page after a thousand
--- response_body_filters: ids
--- gets
<next> -> 200 10 9 8 7 6 5 4 3 2 1 .


=== TEST 34: two approvals for one product wait for each other
--- init
MagasinTest::reset(main::ask([1, 1, 1, 150]));
$main::held = MagasinTest::hold('UPDATE stock_central SET quantite = quantite - 100 WHERE produit_id = 1');
print {$main::held} "SELECT pg_sleep(0.3); COMMIT;\n";
--- timeout: 10s
--- calls
POST /api/v1/replenishments/1/approve/ -> 409 ~"statut":"refusee","produits":\[\{"produit":1,"nom":"Clavier mécanique","demande":150,"disponible":100\}\]
--- database
SELECT quantite FROM stock_central WHERE produit_id = 1 -> 100


=== TEST 35: a deadlock is settled inside
--- init
close $main::held; MagasinTest::reset(main::ask([1, 1, 1, 10]));
$main::held = MagasinTest::hold("SET LOCAL deadlock_timeout = '60s'", 'SELECT FROM stock_local WHERE id = 1 FOR UPDATE');
print {$main::held} "SELECT pg_sleep(0.4); SELECT FROM stock_central WHERE produit_id = 1 FOR UPDATE;\nROLLBACK;\n";
--- timeout: 10s
--- calls
POST /api/v1/replenishments/1/approve/ -> 200 ~"statut":"approuvee"
--- database
SELECT quantite FROM stock_central WHERE produit_id = 1 -> 190
SELECT quantite FROM stock_local WHERE id = 1 -> 30


=== TEST 36: a product that was archived since is still refused
--- init
close $main::held; MagasinTest::reset(main::ask([1, 1, 1, 10], [2, 1, 1, 10]), 'UPDATE produit SET archive_le = now() WHERE id = 1');
--- calls
POST /api/v1/replenishments/2/reject/ -> 200 ~"statut":"refusee"
