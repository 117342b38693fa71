# POST /api/v1/sales/ and GET /api/v1/sales/{id}/: what is sold, what is not,
# and what the database has then.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;
use MagasinNginx;
use Time::HiRes qw(sleep);

# caisse sells at the price of the product, chef at any.
$ENV{TEST_NGINX_TOKENS} = MagasinTest::tokens(
    caisse => 'ventes',
    chef   => 'produits,ventes,prix',
    autre  => 'produits,prix,stock,reapprovisionnement,admin',
    rien   => '',
);

our $caisse = MagasinTest::as('caisse');
our $chef   = MagasinTest::as('chef');

# `--- lines` is a table of lines of a sale that are wrong, each beside a good
# one, by who may give a price:
#
#     {"produit":1,"quantite":0} -> quantite min1
MagasinTest::each_block(sub {
    my ($block) = @_;

    my $table = $block->lines;
    return unless defined $table;

    my $calls = '';
    for my $line (grep {/\S/} split /\n/, $table) {
        my ($sent, $errors) = $line =~ /^(.*?)\s+->\s+(.*?)\s*$/
            or die "bad line in lines: $line\n";
        my $body = MagasinTest::error_body(split /\s*,\s*/, $errors);
        $calls .= 'POST /api/v1/sales/ {"magasin":1,"lignes":['
            . qq({"produit":4,"quantite":1},$sent]}) . ' -> 400 '
            . qq({"lignes":[{},$body]}\n);
    }
    $block->set_value('calls',        $calls);
    $block->set_value('more_headers', $chef);
    $block->set_value('unchanged',    '');
    return;
});

# The journal of a suite's own writes: type, store, product, delta, quantity,
# reference and reason.
our $journal = q{SELECT concat_ws(' ', type, coalesce(magasin_id::text, '-'),
    coalesce(produit_id::text, '-'), coalesce(delta::text, '-'),
    coalesce(quantite::text, '-'), reference, motif) FROM journal};

sub sale { return 'POST /api/v1/sales/' . "\n" . $_[0] }

# A sale of so many lines of product 4, a unit each.
sub many {
    my ($lines) = @_;
    return sale('{"magasin":1,"lignes":['
        . CORE::join(',', ('{"produit":4,"quantite":1}') x $lines) . ']}');
}

# One of so many different lines: the price of each is its number in cents.
sub different {
    my ($lines) = @_;
    return sale('{"magasin":1,"lignes":[' . join(',',
        map { sprintf '{"produit":4,"quantite":1,"prix_unitaire":"%.2f"}',
            $_ / 100 } 1 .. $lines) . ']}');
}

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();
MagasinTest::calls(more_headers => $caisse);
MagasinTest::databases();

run_tests();


# Who sells the last units: twenty of them for two hundred clients at once

{
    MagasinTest::reset();
    my $nginx = MagasinNginx->start(workers => 2,
        database => 'timeout=40s lock_timeout=30s');
    my $body  = '{"magasin":1,"lignes":[{"produit":2,"quantite":1},'
        . '{"produit":1,"quantite":1}]}';
    my $other = '{"magasin":1,"lignes":[{"produit":1,"quantite":1},'
        . '{"produit":2,"quantite":1}]}';
    my $load = $nginx->load(connections => 16,
        requests => [ map { post_request('/api/v1/sales/', $_) }
            $body, $other ]);
    MagasinNginx::wait_for(sub { MagasinTest::sql('SELECT quantite'
        . ' FROM stock_local WHERE magasin_id = 1 AND produit_id = 1') == 0 });
    my $count = $load->finish;

    is($count->{failed}, 0, 'rush: every sale has an answer');
    is($count->{201}, 20, 'rush: as many were sold as there were');
    is($count->{201} + $count->{409}, $count->{sent}, 'rush: the others: 409');
    is(MagasinTest::sql('SELECT quantite FROM stock_local WHERE magasin_id = 1'
        . ' AND produit_id IN (1, 2) ORDER BY produit_id'), "0\n15",
        'rush: nothing is left, and nothing sold twice');
    ok($nginx->stop, 'a graceful stop');
    is($nginx->complaints, '', 'nothing alarming in the log');
    MagasinTest::reset();
}

sub post_request {
    my ($path, $body, @headers) = @_;
    return join "\r\n", "POST $path HTTP/1.1", 'Host: localhost',
        'Authorization: Token secret-caisse', 'Content-Type: application/json',
        'Content-Length: ' . length $body, @headers, '', $body;
}

__DATA__

