# GET /api/v1/journal/: what makes a row, filters, orders, and the stream that
# misses nothing.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;
use Compress::Zlib qw(crc32);
use IO::Socket::INET;
use MIME::Base64 qw(encode_base64url decode_base64url);
use Time::HiRes qw(sleep time);

our $journal = '/api/v1/journal/';
our $user    = MagasinTest::sql('SELECT session_user');

# The fixture with an empty journal, and then the statements.
sub fresh {
    my (@statements) = @_;
    return MagasinTest::reset(
        "SELECT set_config('magasin.entretien', 'oui', true)",
        'TRUNCATE journal RESTART IDENTITY',
        "SELECT set_config('magasin.entretien', '', true)",
        @statements);
}

# The rows of an answer, in its order:
# "type magasin produit delta quantite acteur reference motif", null as "-".
sub list {
    my ($body) = @_;
    return $body if $body !~ /\A\{"next":/;
    my @rows;
    while ($body =~ /\{"id":\d+,
            "instant":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z",
            ("type":.*?),"details":(?:null|\{.*?\})\}(?=,\{"id"|\]\})/gx)
    {
        my $row = $1;
        $row =~ s{"\w+":("(?:[^"\\]|\\.)*"|null|-?\d+),?}
            {($1 eq 'null' ? '-' : $1 =~ s/^"|"$//gr) . ' '}gex;
        push @rows, $row =~ s/ $//r;
    }
    return \@rows;
}

sub rows {
    my ($body) = @_;
    my $rows = list($body);
    return ref $rows ? CORE::join "\n", @$rows : $rows;
}

# The same sorted: rows of one transaction have no order that is promised.
sub sorted {
    my ($body) = @_;
    my $rows = list($body);
    return ref $rows ? CORE::join "\n", sort @$rows : $rows;
}

# Only the ids, after the link: "CURSOR; ID ID ...".
sub ids {
    my ($body) = @_;
    return $body if $body =~ /^\{"\w+":\["/;
    my ($next) = $body =~ m{\A\{"next":
        (?:"http://localhost/api/v1/journal/([^"]*)"|null),"results":\[}x
        or return "no list: $body";
    if (defined $next) {
        $next =~ s/cursor=([\w-]+)/'<' . key($1) . '>'/e;
        $next =~ s/<\d+\x1f/<xid|/;
    }
    return CORE::join '; ', $next // 'null',
        CORE::join(' ', $body =~ /\{"id":(\d+),"instant"/g) || ();
}

# A cursor as the list gives it out: a checksum of the list's name and of the
# last row's key, and this key.
sub cursor {
    my (@keys) = @_;
    my $keys = CORE::join "\x1f", @keys;
    return encode_base64url(pack('N', crc32("journal$keys")) . $keys);
}

sub key { return substr decode_base64url($_[0]), 4 }

# Where quantities and the sums of deltas differ.
sub differences {
    return MagasinTest::sql(q{
        WITH somme AS (
            SELECT magasin_id, produit_id, sum(delta) AS quantite
              FROM journal WHERE delta IS NOT NULL
             GROUP BY magasin_id, produit_id
        ), stock AS (
            SELECT magasin_id, produit_id, quantite FROM stock_local
             UNION ALL
            SELECT NULL, produit_id, quantite FROM stock_central
        )
        SELECT count(*)
          FROM somme FULL JOIN stock
            ON somme.magasin_id IS NOT DISTINCT FROM stock.magasin_id
               AND somme.produit_id = stock.produit_id
         WHERE coalesce(somme.quantite, 0) <> coalesce(stock.quantite, 0)});
}

# One answer of a GET, by a client of our own.
sub get {
    my ($path) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => server_port_for_client()) or die "connect: $!\n";
    print {$socket} "GET $path HTTP/1.0\r\nHost: localhost\r\n\r\n";
    local $/;
    return scalar <$socket>;
}

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();
MagasinTest::gets();

MagasinTest::reset();

# The stream waits for whoever has begun to write, and so would a test that
# wants to see a row at once: neither the maintenance nor autovacuum may write.

sub autovacuum {
    return MagasinTest::psql(map { ('-c', $_) } "ALTER SYSTEM $_[0] autovacuum"
            . ($_[0] eq 'SET' ? ' = off' : ''), 'SELECT pg_reload_conf()');
}

END {
    my $status = $?;
    autovacuum('RESET');
    $? = $status;
}

autovacuum('SET');
our $turn = MagasinTest::hold('LOCK TABLE entretien_tour IN EXCLUSIVE MODE');
run_tests();
MagasinTest::release($turn);
MagasinTest::reset();

__DATA__

=== TEST 1: what a row has
--- init
main::fresh();
MagasinTest::sql('UPDATE stock_local SET quantite = 12 WHERE id = 3');
MagasinTest::sql('UPDATE produit SET prix = 21.5 WHERE id = 3');
--- request
GET /api/v1/journal/
--- response_body_like eval
my $row = '"instant":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z","type"';
qr/\A\{"next":"http:\/\/localhost\/api\/v1\/journal\/\?cursor=[\w-]+","results":\[\{"id":1,$row:"manuel","magasin":1,"produit":3,"delta":-3,"quantite":12,"acteur":"$::user","reference":null,"motif":null,"details":null\},\{"id":2,$row:"produit_modification","magasin":null,"produit":3,"delta":null,"quantite":null,"acteur":"$::user","reference":"produit\/3","motif":null,"details":\{"prix": ?\["19\.99", ?"21\.50"\]\}\}\]\}\z/
--- response_headers
Content-Type: application/json
Allow: GET, HEAD, OPTIONS
Cache-Control: no-cache
--- response_headers_like
ETag: "[0-9a-f]{32}"
Link: <http://localhost/api/v1/journal/\?cursor=[\w-]+>; rel="next"


=== TEST 2: a sale
--- init
main::fresh();
--- request eval
["POST /api/v1/sales/\n" . '{"magasin":1,"lignes":[{"produit":4,"quantite":2},{"produit":1,"quantite":1},{"produit":4,"quantite":1,"prix_unitaire":"1"}]}',
 "GET $::journal", "GET ${main::journal}?produit=4"]
--- more_headers eval: $MagasinTest::Json
--- error_code eval: [201, 200, 200]
--- response_body_filters: sorted
--- response_body eval
[qr/"id":7,/,
 "vente 1 1 -1 19 demo vente/7 -\nvente 1 4 -3 27 demo vente/7 -\nvente_creation 1 - - - demo vente/7 -",
 "vente 1 4 -3 27 demo vente/7 -"]


=== TEST 3: a sale that is not possible leaves nothing
--- init
main::fresh();
--- request eval
["POST /api/v1/sales/\n" . '{"magasin":1,"lignes":[{"produit":4,"quantite":1},{"produit":1,"quantite":999}]}',
 "GET $::journal"]
--- more_headers eval: $MagasinTest::Json
--- error_code eval: [409, 200]
--- response_body_filters: rows
--- response_body eval: [qr/"produits"/, '']


=== TEST 4: an adjustment
--- init
main::fresh();
--- request eval
["POST /api/v1/stores/1/stock/3/adjust/\n" . '{"delta":-3,"motif":"casse"}',
 "POST /api/v1/stores/1/stock/3/adjust/\n" . '{"quantite":20,"attendu":12}',
 "POST /api/v1/stores/2/stock/3/adjust/\n" . '{"delta":4,"motif":"é\"\n😀"}',
 "POST /api/v1/stores/1/stock/3/adjust/\n" . '{"quantite":1,"attendu":12}',
 "GET ${main::journal}?ordering=-id"]
--- more_headers eval: $MagasinTest::Json
--- error_code eval: [200, 200, 200, 409, 200]
--- response_body_filters: rows
--- response_body eval
[(qr/"quantite"/) x 4,
 qr/\Aajustement 2 3 4 4 demo - é\\"\\n😀\n(?:ajustement 2 3 0 0 demo - é\\"\\n😀\n)?ajustement 1 3 8 20 demo - -\najustement 1 3 -3 12 demo - casse\z/]


=== TEST 5: replenishments
--- request eval
["POST /api/v1/replenishments/\n" . '{"magasin":1,"produit":3,"quantite":7}',
 "POST /api/v1/replenishments/\n" . '{"magasin":2,"produit":3,"quantite":8}',
 "POST /api/v1/replenishments/1/approve/", "POST /api/v1/replenishments/2/reject/",
 "GET ${main::journal}?produit=3"]
--- init
main::fresh('ALTER SEQUENCE demande_reapprovisionnement_id_seq RESTART 1');
--- more_headers eval: $MagasinTest::Json
--- error_code eval: [201, 201, 200, 200, 200]
--- response_body_filters: sorted
--- response_body eval
[(qr/"id":[12],/) x 4, CORE::join "\n",
 'demande_approbation 1 3 - - demo demande/1 -',
 'demande_creation 1 3 - - demo demande/1 -',
 'demande_creation 2 3 - - demo demande/2 -',
 'demande_refus 2 3 - - demo demande/2 -',
 'reapprovisionnement - 3 -7 143 demo demande/1 -',
 'reapprovisionnement 1 3 7 22 demo demande/1 -']


=== TEST 6: one that the central stock is too small for
--- init
main::fresh('ALTER SEQUENCE demande_reapprovisionnement_id_seq RESTART 1');
--- request eval
["POST /api/v1/replenishments/\n" . '{"magasin":1,"produit":3,"quantite":151}',
 "POST /api/v1/replenishments/1/approve/", "GET ${main::journal}?produit=3"]
--- more_headers eval: $MagasinTest::Json
--- error_code eval: [201, 409, 200]
--- response_body_filters: sorted
--- response_body eval
[(qr/./) x 2,
 "demande_creation 1 3 - - demo demande/1 -\ndemande_refus 1 3 - - demo demande/1 -"]


=== TEST 7: products
--- init
main::fresh();
--- request eval
["POST /api/v1/products/\n" . '{"nom":"n","categorie":"c","prix":1}',
 "PUT /api/v1/products/16/\n" . '{"prix":2}', "PATCH /api/v1/products/16/\n" . '{"nom":"m"}',
 "PATCH /api/v1/products/16/\n" . '{"archive":true}', "PATCH /api/v1/products/16/\n" . '{"archive":false,"prix":3}',
 "DELETE /api/v1/products/16/", "DELETE /api/v1/products/1/",
 "GET $::journal"]
--- more_headers eval: $MagasinTest::Json
--- error_code eval: [201, 200, 200, 200, 200, 204, 204, 200]
--- response_body_filters: rows
--- response_body eval
[(qr//) x 7, CORE::join "\n", map({"produit_$_ - 16 - - demo produit/16 -"}
    qw(creation modification modification archivage restauration suppression)),
 'produit_archivage - 1 - - demo produit/1 -']


=== TEST 8: a write that changes nothing is no change
--- init
main::fresh();
--- request eval
["PUT /api/v1/products/3/\n{}", "PATCH /api/v1/products/3/\n" . '{"prix":19.99}',
 "PATCH /api/v1/products/3/\n" . '{"archive":false}', "GET $::journal"]
--- more_headers eval: $MagasinTest::Json
--- response_body_filters: rows
--- response_body eval
[(qr/"nom"/) x 3, '']


=== TEST 9: DELETE tells of the stock that went
--- init
main::fresh();
--- request eval
["DELETE /api/v1/products/3/", "GET $::journal"]
--- more_headers eval: $MagasinTest::Json
--- error_code eval: [204, 200]
--- response_body_filters: sorted
--- response_body eval
['', "produit_suppression - 3 - - demo produit/3 -\nsuppression - 3 -150 0 demo - -\nsuppression 1 3 -15 0 demo - -\nsuppression 4 3 -24 0 demo - -"]


=== TEST 10: stock by hand
--- init
main::fresh(
    'UPDATE stock_local SET quantite = quantite + 1 WHERE id = 3',
    'INSERT INTO stock_local (magasin_id, produit_id, quantite) VALUES (2, 3, 5)',
    'DELETE FROM stock_local WHERE id = 26',
    'UPDATE stock_local SET magasin_id = 3 WHERE magasin_id = 1 AND produit_id = 3',
    'UPDATE stock_central SET quantite = 0 WHERE produit_id = 3',
    'DELETE FROM stock_central WHERE produit_id = 3',
    'INSERT INTO stock_central (produit_id, quantite) VALUES (3, 9)');
--- request
GET /api/v1/journal/
--- response_body_filters: rows
--- response_body eval
CORE::join "\n", map {"manuel $_ $::user - -"}
    '1 3 1 16', '2 3 5 5', '4 3 -24 0', '1 3 -16 0', '3 3 16 16',
    '- 3 -150 0', '- 3 0 0', '- 3 9 9'


=== TEST 11: by hand, with who and why
--- init
main::fresh("SELECT set_config('magasin.acteur', 'jeanne', true)",
    "SELECT set_config('magasin.motif', 'inventaire', true)",
    "SELECT set_config('magasin.reference', 'note/7', true)",
    'UPDATE stock_local SET quantite = 1 WHERE id = 3');
--- request
GET /api/v1/journal/
--- response_body_filters: rows
--- response_body chomp
manuel 1 3 -14 1 jeanne note/7 inventaire


=== TEST 12: sales and their lines by hand
--- init
main::fresh(
    'INSERT INTO vente (id, magasin_id, total) VALUES (20, 2, 5)',
    'INSERT INTO ligne_vente (id, vente_id, produit_id, quantite, prix_unitaire)
     VALUES (20, 20, 3, 1, 5), (21, 20, 4, 1, 5)',
    'UPDATE ligne_vente SET quantite = 2 WHERE id = 20',
    'UPDATE ligne_vente SET produit_id = 5 WHERE id = 21',
    'UPDATE vente SET total = 6 WHERE id = 20',
    'DELETE FROM ligne_vente WHERE vente_id = 20',
    'DELETE FROM vente WHERE id = 20');
--- request
GET /api/v1/journal/
--- response_body_filters: sorted
--- response_body eval
CORE::join "\n", map {"$_ - - $::user vente/20 -"} sort
    'vente_creation 2 -', 'ligne_creation 2 3', 'ligne_creation 2 4',
    'ligne_modification 2 3', 'ligne_modification 2 4',
    'ligne_modification 2 5', 'vente_modification 2 -',
    'ligne_suppression 2 3', 'ligne_suppression 2 5', 'vente_suppression 2 -'


=== TEST 13: stores and requests by hand
--- init
main::fresh(
    q{INSERT INTO magasin (id, nom, adresse) VALUES (9, 'm', 'a')},
    'UPDATE magasin SET ouvert = false WHERE id = 9',
    'INSERT INTO demande_reapprovisionnement (id, magasin_id, produit_id,
                                              quantite) VALUES (50, 9, 3, 1)',
    'UPDATE demande_reapprovisionnement SET quantite = 2 WHERE id = 50',
    q{UPDATE demande_reapprovisionnement SET statut = 'refusee' WHERE id = 50},
    q{UPDATE demande_reapprovisionnement SET statut = 'approuvee' WHERE id = 50},
    'DELETE FROM demande_reapprovisionnement WHERE id = 50',
    'DELETE FROM magasin WHERE id = 9');
--- request
GET /api/v1/journal/
--- response_body_filters: rows
--- response_body eval
CORE::join "\n", map({"magasin_$_ 9 - - - $::user magasin/9 -"} qw(creation modification)),
    map({"demande_$_ 9 3 - - $::user demande/50 -"}
        qw(creation modification refus approbation suppression)),
    "magasin_suppression 9 - - - $::user magasin/9 -"


=== TEST 14: tables that are emptied
--- init
main::fresh('DELETE FROM stock_local WHERE produit_id > 1',
    'DELETE FROM stock_central WHERE produit_id > 1',
    'UPDATE stock_local SET quantite = 3 WHERE id = 1');
MagasinTest::sql('TRUNCATE magasin, produit, stock_local, stock_central, vente,
    ligne_vente, demande_reapprovisionnement CASCADE');
--- request
GET /api/v1/journal/?limit=1000
--- response_body_filters eval
sub { CORE::join "\n", sort grep {/vidage| 1 -\d+ 0 /} @{ main::list($_[0]) } }
--- response_body eval
CORE::join "\n", sort(map({"${_}_vidage - - - - $::user - -"}
    qw(magasin produit produit_code seuil seuil_categorie vente ligne demande
    reception reception_ligne transfert transfert_ligne reservation
    reservation_ligne comptage comptage_ligne retour retour_ligne)),
    map({"manuel $_ 0 $::user - -"} '1 1 -3', '5 1 -17', '- 1 -200'))


=== TEST 15: a replica session is no way around it
--- init
main::fresh("SET LOCAL session_replication_role = 'replica'",
    'UPDATE stock_local SET quantite = 7 WHERE id = 3');
--- request
GET /api/v1/journal/
--- response_body_filters: rows
--- response_body eval: "manuel 1 3 -8 7 $::user - -"


=== TEST 16: nobody changes it, and the web tier does not write it
--- init
main::fresh('UPDATE stock_local SET quantite = 7 WHERE id = 3');
for my $statement ('UPDATE journal SET delta = 1', 'DELETE FROM journal',
    'TRUNCATE journal')
{
    eval { MagasinTest::sql($statement) };
    Test::More::like($@, qr/append-only/, $statement);
}
for my $statement ('INSERT INTO journal (delta) VALUES (1)',
    'DELETE FROM journal', 'UPDATE stock_local SET quantite = 1',
    'INSERT INTO stock_central (produit_id, quantite) VALUES (1, 1)')
{
    eval { MagasinTest::sql('SET LOCAL ROLE magasin_web', $statement) };
    Test::More::like($@, qr/permission denied/, "the web tier: $statement");
}
--- request
GET /api/v1/journal/
--- response_body_filters: rows
--- response_body eval: "manuel 1 3 -8 7 $::user - -"


=== TEST 17: the sums of the deltas are the quantities
--- init
main::fresh();
MagasinTest::sql("SELECT set_config('magasin.type', 'ouverture', true)",
    'INSERT INTO journal (magasin_id, produit_id, delta, quantite)
     SELECT magasin_id, produit_id, quantite, quantite FROM stock_local
      UNION ALL SELECT NULL, produit_id, quantite, quantite FROM stock_central');
Test::More::is(main::differences(), '0', 'before');
--- request eval
["GET ${main::journal}?type=ouverture&limit=1",
 "POST /api/v1/sales/\n" . '{"magasin":1,"lignes":[{"produit":4,"quantite":2}]}',
 "POST /api/v1/stores/1/stock/3/adjust/\n" . '{"delta":-3}',
 "DELETE /api/v1/products/12/"]
--- more_headers eval: $MagasinTest::Json
--- error_code eval: [200, 201, 200, 204]
--- response_body_filters: rows
--- response_body_like eval
["\\Aouverture 1 1 20 20 $::user - -\\z", '', '', '']


=== TEST 18: and still are
--- init
Test::More::is(main::differences(), '0', 'after');
--- request
GET /api/v1/journal/?limit=1


=== TEST 19: filters
--- init
main::fresh();
MagasinTest::sql(q{INSERT INTO journal (instant, type, magasin_id, produit_id,
                                        delta, quantite) VALUES
    ('2026-01-01 00:00:00+00', 'vente', 1, 1, -1, 5),
    ('2026-01-01 00:00:00.000001+00', 'vente', 2, 1, -1, 5),
    ('2026-01-02 00:00:00+00', 'ajustement', 1, 2, 1, 6),
    ('2026-01-02 12:00:00+00', 'é & _', NULL, 2, -2, 4),
    ('2026-01-03 00:00:00+00', 'produit_creation', NULL, 3, NULL, NULL),
    ('2026-01-04 00:00:00+00', 'vente_creation', 1, NULL, NULL, NULL)});
--- response_body_filters: ids
--- gets
/api/v1/journal/ -> 200 ?<xid|6>; 1 2 3 4 5 6
/api/v1/journal/?magasin=1 -> 200 ?<xid|6>&magasin=1; 1 3 6
/api/v1/journal/?magasin=%2B01 -> 200 ?<xid|6>&magasin=%2B01; 1 3 6
/api/v1/journal/?produit=2 -> 200 ?<xid|4>&produit=2; 3 4
/api/v1/journal/?type=vente -> 200 ?<xid|2>&type=vente; 1 2
/api/v1/journal/?type=%C3%A9+%26+_ -> 200 ?<xid|4>&type=%C3%A9+%26+_; 4
/api/v1/journal/?type=vent_ -> 200 ?type=vent_
/api/v1/journal/?type=VENTE -> 200 ?type=VENTE
/api/v1/journal/?type=vente&magasin=2&produit=1 -> 200 ?<xid|2>&magasin=2&produit=1&type=vente; 2
/api/v1/journal/?magasin=9 -> 200 ?magasin=9
/api/v1/journal/?produit=9223372036854775807 -> 200 ?produit=9223372036854775807
/api/v1/journal/?magasin=&produit=&type=&depuis=&ordering=&limit=&cursor= -> 200 ?<xid|6>&depuis=&limit=&magasin=&ordering=&produit=&type=; 1 2 3 4 5 6
/api/v1/journal/?store=1&jusqu_a=x -> 200 ?<xid|6>&jusqu_a=x&store=1; 1 2 3 4 5 6
/api/v1/journal/?ordering=id -> 200 ?<xid|6>&ordering=id; 1 2 3 4 5 6
/api/v1/journal/?depuis=2026-01-02 -> 200 ?<xid|6>&depuis=2026-01-02; 3 4 5 6
/api/v1/journal/?depuis=2026-01-01T00:00:00Z -> 200 ?<xid|6>&depuis=2026-01-01T00%3A00%3A00Z; 1 2 3 4 5 6
/api/v1/journal/?depuis=2026-01-01T00:00:00.000001Z -> 200 ?<xid|6>&depuis=2026-01-01T00%3A00%3A00.000001Z; 2 3 4 5 6
/api/v1/journal/?depuis=2026-01-01T00:00:00.000002Z -> 200 ?<xid|6>&depuis=2026-01-01T00%3A00%3A00.000002Z; 3 4 5 6
/api/v1/journal/?depuis=2026-01-02T13:00:00%2B01:00 -> 200 ?<xid|6>&depuis=2026-01-02T13%3A00%3A00%2B01%3A00; 4 5 6
/api/v1/journal/?depuis=2026-01-02T13:00:00+01:00 -> 200 ?<xid|6>&depuis=2026-01-02T13%3A00%3A00+01%3A00; 4 5 6
/api/v1/journal/?depuis=2026-01-02t09:30:00-02:30 -> 200 ?<xid|6>&depuis=2026-01-02t09%3A30%3A00-02%3A30; 4 5 6
/api/v1/journal/?depuis=2026-01-03T00:00:00.1z -> 200 ?<xid|6>&depuis=2026-01-03T00%3A00%3A00.1z; 6
/api/v1/journal/?depuis=2026-01-04T00:00:00%2B00:00&type=vente -> 200 ?depuis=2026-01-04T00%3A00%3A00%2B00%3A00&type=vente
/api/v1/journal/?depuis=0001-01-01T00:00:00%2B15:59&limit=1 -> 200 ?<xid|1>&depuis=0001-01-01T00%3A00%3A00%2B15%3A59&limit=1; 1
/api/v1/journal/?depuis=9999-12-31T23:59:59.999999-15:59 -> 200 ?depuis=9999-12-31T23%3A59%3A59.999999-15%3A59
/api/v1/journal/?depuis=2024-02-29 -> 200 ?<xid|6>&depuis=2024-02-29; 1 2 3 4 5 6
--- no_error_log
[error]


=== TEST 20: the newest first
--- response_body_filters: ids
--- gets
/api/v1/journal/?ordering=-id -> 200 null; 6 5 4 3 2 1
/api/v1/journal/?ordering=-id&magasin=1 -> 200 null; 6 3 1
/api/v1/journal/?ordering=-id&limit=2 -> 200 ?<xid|5>&limit=2&ordering=-id; 6 5
/api/v1/journal/?ordering=-id&limit=6 -> 200 null; 6 5 4 3 2 1
/api/v1/journal/?ordering=-id&type=vente&depuis=2026-01-01T00:00:00.000001Z -> 200 null; 2
/api/v1/journal/?ordering=-id&magasin=9 -> 200 null
/api/v1/journal/?ordering=id&ordering=-id&limit=1 -> 200 ?<xid|6>&limit=1&ordering=id&ordering=-id; 6


=== TEST 21: bad parameters
--- gets
/api/v1/journal/?magasin=x -> 400 {"magasin":["Un nombre entier valide est requis."]}
/api/v1/journal/?magasin=1.0 -> 400 {"magasin":["Un nombre entier valide est requis."]}
/api/v1/journal/?magasin=0 -> 400 {"magasin":["Assurez-vous que cette valeur est supérieure ou égale à 1."]}
/api/v1/journal/?magasin=-1 -> 400 {"magasin":["Assurez-vous que cette valeur est supérieure ou égale à 1."]}
/api/v1/journal/?magasin=9223372036854775808 -> 400 ~\A\{"magasin":\["Assurez-vous que cette valeur est inférieure ou égale à \d+\."\]\}\z
/api/v1/journal/?produit=1e3 -> 400 {"produit":["Un nombre entier valide est requis."]}
/api/v1/journal/?produit=%00 -> 400 {"produit":["Un nombre entier valide est requis."]}
/api/v1/journal/?type=%00 -> 400 {"type":["Le caractère nul n’est pas autorisé."]}
/api/v1/journal/?ordering=nom -> 400 {"ordering":["Ce choix n'est pas valide."]}
/api/v1/journal/?ordering=%2Bid -> 400 {"ordering":["Ce choix n'est pas valide."]}
/api/v1/journal/?ordering=-id,id -> 400 {"ordering":["Ce choix n'est pas valide."]}
/api/v1/journal/?ordering=id%00 -> 400 {"ordering":["Ce choix n'est pas valide."]}
/api/v1/journal/?limit=0 -> 400 {"limit":["Assurez-vous que cette valeur est supérieure ou égale à 1."]}
/api/v1/journal/?limit=1001&ordering=-id -> 400 {"limit":["Assurez-vous que cette valeur est inférieure ou égale à 1000."]}
/api/v1/journal/?cursor=x&limit=z&ordering=z&depuis=z&type=%00&produit=z&magasin=z -> 400 {"magasin":["Un nombre entier valide est requis."],"produit":["Un nombre entier valide est requis."],"type":["Le caractère nul n’est pas autorisé."],"depuis":["La date doit être au format AAAA-MM-JJ ou AAAA-MM-JJThh:mm:ss+hh:mm (RFC 3339)."],"ordering":["Ce choix n'est pas valide."],"limit":["Un nombre entier valide est requis."],"cursor":["Curseur non valide."]}
--- no_error_log
[error]


=== TEST 22: instants that are none
--- request eval
[map {"GET ${main::journal}?depuis=$_"} qw(hier 2026 2026-1-1 2026-01 20260101
    2026-13-01 2026-00-01 2026-02-29 2026-02-30 2026-04-31 2026-01-00
    2026-01-32 0000-01-01 2100-02-29 -2026-01-01 12026-01-01 infinity now
    2026-01-01T00:00:00 2026-01-01T00:00Z 2026-01-01T24:00:00Z
    2026-01-01T00:60:00Z 2026-01-01T00:00:61Z 2026-01-01T00:00:00.Z
    2026-01-01T00:00:00%2B1 2026-01-01T00:00:00%2B0100
    2026-01-01T00:00:00%2B01:60 2026-01-01T00:00:00%2B25:00
    2026-01-01T00:00:00ZZ 2026-01-01X00:00:00Z 2026-01-01T00:00:00Z%00
    2026-01-01%00 2026-01-01T%00 %00 2026-01-01T00:00:00UTC
    2026-01-01T00:00:00.), '2026-01-01T00:00:00,5Z', '2026-01-01T00:00:00.' . '1' x 100 . 'Z']
--- error_code eval: [(400) x 38]
--- response_body eval
[('{"depuis":["La date doit être au format AAAA-MM-JJ ou AAAA-MM-JJThh:mm:ss+hh:mm (RFC 3339)."]}') x 38]
--- no_error_log
[error]


=== TEST 23: cursors that were damaged
--- request eval
my $cursor = main::cursor(1234, 56);
my @damaged = ('!', 'a', map({"$cursor$_"} '!', '=', '=x', '%00', 'AAAA', $cursor),
    main::encode_base64url("1\x1f1"),
    map({ substr $cursor, 0, $_ } 1 .. length($cursor) - 1),
    map({ my $one = $cursor; substr($one, $_, 1) =~ tr/A-Za-z0-9_-/B-ZAb-za1-90\-_/; $one }
        0 .. length($cursor) - 1));
$main::damaged = 2 * @damaged;
[map { ("GET ${main::journal}?cursor=$_", "GET ${main::journal}?ordering=-id&cursor=$_") }
    @damaged]
--- error_code eval: [(400) x $main::damaged]
--- response_body eval
[('{"cursor":["Curseur non valide."]}') x $main::damaged]
--- no_error_log
[error]


=== TEST 24: keys that are none, with the right checksum
--- request eval
[map { ("GET ${main::journal}?cursor=$_", "GET ${main::journal}?ordering=-id&cursor=$_") }
    map { main::cursor($_) } '1', "1\x1f", "\x1f1", "1\x1fx", "x\x1f1", "-1\x1f1",
    "1\x1f-1", "1\x1f1\x1f1", "1\x1f 1", "1.5\x1f1", "1\x1f9223372036854775808",
    "1\x1f99999999999999999999", "99999999999999999999\x1f1", "1\x1f1\0", "\x1f", "1 1"]
--- error_code eval: [(400) x 32]
--- response_body eval
[('{"cursor":["Curseur non valide."]}') x 32]
--- no_error_log
[error]


=== TEST 25: a younger row waits for an older transaction
--- init
main::fresh();
$main::held = MagasinTest::hold('UPDATE produit SET prix = 1 WHERE id = 1');
MagasinTest::sql('UPDATE stock_local SET quantite = 1 WHERE id = 3');
--- request eval
["GET $::journal", "GET ${main::journal}?produit=3", "GET ${main::journal}?ordering=-id"]
--- response_body_filters: ids
--- response_body eval
['', '?produit=3', 'null; 2']


=== TEST 26: and is shown after what that one has added
--- init
print {$main::held} "UPDATE produit SET prix = 2 WHERE id = 1;\nCOMMIT;\n";
close $main::held;
--- request eval
["GET $::journal", "GET ${main::journal}?limit=1", "GET ${main::journal}?ordering=-id"]
--- response_body_filters: ids
--- response_body eval
['?<xid|2>; 1 3 2', '?<xid|1>&limit=1; 1', 'null; 2 3 1']


=== TEST 27: a transaction that is rolled back has nothing to wait for
--- init
main::fresh();
$main::held = MagasinTest::hold('UPDATE produit SET prix = 1 WHERE id = 1');
MagasinTest::sql('UPDATE stock_local SET quantite = 1 WHERE id = 3');
MagasinTest::release($main::held);
MagasinTest::sql('SELECT 1');
--- request
GET /api/v1/journal/
--- response_body_filters: ids
--- response_body chomp
?<xid|2>; 2


=== TEST 28: a reader that stays open and a younger transaction hold nothing up
--- init
main::fresh();
$main::reader = MagasinTest::hold('SELECT count(*) FROM journal');
MagasinTest::sql('UPDATE stock_local SET quantite = 1 WHERE id = 3');
$main::held = MagasinTest::hold('UPDATE produit SET prix = 1 WHERE id = 1');
--- request eval
["GET $::journal"]
--- response_body_filters: ids
--- response_body eval
['?<xid|1>; 1']


=== TEST 29: an older transaction that has not written yet counts too
--- init
MagasinTest::release($_) for $main::reader, $main::held;
main::fresh();
$main::held = MagasinTest::hold('SELECT pg_current_xact_id()');
MagasinTest::sql('UPDATE stock_local SET quantite = 1 WHERE id = 3');
--- request eval
["GET $::journal"]
--- response_body_filters: ids
--- response_body eval
['']


=== TEST 30: the last page of the stream has a next, which is for later
--- init
MagasinTest::release($main::held);
main::fresh();
MagasinTest::sql('UPDATE stock_local SET quantite = 1 WHERE id = 3');
my $next = sub { $_[0] =~ m{\{"next":"http://localhost([^"]+)"} ? $1 : die };
my $first = $next->(main::get($::journal));
Test::More::like(main::get($first), qr/"next":"http:\/\/localhost\Q$first\E","results":\[\]/,
    'nothing new: the same next');
Test::More::like(main::get($first), qr{^Link: <http://localhost\Q$first\E>; rel="next"\r$}m,
    'in a header too');
MagasinTest::sql('UPDATE stock_local SET quantite = 2 WHERE id = 3');
my $answer = main::get($first);
Test::More::like($answer, qr/"results":\[\{"id":2,[^{}]*\}\]/, 'the new one alone');
Test::More::isnt($next->($answer), $first, 'and another next');
--- request eval
["GET $::journal"]
--- response_body_filters: ids
--- response_body eval
['?<xid|2>; 1 2']


=== TEST 31: who reads on and on misses nothing and sees nothing twice
--- init
main::fresh();
my @writers;
for my $n (1 .. 4) {
    my $pid = fork // die "fork: $!\n";
    if ($pid == 0) {
        my @statements = map {
            my $row = 1 + ($n * 7 + $_) % 15;
            ('-c', 'BEGIN', '-c', "UPDATE stock_local SET quantite = quantite + 1 WHERE id = $row",
             '-c', "SELECT pg_sleep(random() * 0.02)",
             '-c', "UPDATE stock_central SET quantite = quantite + 1 WHERE id = $row",
             '-c', $_ % 5 ? 'COMMIT' : 'ROLLBACK')
        } 1 .. 40;
        open STDOUT, '>', '/dev/null';
        open STDERR, '>', '/dev/null';
        exec qw(psql -X -q -d), MagasinTest::admin(), @statements;
    }
    push @writers, $pid;
}
my ($path, @seen) = ("$::journal?limit=7");
my ($all, $running) = (undef, 1);
my $end = time + 60;

# When the writers have ended the stream may still wait for somebody else.

while (time < $end && "@seen" ne ($all // '?')) {
    my $answer = main::get($path);
    my @ids = $answer =~ /\{"id":(\d+),"instant"/g;
    push @seen, @ids;
    ($path) = $answer =~ m{\{"next":"http://localhost([^"]+)"} or last;
    next if @ids;
    if ($running) {
        waitpid $_, 1 for @writers;
        $running = grep { kill 0, $_ } @writers;
    } else {
        $all //= MagasinTest::sql("SELECT string_agg(id::text, ' ' ORDER BY xid, id) FROM journal");
    }
    sleep 0.01;
}
waitpid $_, 0 for @writers;
Test::More::cmp_ok(scalar @seen, '>', 200, 'there was something to read');
Test::More::is("@seen", $all, 'all rows, in the order of their transactions');
--- request
GET /api/v1/journal/?limit=1000
--- response_body_filters eval
sub { scalar(my @ids = $_[0] =~ /\{"id":(\d+),"instant"/g) . "\n" }
--- response_body eval
qr/^\d{3}$/


=== TEST 32: pages of the newest, while newer ones come
--- init
main::fresh();
MagasinTest::sql("UPDATE stock_local SET quantite = $_ WHERE id = 3") for 1 .. 5;
my $answer = main::get("$::journal?ordering=-id&limit=2");
my ($path) = $answer =~ m{\{"next":"http://localhost([^"]+)"};
MagasinTest::sql("UPDATE stock_local SET quantite = $_ WHERE id = 3") for 6 .. 9;
my @seen = $answer =~ /\{"id":(\d+),"instant"/g;
while ($path) {
    $answer = main::get($path);
    push @seen, $answer =~ /\{"id":(\d+),"instant"/g;
    ($path) = $answer =~ m{\{"next":"http://localhost([^"]+)"};
}
Test::More::is("@seen", '5 4 3 2 1', 'nothing twice');
--- request
GET /api/v1/journal/?ordering=-id&limit=1
--- response_body_filters: ids
--- response_body chomp
?<xid|9>&limit=1&ordering=-id; 9


=== TEST 33: fifty without a limit, a thousand with one
--- init
main::fresh('INSERT INTO journal (produit_id) SELECT n FROM generate_series(1, 1100) n');
--- response_body_filters eval
sub { my $text = main::ids($_[0]); $text =~ s/; (\d+) .* (\d+)$/; $1-$2/; $text }
--- gets
/api/v1/journal/ -> 200 ?<xid|50>; 1-50
/api/v1/journal/?limit=1000 -> 200 ?<xid|1000>&limit=1000; 1-1000
/api/v1/journal/?limit=1000&ordering=-id -> 200 ?<xid|101>&limit=1000&ordering=-id; 1100-101


=== TEST 34: text of every kind
--- init
main::fresh("SELECT set_config('magasin.acteur', E'\"\\\\é\\n', true)",
    "SELECT set_config('magasin.motif', E'\\x01\xf0\x9f\x98\x80', true)",
    q<UPDATE produit SET nom = E'"\\\\\n{}', description = '"details":null}]}' WHERE id = 3>);
--- request
GET /api/v1/journal/
--- response_body_filters eval
sub {
    require JSON::PP;
    my $answer = JSON::PP->new->utf8->decode($_[0])->{results}[0];
    utf8::encode(my $text = CORE::join '|', @$answer{qw(acteur motif)},
        $answer->{details}{nom}[1], $answer->{details}{description}[1]);
    return $text;
}
--- response_body eval
qq("\\\xc3\xa9\n|\x01\xf0\x9f\x98\x80|"\\\n{}|"details":null}]})


=== TEST 35: HEAD, OPTIONS, other methods and tokens
--- request eval
["HEAD $::journal", "OPTIONS $::journal", "POST $::journal\n{}", "DELETE $::journal",
 "GET ${main::journal}1/", "GET ${main::journal}?format=csv", "GET /api/v1/journal?limit=1"]
--- more_headers
Authorization: Token wrong
--- error_code eval: [200, 200, 405, 405, 404, 404, 301]