=== TEST 1: the sale of the documentation
--- init: MagasinTest::reset();
--- more_headers eval: $::chef
--- request
POST /api/v1/sales/
{"magasin":1,"lignes":[{"produit":4,"quantite":2},{"produit":1,"quantite":1,"prix_unitaire":"80.00"}]}
--- error_code: 201
--- response_body_like eval
qr(\A\{"id":7,"magasin":1,"date_vente":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z","total":"111\.98","lignes":\[\{"produit":4,"quantite":2,"prix_unitaire":"15\.99"\},\{"produit":1,"quantite":1,"prix_unitaire":"80\.00"\}\]\}\z)
--- response_headers
Content-Type: application/json
Location: /api/v1/sales/7/
Cache-Control: no-store
Allow: GET, POST, HEAD, OPTIONS
--- database
SELECT id, magasin_id, total, date_vente > now() - interval '1 minute' AND date_vente <= now() FROM vente WHERE id > 6 -> 7|1|111.98|t
SELECT produit_id, quantite, prix_unitaire FROM ligne_vente WHERE vente_id = 7 ORDER BY id -> 4|2|15.99 1|1|80.00
SELECT produit_id, quantite FROM stock_local WHERE magasin_id = 1 AND produit_id IN (1, 4) ORDER BY 1 -> 1|19 4|28
SELECT sum(quantite) FROM stock_central -> 3680
SELECT prix FROM produit WHERE id = 1 -> 89.99
SELECT type, magasin_id, produit_id, delta, quantite, acteur, reference, motif, details FROM journal WHERE acteur = 'chef' AND instant > now() - interval '1 minute' AND reference = 'vente/7' ORDER BY type, produit_id -> vente|1|1|-1|19|chef|vente/7|| vente|1|4|-2|28|chef|vente/7|| vente_creation|1||||chef|vente/7||
SELECT count(*) FROM idempotence WHERE acteur = 'chef' -> 0
--- no_error_log
[error]


=== TEST 2: and what is there afterwards
--- init
--- calls
GET /api/v1/sales/7/ -> 200 {"id":7,"magasin":1,"date_vente":"T","total":"111.98","lignes":[{"produit":4,"quantite":2,"prix_unitaire":"15.99"},{"produit":1,"quantite":1,"prix_unitaire":"80.00"}]}
HEAD /api/v1/sales/7/ -> 200
GET /api/v1/sales/007/ -> 200 ~^\{"id":7,
GET /api/v1/stores/1/stock/4/ -> 200 {"magasin":1,"produit":4,"quantite":28,"disponible":28}
GET /api/v1/sales/?limit=1 -> 200 ~"results":\[\{"id":7,"magasin":1,"date_vente":"T","total":"111.98"\}\]\}$
GET /api/v1/sales/1/ -> 200 {"id":1,"magasin":1,"date_vente":"T","total":"301.95","lignes":[{"produit":1,"quantite":3,"prix_unitaire":"89.99"},{"produit":4,"quantite":2,"prix_unitaire":"15.99"}]}
GET /api/v1/sales/6/ -> 200 {"id":6,"magasin":3,"date_vente":"T","total":"99999999.99","lignes":[{"produit":9,"quantite":1,"prix_unitaire":"99999999.99"}]}
--- response_headers_like eval
[(q(Content-Type: application/json
Cache-Control: no-cache
ETag: "[0-9a-f]{32}")) x 3,
 qq(ETag: "28-28"),
 qq(Allow: GET, POST, HEAD, OPTIONS),
 qq(Allow: GET, HEAD, OPTIONS), qq(Content-Length: \\d+)]


=== TEST 3: the instant is UTC with microseconds, whatever the database's zone
--- init
MagasinTest::reset("UPDATE vente SET date_vente = '2026-11-24 10:26:01.7345+02' WHERE id = 1", "UPDATE vente SET date_vente = '0001-01-01 00:00:00Z' WHERE id = 2", "UPDATE vente SET date_vente = '9999-12-31 23:59:59.999999Z' WHERE id = 3");
--- request eval
[map {"GET /api/v1/sales/$_/"} 1 .. 3]
--- response_body_like eval
['"date_vente":"2026-11-24T08:26:01\.734500Z"', '"date_vente":"0001-01-01T00:00:00\.000000Z"', '"date_vente":"9999-12-31T23:59:59\.999999Z"']


=== TEST 4: sales that are not there
--- calls
GET /api/v1/sales/9/ -> 404 Vente avec ID 9 introuvable.
GET /api/v1/sales/0/ -> 404 Vente avec ID 0 introuvable.
HEAD /api/v1/sales/9/ -> 404
GET /api/v1/sales/9223372036854775807/ -> 404 Vente avec ID 9223372036854775807 introuvable.
GET /api/v1/sales/9223372036854775808/ -> 404 Vente avec ID 9223372036854775808 introuvable.
GET /api/v1/sales/99999999999999999999999999/ -> 404 Vente avec ID 99999999999999999999999999 introuvable.
GET /api/v1/sales/-1/ -> 404 {"detail":"Pas trouvé."}
GET /api/v1/sales/x/ -> 404 {"detail":"Pas trouvé."}
GET /api/v1/sales/1/lignes/ -> 404 {"detail":"Pas trouvé."}


=== TEST 5: lines of one product at one price become one, in the place of the first
--- more_headers eval: $::chef
--- calls
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":2,"quantite":1},{"produit":3,"quantite":2},{"produit":2,"quantite":4}]} -> 201 {"id":7,"magasin":1,"date_vente":"T","total":"167.48","lignes":[{"produit":2,"quantite":5,"prix_unitaire":"25.50"},{"produit":3,"quantite":2,"prix_unitaire":"19.99"}]}
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":2,"quantite":1},{"produit":2,"quantite":1,"prix_unitaire":"25.5"},{"produit":2,"quantite":1,"prix_unitaire":20}]} -> 201 {"id":8,"magasin":1,"date_vente":"T","total":"71.00","lignes":[{"produit":2,"quantite":2,"prix_unitaire":"25.50"},{"produit":2,"quantite":1,"prix_unitaire":"20.00"}]}
GET /api/v1/sales/8/ -> 200 {"id":8,"magasin":1,"date_vente":"T","total":"71.00","lignes":[{"produit":2,"quantite":2,"prix_unitaire":"25.50"},{"produit":2,"quantite":1,"prix_unitaire":"20.00"}]}
--- database
SELECT vente_id, produit_id, quantite, prix_unitaire FROM ligne_vente WHERE vente_id > 6 ORDER BY id -> 7|2|5|25.50 7|3|2|19.99 8|2|2|25.50 8|2|1|20.00
SELECT produit_id, quantite FROM stock_local WHERE magasin_id = 1 AND produit_id IN (2, 3) ORDER BY 1 -> 2|27 3|13
SELECT produit_id, delta, quantite FROM journal WHERE reference = 'vente/8' AND type = 'vente' AND instant > now() - interval '1 minute' -> 2|-3|27


=== TEST 6: forms of numbers that count
--- more_headers eval: $::chef
--- calls
POST /api/v1/sales/ {"magasin":"1","lignes":[{"produit":"4","quantite":"2"}]} -> 201 ~"lignes":\[\{"produit":4,"quantite":2,"prix_unitaire":"15\.99"\}\]
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":1,"prix_unitaire":0}]} -> 201 ~"total":"0\.00","lignes":\[\{"produit":4,"quantite":1,"prix_unitaire":"0\.00"\}\]
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":1,"prix_unitaire":12.5}]} -> 201 ~"total":"12\.50"
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":1,"prix_unitaire":"1e1"}]} -> 201 ~"total":"10\.00"
POST /api/v1/sales/ {"lignes":[{"quantite":1,"produit":4}],"magasin":1} -> 201 ~"total":"15\.99"
POST /api/v1/sales/ {"magasin":9,"magasin":1,"lignes":[{"produit":4,"quantite":7,"quantite":1}]} -> 201 ~"quantite":1,


=== TEST 7: to the cent
--- init
MagasinTest::reset('UPDATE stock_local SET quantite = 20000 WHERE magasin_id = 1', 'UPDATE produit SET prix = 99999999.99 WHERE id = 1', 'UPDATE produit SET prix = 0.07 WHERE id = 2', 'UPDATE produit SET prix = 33.33 WHERE id = 3');
--- more_headers eval: $::chef
--- calls
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":1,"quantite":10000}]} -> 201 ~"total":"999999999900\.00"
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":1,"quantite":9999},{"produit":2,"quantite":7},{"produit":3,"quantite":3}]} -> 201 ~"total":"999900000000\.49"
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":2,"quantite":10001}]} -> 201 ~"total":"700\.07"
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":3,"prix_unitaire":"0.10"},{"produit":4,"quantite":3,"prix_unitaire":"0.20"}]} -> 201 ~"total":"0\.90"
--- database
SELECT total FROM vente WHERE id > 6 ORDER BY id -> 999999999900.00 999900000000.49 700.07 0.90


=== TEST 8: a total that is too large is the client's fault, and told so
--- init
MagasinTest::reset('UPDATE stock_local SET quantite = 2147483647 WHERE magasin_id = 1', 'UPDATE produit SET prix = 99999999.99');
--- calls
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":1,"quantite":10001}]} -> 400 ~^\{"lignes":\[
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":1,"quantite":2147483647},{"produit":2,"quantite":2147483647}]} -> 400 ~^\{"lignes":\[
--- unchanged


=== TEST 9: quantities to the last unit, and not one more
--- calls
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":1,"quantite":21}]} -> 409 {"detail":"Stock insuffisant·: Clavier mécanique (demandé 21, disponible 20).","produits":[{"produit":1,"nom":"Clavier mécanique","demande":21,"disponible":20}]}
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":1,"quantite":20}]} -> 201 ~"total":"1799\.80"
GET /api/v1/stores/1/stock/1/ -> 200 {"magasin":1,"produit":1,"quantite":0,"disponible":0}
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":1,"quantite":1}]} -> 409 {"detail":"Stock insuffisant·: Clavier mécanique (demandé 1, disponible 0).","produits":[{"produit":1,"nom":"Clavier mécanique","demande":1,"disponible":0}]}
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":2,"quantite":20},{"produit":2,"quantite":15}]} -> 201 ~"quantite":35,
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":3,"quantite":8},{"produit":3,"quantite":8}]} -> 409 ~"demande":16,"disponible":15
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":3,"quantite":2147483647},{"produit":3,"quantite":2147483647}]} -> 409 ~"demande":4294967294,"disponible":15
POST /api/v1/sales/ {"magasin":1,"total_attendu":"1.00","lignes":[{"produit":3,"quantite":2147483647},{"produit":3,"quantite":2147483647}]} -> 409 {"detail":"Le total a changé·: 1.00 attendus, 85856396207.06 à payer.","total_attendu":"1.00","total":"85856396207.06","lignes":[{"produit":3,"quantite":4294967294,"prix_unitaire":"19.99"}]}
--- database
SELECT quantite FROM stock_local WHERE magasin_id = 1 AND produit_id < 4 ORDER BY produit_id -> 0 0 15
SELECT count(*) FROM vente WHERE id > 6 -> 2


=== TEST 9.1: more of one product than an integer has, at the price that is expected
--- init: MagasinTest::reset('UPDATE produit SET prix = 0.01 WHERE id = 3')
--- calls
POST /api/v1/sales/ {"magasin":1,"total_attendu":"42949672.94","lignes":[{"produit":3,"quantite":2147483647},{"produit":3,"quantite":2147483647}]} -> 409 ~"demande":4294967294,"disponible":15
--- unchanged


=== TEST 10: all or nothing, and all that is short is told
--- calls
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":1},{"produit":11,"quantite":6},{"produit":2,"quantite":1}]} -> 409 {"detail":"Stock insuffisant·: Webcam HD 1080p (demandé 6, disponible 5).","produits":[{"produit":11,"nom":"Webcam HD 1080p","demande":6,"disponible":5}]}
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":11,"quantite":6},{"produit":4,"quantite":1},{"produit":10,"quantite":9}]} -> 409 {"detail":"Stock insuffisant·: Écouteurs Bluetooth (demandé 9, disponible 8), Webcam HD 1080p (demandé 6, disponible 5).","produits":[{"produit":10,"nom":"Écouteurs Bluetooth","demande":9,"disponible":8},{"produit":11,"nom":"Webcam HD 1080p","demande":6,"disponible":5}]}
POST /api/v1/sales/ {"magasin":2,"lignes":[{"produit":4,"quantite":1},{"produit":5,"quantite":1}]} -> 409 {"detail":"Stock insuffisant·: Café Espresso Intenso (demandé 1, disponible 0).","produits":[{"produit":5,"nom":"Café Espresso Intenso","demande":1,"disponible":0}]}
POST /api/v1/sales/ {"magasin":2,"lignes":[{"produit":1,"quantite":1}]} -> 409 ~"demande":1,"disponible":0
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":1},{"produit":1,"quantite":2147483647}]} -> 409 ~"demande":2147483647,"disponible":20
--- unchanged


=== TEST 11: unknown stores and products, closed stores, archived products
--- init
MagasinTest::reset('UPDATE magasin SET ouvert = false WHERE id = 5', 'UPDATE produit SET archive_le = now() WHERE id IN (6, 8)');
--- calls
POST /api/v1/sales/ {"magasin":99,"lignes":[{"produit":4,"quantite":1}]} -> 400 !magasin key99
POST /api/v1/sales/ {"magasin":9223372036854775807,"lignes":[{"produit":4,"quantite":1}]} -> 400 !magasin key9223372036854775807
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":99,"quantite":1}]} -> 400 {"lignes":[{"produit":["Clé primaire «·99·» non valide - l'objet n'existe pas."]}]}
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":1},{"produit":99,"quantite":1},{"produit":4,"quantite":1},{"produit":98,"quantite":1}]} -> 400 {"lignes":[{},{"produit":["Clé primaire «·99·» non valide - l'objet n'existe pas."]},{},{"produit":["Clé primaire «·98·» non valide - l'objet n'existe pas."]}]}
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":9223372036854775807,"quantite":1}]} -> 400 ~^\{"lignes":\[\{"produit":\["Clé primaire «·9223372036854775807·»
POST /api/v1/sales/ {"magasin":5,"lignes":[{"produit":4,"quantite":1}]} -> 409 {"detail":"Le magasin «·Magasin Ouest·» est fermé.","magasin":5}
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":1},{"produit":8,"quantite":1},{"produit":6,"quantite":1}]} -> 409 {"detail":"Produit archivé·: Thé Vert Sencha, Chocolat Noir 70%.","produits":[{"produit":6,"nom":"Thé Vert Sencha"},{"produit":8,"nom":"Chocolat Noir 70%"}]}
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":6,"quantite":1},{"produit":6,"quantite":1}]} -> 409 ~"produits":\[\{"produit":6,"nom":"Thé Vert Sencha"\}\]\}$
--- unchanged


=== TEST 12: names with every character do no harm to an answer
--- init
MagasinTest::reset(q{UPDATE produit SET nom = E'a"b\\\\c\\t\\u0001<é>' WHERE id IN (1, 2)}, q{UPDATE magasin SET nom = E'"\\\\\\n' || chr(128512), ouvert = false WHERE id = 5}, 'UPDATE produit SET archive_le = now() WHERE id = 2');
--- calls
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":1,"quantite":21}]} -> 409 ~^\{"detail":"Stock insuffisant·: a\\"b\\\\c\\t\\u0001<é> \(demandé 21, disponible 20\)\.","produits":\[\{"produit":1,"nom":"a\\"b\\\\c\\t\\u0001<é>","demande":21,"disponible":20\}\]\}$
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":2,"quantite":1}]} -> 409 ~"nom":"a\\"b\\\\c\\t\\u0001<é>"\}\]\}$
POST /api/v1/sales/ {"magasin":5,"lignes":[{"produit":4,"quantite":1}]} -> 409 {"detail":"Le magasin «·\"\\\n😀·» est fermé.","magasin":5}
--- unchanged


=== TEST 13: members of the body
--- calls
POST /api/v1/sales/ {} -> 400 !magasin required, lignes required
POST /api/v1/sales/ -> 400 !magasin required, lignes required
POST /api/v1/sales/ {"magasin":1} -> 400 !lignes required
POST /api/v1/sales/ {"lignes":[{"produit":4,"quantite":1}]} -> 400 !magasin required
POST /api/v1/sales/ {"truc":1,"lignes":[],"magasin":null} -> 400 !magasin null, lignes empty, truc unknown
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":1}],"truc":1} -> 400 !truc unknown
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":1}],"b":1,"a":null,"c":[]} -> 400 !b unknown, a unknown, c unknown
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":1}],"total":"1.00"} -> 400 !total unknown
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":1}],"id":1} -> 400 !id unknown
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":1}],"date_vente":"2026-01-01"} -> 400 !date_vente unknown
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":1}],"Magasin":2} -> 400 !Magasin unknown
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":1}],"":2} -> 400 {"":["Champ inconnu."]}
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":1}],"a\"\\\u0001é":2} -> 400 {"a\"\\\u0001é":["Champ inconnu."]}
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":1}],"\u0000":2} -> 400 ~^\{"[^"]+":\["Champ inconnu\."\]\}$
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":1}],"magasin\u0000":2} -> 400 ~^\{"magasin[^"]+":\["Champ inconnu\."\]\}$
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":1}],"\ud800":2} -> 400 ~^\{"[^"]+":\["Champ inconnu\."\]\}$
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":1}],"truc":"\ud800"} -> 400 !truc unknown
--- unchanged


=== TEST 14: the store, of every type
--- calls
POST /api/v1/sales/ {"magasin":null,"lignes":[{"produit":4,"quantite":1}]} -> 400 !magasin null
POST /api/v1/sales/ {"magasin":true,"lignes":[{"produit":4,"quantite":1}]} -> 400 !magasin integer
POST /api/v1/sales/ {"magasin":false,"lignes":[{"produit":4,"quantite":1}]} -> 400 !magasin integer
POST /api/v1/sales/ {"magasin":[1],"lignes":[{"produit":4,"quantite":1}]} -> 400 !magasin integer
POST /api/v1/sales/ {"magasin":{"id":1},"lignes":[{"produit":4,"quantite":1}]} -> 400 !magasin integer
POST /api/v1/sales/ {"magasin":1.0,"lignes":[{"produit":4,"quantite":1}]} -> 400 !magasin integer
POST /api/v1/sales/ {"magasin":1e0,"lignes":[{"produit":4,"quantite":1}]} -> 400 !magasin integer
POST /api/v1/sales/ {"magasin":1e400,"lignes":[{"produit":4,"quantite":1}]} -> 400 !magasin integer
POST /api/v1/sales/ {"magasin":"","lignes":[{"produit":4,"quantite":1}]} -> 400 !magasin integer
POST /api/v1/sales/ {"magasin":"a","lignes":[{"produit":4,"quantite":1}]} -> 400 !magasin integer
POST /api/v1/sales/ {"magasin":"1.0","lignes":[{"produit":4,"quantite":1}]} -> 400 !magasin integer
POST /api/v1/sales/ {"magasin":"1\u0000","lignes":[{"produit":4,"quantite":1}]} -> 400 !magasin integer
POST /api/v1/sales/ {"magasin":"\ud800","lignes":[{"produit":4,"quantite":1}]} -> 400 !magasin integer
POST /api/v1/sales/ {"magasin":"٤","lignes":[{"produit":4,"quantite":1}]} -> 400 !magasin integer
POST /api/v1/sales/ {"magasin":0,"lignes":[{"produit":4,"quantite":1}]} -> 400 ~^\{"magasin":\["[^"]+"\]\}$
POST /api/v1/sales/ {"magasin":-1,"lignes":[{"produit":4,"quantite":1}]} -> 400 ~^\{"magasin":\["[^"]+"\]\}$
POST /api/v1/sales/ {"magasin":9223372036854775808,"lignes":[{"produit":4,"quantite":1}]} -> 400 ~^\{"magasin":\["[^"]+"\]\}$
POST /api/v1/sales/ {"magasin":-9223372036854775809,"lignes":[{"produit":4,"quantite":1}]} -> 400 ~^\{"magasin":\["[^"]+"\]\}$
POST /api/v1/sales/ {"magasin":18446744073709551617,"lignes":[{"produit":4,"quantite":1}]} -> 400 ~^\{"magasin":\["[^"]+"\]\}$
POST /api/v1/sales/ {"magasin":99999999999999999999999999999999,"lignes":[{"produit":4,"quantite":1}]} -> 400 ~^\{"magasin":\["[^"]+"\]\}$
POST /api/v1/sales/ {"magasin":"9223372036854775808","lignes":[{"produit":4,"quantite":1}]} -> 400 ~^\{"magasin":\["[^"]+"\]\}$
--- unchanged


=== TEST 15: the list of lines, of every type
--- calls
POST /api/v1/sales/ {"magasin":1,"lignes":null} -> 400 !lignes null
POST /api/v1/sales/ {"magasin":1,"lignes":[]} -> 400 !lignes empty
POST /api/v1/sales/ {"magasin":1,"lignes":{}} -> 400 !lignes list
POST /api/v1/sales/ {"magasin":1,"lignes":{"produit":4,"quantite":1}} -> 400 !lignes list
POST /api/v1/sales/ {"magasin":1,"lignes":"x"} -> 400 !lignes list
POST /api/v1/sales/ {"magasin":1,"lignes":""} -> 400 !lignes list
POST /api/v1/sales/ {"magasin":1,"lignes":"[{\"produit\":4,\"quantite\":1}]"} -> 400 !lignes list
POST /api/v1/sales/ {"magasin":1,"lignes":1} -> 400 !lignes list
POST /api/v1/sales/ {"magasin":1,"lignes":1.5} -> 400 !lignes list
POST /api/v1/sales/ {"magasin":1,"lignes":1e400} -> 400 !lignes list
POST /api/v1/sales/ {"magasin":1,"lignes":18446744073709551616} -> 400 !lignes list
POST /api/v1/sales/ {"magasin":1,"lignes":true} -> 400 !lignes list
POST /api/v1/sales/ {"magasin":"x","lignes":true} -> 400 !magasin integer, lignes list
--- unchanged


=== TEST 16: a line, of every type
--- lines
null -> non_field_errors object
true -> non_field_errors object
1 -> non_field_errors object
1e400 -> non_field_errors object
99999999999999999999 -> non_field_errors object
"x" -> non_field_errors object
[] -> non_field_errors object
[{"produit":4,"quantite":1}] -> non_field_errors object
{} -> produit required, quantite required


=== TEST 17: the product of a line
--- lines
{"quantite":1} -> produit required
{"produit":null,"quantite":1} -> produit null
{"produit":true,"quantite":1} -> produit integer
{"produit":false,"quantite":1} -> produit integer
{"produit":"","quantite":1} -> produit integer
{"produit":"café","quantite":1} -> produit integer
{"produit":[],"quantite":1} -> produit integer
{"produit":{},"quantite":1} -> produit integer
{"produit":4.0,"quantite":1} -> produit integer
{"produit":4e0,"quantite":1} -> produit integer
{"produit":1e400,"quantite":1} -> produit integer
{"produit":-1e400,"quantite":1} -> produit integer
{"produit":"4.0","quantite":1} -> produit integer
{"produit":"0x4","quantite":1} -> produit integer
{"produit":"4}","quantite":1} -> produit integer
{"produit":"4,5","quantite":1} -> produit integer
{"produit":"NULL","quantite":1} -> produit integer
{"produit":"\u0000","quantite":1} -> produit integer
{"produit":"4\u0000","quantite":1} -> produit integer
{"produit":"\ud800","quantite":1} -> produit integer


=== TEST 18: the quantity of a line
--- lines
{"produit":1} -> quantite required
{"produit":1,"quantite":0} -> quantite min1
{"produit":1,"quantite":-0} -> quantite min1
{"produit":1,"quantite":-1} -> quantite min1
{"produit":1,"quantite":-2147483649} -> quantite min1
{"produit":1,"quantite":-9223372036854775808} -> quantite min1
{"produit":1,"quantite":-99999999999999999999} -> quantite min1
{"produit":1,"quantite":2147483648} -> quantite max2147483647
{"produit":1,"quantite":4294967297} -> quantite max2147483647
{"produit":1,"quantite":9223372036854775807} -> quantite max2147483647
{"produit":1,"quantite":9223372036854775808} -> quantite max2147483647
{"produit":1,"quantite":18446744073709551617} -> quantite max2147483647
{"produit":1,"quantite":99999999999999999999999999999999999999} -> quantite max2147483647
{"produit":1,"quantite":1e400} -> quantite integer
{"produit":1,"quantite":-1e400} -> quantite integer
{"produit":1,"quantite":1.0} -> quantite integer
{"produit":1,"quantite":2.5} -> quantite integer
{"produit":1,"quantite":1e3} -> quantite integer
{"produit":1,"quantite":0.1e1} -> quantite integer
{"produit":1,"quantite":true} -> quantite integer
{"produit":1,"quantite":false} -> quantite integer
{"produit":1,"quantite":null} -> quantite null
{"produit":1,"quantite":""} -> quantite integer
{"produit":1,"quantite":"deux"} -> quantite integer
{"produit":1,"quantite":"2.5"} -> quantite integer
{"produit":1,"quantite":"1e3"} -> quantite integer
{"produit":1,"quantite":"0"} -> quantite min1
{"produit":1,"quantite":"2147483648"} -> quantite max2147483647
{"produit":1,"quantite":"1 2"} -> quantite integer
{"produit":1,"quantite":"--1"} -> quantite integer
{"produit":1,"quantite":"1\u0000"} -> quantite integer
{"produit":1,"quantite":"\udfff"} -> quantite integer
{"produit":1,"quantite":[1]} -> quantite integer
{"produit":1,"quantite":{}} -> quantite integer


=== TEST 19: the price of a line
--- lines
{"produit":1,"quantite":1,"prix_unitaire":null} -> prix_unitaire null
{"produit":1,"quantite":1,"prix_unitaire":true} -> prix_unitaire number
{"produit":1,"quantite":1,"prix_unitaire":""} -> prix_unitaire number
{"produit":1,"quantite":1,"prix_unitaire":"gratuit"} -> prix_unitaire number
{"produit":1,"quantite":1,"prix_unitaire":[]} -> prix_unitaire number
{"produit":1,"quantite":1,"prix_unitaire":{}} -> prix_unitaire number
{"produit":1,"quantite":1,"prix_unitaire":-0.01} -> prix_unitaire negative
{"produit":1,"quantite":1,"prix_unitaire":"-1"} -> prix_unitaire negative
{"produit":1,"quantite":1,"prix_unitaire":"NaN"} -> prix_unitaire number
{"produit":1,"quantite":1,"prix_unitaire":"Infinity"} -> prix_unitaire number
{"produit":1,"quantite":1,"prix_unitaire":1e400} -> prix_unitaire number
{"produit":1,"quantite":1,"prix_unitaire":1.001} -> prix_unitaire fraction
{"produit":1,"quantite":1,"prix_unitaire":100000000} -> prix_unitaire whole
{"produit":1,"quantite":1,"prix_unitaire":12345678901} -> prix_unitaire digits
{"produit":1,"quantite":1,"prix_unitaire":"1\u0000"} -> prix_unitaire number
{"produit":1,"quantite":1,"prix_unitaire":"\ud800"} -> prix_unitaire number


=== TEST 20: several errors of a line, and members that are unknown
--- lines
{"produit":null,"quantite":0,"prix_unitaire":"x"} -> produit null, quantite min1, prix_unitaire number
{"prix_unitaire":"x"} -> produit required, quantite required, prix_unitaire number
{"produit":4,"quantite":1,"truc":1} -> truc unknown
{"produit":4,"quantite":1,"Produit":1} -> Produit unknown
{"truc":1,"produit":4,"quantite":0} -> quantite min1, truc unknown
{"produit":4,"quantite":1,"b":1,"a":1} -> b unknown, a unknown
{"produit":4,"quantite":1,"total":"1.00"} -> total unknown


=== TEST 21: errors stand in the places of their lines, and beside others
--- calls
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":1},{"produit":4,"quantite":-1},{"produit":4,"quantite":1}]} -> 400 {"lignes":[{},{"quantite":["Assurez-vous que cette valeur est supérieure ou égale à 1."]},{}]}
POST /api/v1/sales/ {"magasin":1,"lignes":[7,{"produit":"x","quantite":1}]} -> 400 {"lignes":[{"non_field_errors":["Donnée non valide. Attendait un dictionnaire."]},{"produit":["Un nombre entier valide est requis."]}]}
POST /api/v1/sales/ {"x":1,"lignes":[{"produit":4,"quantite":1},{}],"magasin":"y"} -> 400 {"magasin":["Un nombre entier valide est requis."],"lignes":[{},{"produit":["Ce champ est obligatoire."],"quantite":["Ce champ est obligatoire."]}],"x":["Champ inconnu."]}
POST /api/v1/sales/ {"magasin":99,"lignes":[{"produit":99,"quantite":0}]} -> 400 {"lignes":[{"quantite":["Assurez-vous que cette valeur est supérieure ou égale à 1."]}]}
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":1,"\u0000":1}]} -> 400 ~^\{"lignes":\[\{"[^"]+":\["Champ inconnu\."\]\}\]\}$
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":1,"\udc00a":1}]} -> 400 ~^\{"lignes":\[\{"[^"]+":\["Champ inconnu\."\]\}\]\}$
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":1,"":1}]} -> 400 {"lignes":[{"":["Champ inconnu."]}]}
--- unchanged


=== TEST 22: bodies that are no objects, or no JSON
--- calls
POST /api/v1/sales/ null -> 400 {"non_field_errors":["No data provided"]}
POST /api/v1/sales/ [] -> 400 {"non_field_errors":["Donnée non valide. Attendait un dictionnaire, a reçu list."]}
POST /api/v1/sales/ [{"magasin":1}] -> 400 ~^\{"non_field_errors":\[
POST /api/v1/sales/ "x" -> 400 ~^\{"non_field_errors":\[.*str\."\]\}$
POST /api/v1/sales/ 1 -> 400 ~^\{"non_field_errors":\[.*int\."\]\}$
POST /api/v1/sales/ 1e400 -> 400 ~^\{"non_field_errors":\[
POST /api/v1/sales/ true -> 400 ~^\{"non_field_errors":\[
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":1}] -> 400 ~^\{"detail":"JSON parse error - .+"\}$
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":01}]} -> 400 ~^\{"detail":"JSON parse error - .+"\}$
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":NaN}]} -> 400 ~^\{"detail":"JSON parse error - .+"\}$
POST /api/v1/sales/ {'magasin':1} -> 400 ~^\{"detail":"JSON parse error - .+"\}$
POST /api/v1/sales/ magasin=1 -> 400 ~^\{"detail":"JSON parse error - .+"\}$
--- unchanged


=== TEST 23: forms cannot have lines
--- init: MagasinTest::reset();
--- request eval
["POST /api/v1/sales/\nmagasin=1", "POST /api/v1/sales/\nmagasin=1&lignes=%5B%7B%22produit%22%3A4%2C%22quantite%22%3A1%7D%5D", "POST /api/v1/sales/\nmagasin=x&truc=1",
 qq(POST /api/v1/sales/\n--b\r\nContent-Disposition: form-data; name="magasin"\r\n\r\n1\r\n--b\r\nContent-Disposition: form-data; name="lignes"; filename="a.json"\r\n\r\n[{"produit":4,"quantite":1}]\r\n--b--),
 "POST /api/v1/sales/\n<vente/>", qq(POST /api/v1/sales/\n{"magasin":1,"lignes":[{"produit":4,"quantite":1}]})]
--- more_headers eval
[("Authorization: Token secret-caisse\nContent-Type: application/x-www-form-urlencoded") x 3,
 "Authorization: Token secret-caisse\nContent-Type: multipart/form-data; boundary=b",
 "Authorization: Token secret-caisse\nContent-Type: application/xml", "Authorization: Token secret-caisse"]
--- error_code eval: [400, 400, 400, 400, 415, 415]
--- response_body_like eval
['\A\{"lignes":\["[^"]+"\]\}\z', '\A\{"lignes":\["[^"]+"\]\}\z', '\A\{"magasin":\["[^"]+"\],"lignes":\["[^"]+"\],"truc":\["Champ inconnu\."\]\}\z', '\A\{"lignes":\["[^"]+"\]\}\z',
 '\A\{"detail":"Type de média', '\A\{"detail":"Type de média']
--- unchanged


=== TEST 24: a thousand lines are not too many
--- init
MagasinTest::reset('UPDATE stock_local SET quantite = 3000 WHERE id = 4');
--- more_headers eval: $::chef
--- request eval: [main::many(1000), main::different(1000)]
--- error_code eval: [201, 201]
--- response_body_like eval
['"total":"15990\.00","lignes":\[\{"produit":4,"quantite":1000,"prix_unitaire":"15\.99"\}\]\}\z', '"total":"5005\.00","lignes":\[\{"produit":4,"quantite":1,"prix_unitaire":"0\.01"\},(?:\{"produit":4,"quantite":1,"prix_unitaire":"\d+\.\d\d"\},){998}\{"produit":4,"quantite":1,"prix_unitaire":"10\.00"\}\]\}\z']
--- database
SELECT quantite FROM stock_local WHERE id = 4 -> 1000
SELECT count(*) FROM ligne_vente WHERE vente_id = 8 -> 1000


=== TEST 25: but one more is, and ten thousand are not even parsed
--- init
MagasinTest::reset('UPDATE stock_local SET quantite = 30000 WHERE id = 4');
--- more_headers eval: $::chef
--- request eval: [main::many(1001), main::different(1001), main::many(10_000)]
--- error_code eval: [400, 400, 400]
--- response_body eval: [(MagasinTest::error_body('lignes many')) x 2, '{"detail":"JSON parse error - more than 12000 values"}']
--- unchanged


=== TEST 26: a thousand lines that are all wrong
--- init: MagasinTest::reset();
--- more_headers eval: $::chef
--- request eval
[main::sale('{"magasin":1,"lignes":[' . CORE::join(',', (1) x 1000) . ']}'), main::sale('{"magasin":1,"lignes":[' . CORE::join(',', ('{"produit":99,"quantite":1}') x 1000) . ']}')]
--- error_code eval: [400, 400]
--- response_body eval
['{"lignes":[' . CORE::join(',', ('{"non_field_errors":["Donnée non valide. Attendait un dictionnaire."]}') x 1000) . ']}', '{"lignes":[' . CORE::join(',', (MagasinTest::error_body('produit key99')) x 1000) . ']}']
--- unchanged


=== TEST 27: who may sell
--- init: MagasinTest::reset();
--- request eval: [(main::sale('{"magasin":1,"lignes":[{"produit":4,"quantite":1}]}')) x 6, main::sale('{bad'), main::sale('<a/>')]
--- more_headers eval
["Content-Type: application/json", MagasinTest::as('inconnu'), MagasinTest::as('autre'), MagasinTest::as('rien'), "Content-Type: application/json\nAuthorization: Bearer secret-caisse", "Content-Type: application/json\nAuthorization: Token secret-caisse2",
 MagasinTest::as('rien'), "Content-Type: application/xml"]
--- error_code eval: [401, 401, 403, 403, 401, 401, 403, 401]
--- response_body_like eval
[('\A\{"timestamp":"[^"]+","status":401,"error":"Unauthorized","message":"Token d\'accès invalide ou manquant\.","path":"/api/v1/sales/"\}\z') x 2, ('\A\{"detail":"Vous n\'avez pas la permission d\'effectuer cette action\."\}\z') x 2, ('"status":401') x 2, '\A\{"detail"', '"status":401']
--- response_headers eval
[("WWW-Authenticate: Token\nCache-Control: no-store") x 2, ("! WWW-Authenticate\nCache-Control: no-store") x 2, ('WWW-Authenticate: Token') x 2, '! WWW-Authenticate', 'WWW-Authenticate: Token']
--- unchanged


=== TEST 28: who may say the price
--- calls
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":1,"prix_unitaire":"1.00"}]} -> 403 {"detail":"Vous n'avez pas la permission d'effectuer cette action."}
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":1,"prix_unitaire":"15.99"}]} -> 403 {"detail":"Vous n'avez pas la permission d'effectuer cette action."}
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":4,"quantite":1},{"produit":5,"quantite":1,"prix_unitaire":0}]} -> 403
POST /api/v1/sales/ {"magasin":99,"lignes":[{"produit":99,"quantite":1,"prix_unitaire":"1.00"}]} -> 403
--- unchanged


=== TEST 29: methods
--- calls
PUT /api/v1/sales/ {} -> 405 {"detail":"Méthode «·PUT·» non autorisée."}
PATCH /api/v1/sales/ {} -> 405
DELETE /api/v1/sales/ -> 405
POST /api/v1/sales/1/ {"magasin":1,"lignes":[{"produit":4,"quantite":1}]} -> 405 {"detail":"Méthode «·POST·» non autorisée."}
PUT /api/v1/sales/1/ {} -> 405
DELETE /api/v1/sales/1/ -> 405
OPTIONS /api/v1/sales/ -> 200 {"name":"Ventes","description":"","renders":["application/json"],"parses":["application/json","application/x-www-form-urlencoded","multipart/form-data"]}
OPTIONS /api/v1/sales/1/ -> 200 ~^\{"name":"Vente",
HEAD /api/v1/sales/ -> 200
POST /api/v1/sales {"magasin":1} -> 404
GET /api/v1/sales/1 -> 301
--- response_headers eval
[('Allow: GET, POST, HEAD, OPTIONS') x 3, ('Allow: GET, HEAD, OPTIONS') x 3, 'Allow: GET, POST, HEAD, OPTIONS', 'Allow: GET, HEAD, OPTIONS', 'Allow: GET, POST, HEAD, OPTIONS', 'Content-Type: application/json', 'Location: /api/v1/sales/1/']
--- unchanged


=== TEST 30: 405 comes before 401, and 406 before 405
--- init: MagasinTest::reset();
--- request eval: ["PUT /api/v1/sales/", "PUT /api/v1/sales/", main::sale('{bad')]
--- more_headers eval: ["", "Accept: text/html", "Accept: text/html"]
--- error_code eval: [405, 406, 406]
--- unchanged


=== TEST 31: errors as problems
--- init: MagasinTest::reset('UPDATE magasin SET ouvert = false WHERE id = 5', 'UPDATE produit SET archive_le = now() WHERE id = 6');
--- request eval
[main::sale('{"magasin":1,"lignes":[{"produit":1,"quantite":21}]}'), main::sale('{"magasin":5,"lignes":[{"produit":1,"quantite":21}]}'), main::sale('{"magasin":1,"lignes":[{"produit":6,"quantite":21}]}'),
 main::sale('{"magasin":"x","lignes":[{"produit":1,"quantite":0}],"truc":1}'), main::sale('{"magasin":99,"lignes":[{"produit":1,"quantite":1}]}'), main::sale('{bad'),
 main::sale('{"magasin":1,"lignes":[{"produit":1,"quantite":1,"prix_unitaire":1}]}'), main::sale('{}'), "GET /api/v1/sales/9/", "DELETE /api/v1/sales/1/", main::sale('<a/>'), "GET /api/v1/ventes/"]
--- more_headers eval
[(MagasinTest::as('caisse', 'Accept: application/problem+json')) x 7, "Accept: application/problem+json, application/json\nContent-Type: application/json", ("Accept: application/problem+json") x 2, "Authorization: Token secret-caisse\nAccept: application/problem+json\nContent-Type: text/plain", "Accept: application/problem+json"]
--- error_code eval: [409, 409, 409, 400, 400, 400, 403, 401, 404, 405, 415, 404]
--- response_headers eval: [("Content-Type: application/problem+json") x 12]
--- response_body_filters eval: sub { my $body = $_[0]; $body =~ s/\xc2\xa0/_/g; $body }
--- response_body_like eval
my $p = sub { my ($title, $status, $rest, $path) = @_; $path //= '/api/v1/sales/'; qr(\A\{"type":"about:blank","title":"\Q$title\E","status":$status,"instance":"\Q$path\E","detail":$rest\}\z) };
my $unknown = quotemeta(MagasinTest::error_body('magasin key99') =~ s/\xc2\xa0/_/gr);
[$p->('Conflict', 409, '"Stock insuffisant_: Clavier mécanique \(demandé 21, disponible 20\)\.","produits":\[\{"produit":1,"nom":"Clavier mécanique","demande":21,"disponible":20\}\]'),
 $p->('Conflict', 409, '"Le magasin «_Magasin Ouest_» est fermé\.","magasin":5'),
 $p->('Conflict', 409, '"Produit archivé_: Thé Vert Sencha\.","produits":\[\{"produit":6,"nom":"Thé Vert Sencha"\}\]'),
 $p->('Bad Request', 400, '"[^"]+","erreurs":\{"magasin":\["Un nombre entier valide est requis\."\],"lignes":\[\{"quantite":\["[^"]+"\]\}\],"truc":\["Champ inconnu\."\]\}'),
 $p->('Bad Request', 400, qq("[^"]+","erreurs":$unknown)),
 $p->('Bad Request', 400, '"JSON parse error - .+"'),
 $p->('Forbidden', 403, '"Vous n\'avez pas la permission d\'effectuer cette action\."'),
 $p->('Unauthorized', 401, '"Token d\'accès invalide ou manquant\."'),
 $p->('Not Found', 404, '"Vente avec ID 9 introuvable\."', '/api/v1/sales/9/'),
 $p->('Method Not Allowed', 405, '"Méthode «_DELETE_» non autorisée\."', '/api/v1/sales/1/'),
 $p->('Unsupported Media Type', 415, '"Type de média «_text/plain_» non supporté\."'),
 $p->('Not Found', 404, '"[^"]+"', '/api/v1/ventes/')]
--- unchanged


=== TEST 32: a success is no problem
--- init: MagasinTest::reset();
--- request eval: [main::sale('{"magasin":1,"lignes":[{"produit":1,"quantite":1}]}'), "GET /api/v1/sales/1/"]
--- more_headers eval: MagasinTest::as('caisse', 'Accept: application/problem+json')
--- error_code eval: [201, 200]
--- response_headers eval: [("Content-Type: application/json") x 2]


=== TEST 33: a sale that was seen already
--- init
MagasinTest::reset("UPDATE vente SET date_vente = '2026-11-24 08:26:01.734513Z' WHERE id = 1"); require Digest::MD5; $main::etag = '"' . Digest::MD5::md5_hex('{"id":1,"magasin":1,"date_vente":"2026-11-24T08:26:01.734513Z","total":"301.95","lignes":[{"produit":1,"quantite":3,"prix_unitaire":"89.99"},{"produit":4,"quantite":2,"prix_unitaire":"15.99"}]}') . '"';
--- request eval: [("GET /api/v1/sales/1/") x 6, "HEAD /api/v1/sales/1/", "GET /api/v1/sales/9/"]
--- more_headers eval
use Digest::MD5 qw(md5_hex);
my $etag = '"' . md5_hex('{"id":1,"magasin":1,"date_vente":"2026-11-24T08:26:01.734513Z","total":"301.95","lignes":[{"produit":1,"quantite":3,"prix_unitaire":"89.99"},{"produit":4,"quantite":2,"prix_unitaire":"15.99"}]}') . '"';
["If-None-Match: $etag", "If-None-Match: W/$etag", qq(If-None-Match: "a", $etag), "If-None-Match: *", 'If-None-Match: "0123456789abcdef0123456789abcdef"', "If-Match: *", "If-None-Match: $etag", "If-None-Match: *"]
--- error_code eval: [304, 304, 304, 304, 200, 200, 304, 404]


=== TEST 34: a sale changes the reports at once
--- init: MagasinTest::reset();
--- calls
POST /api/v1/sales/ {"magasin":4,"lignes":[{"produit":3,"quantite":2}]} -> 201
GET /api/v1/reports/ -> 200 ~"Magasin Sud".*39\.98


=== TEST 35: a deadlock is settled inside: the sale is done once the others are gone
--- init
MagasinTest::reset();
$main::held = MagasinTest::hold("SET LOCAL deadlock_timeout = '60s'", 'SELECT FROM stock_local WHERE id = 2 FOR UPDATE');
print {$main::held} "SELECT pg_sleep(0.4); SELECT FROM stock_local WHERE id = 1 FOR UPDATE;\nROLLBACK;\n";
--- timeout: 10s
--- calls
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":1,"quantite":1},{"produit":2,"quantite":1}]} -> 201 ~"id":7,
--- database
SELECT id, quantite FROM stock_local WHERE id IN (1, 2) ORDER BY 1 -> 1|19 2|34
SELECT count(*) FROM vente WHERE id > 6 -> 1


=== TEST 36: a sale waits for another one of the same stock, and counts it
--- init
close $main::held; MagasinTest::reset();
$main::held = MagasinTest::hold('UPDATE stock_local SET quantite = 3 WHERE id = 1');
print {$main::held} "SELECT pg_sleep(0.3); COMMIT;\n";
--- timeout: 10s
--- calls
POST /api/v1/sales/ {"magasin":1,"lignes":[{"produit":1,"quantite":4}]} -> 409 ~"demande":4,"disponible":3
--- database
SELECT quantite FROM stock_local WHERE id = 1 -> 3
