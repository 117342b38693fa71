# Batches of rows: POST /api/v1/products/batch/ and POST /api/v1/stock/batch/.

use strict;
use warnings;

use lib 't/inc';
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use JSON::PP;
use Test::More;
use Time::HiRes qw(time);
use MagasinTest;
use MagasinCache;

plan skip_all => 'TEST_NGINX_ADMIN_DATABASE is not set (make test)'
    unless $ENV{TEST_NGINX_ADMIN_DATABASE};

my $Json = JSON::PP->new->utf8->canonical;

$ENV{TEST_NGINX_TOKENS} = MagasinTest::tokens(
    tout => 'produits,prix,stock,ventes,admin',
    prix => 'prix',
    deux => 'stock magasins=1,2',
    rien => 'ventes',
);

my $Server = 'client_max_body_size 64m; client_body_buffer_size 16k;';

MagasinTest::reset('TRUNCATE lot_ligne');
local $MagasinNginx::Patience = 240;
my $node = MagasinCache->start(zone => '8m', http => $Server, database => 'timeout=60s');

my %Type = (csv => 'text/csv', ndjson => 'application/x-ndjson');

# batch(PATH, TYPE, BODY, HEADER => VALUE, ...)
sub batch {
    my ($path, $type, $body, %header) = @_;
    my $as = delete $header{as} || 'tout';
    my $to = delete $header{node} || $node;
    my ($name, $value) = MagasinTest::as($as) =~ /^(\S+): (.*)$/m;
    return $to->fetch("/api/v1/$path", method => 'POST', content => $body,
        headers => { 'Content-Type' => $Type{$type} || $type, $name => $value, %header });
}

# The lines of an answer: of progress, of errors, and the summary.
sub lines {
    my ($answer) = @_;
    return map { $Json->decode($_) } split /\n/, $answer->{content};
}

# result(ANSWER): "ecrites/refusees line:field,..." of a batch that was decided.
sub result {
    my ($answer) = @_;
    return "$answer->{status} $answer->{content}"
        if $answer->{status} != 200 || $answer->{content} !~ /"refusees"/;
    my @lines   = grep { !exists $_->{lues} } lines($answer);
    my $summary = pop @lines;
    return join ' ', "$summary->{ecrites}/$summary->{refusees}",
        map { "$_->{ligne}:" . join ',', sort keys %{ $_->{erreurs} } } @lines;
}

sub message {
    my ($answer, $line, $field) = @_;
    my ($row) = grep { ($_->{ligne} // 0) == $line } lines($answer);
    my $text = join '|', @{ $row->{erreurs}{$field} || [] };
    utf8::encode($text);
    return $text;
}

# relay(CLIENT, SERVER, FILE): until one of them closes.
sub relay {
    my ($client, $server, $file) = @_;
    my $select = IO::Select->new($client, $server);
    for (;;) {
        for my $from ($select->can_read) {
            sysread $from, my $bytes, 65536 or return;
            if ($from == $client && $bytes =~ /\0products_batch\0/) {
                open my $out, '>', $file or die "$file: $!\n";
                print {$out} $$;
                close $out;
            }
            my $to = $from == $client ? $server : $client;
            print {$to} $bytes;
            $to->flush;
        }
    }
}

sub product {
    my ($id) = @_;
    return MagasinTest::sql("SELECT nom, categorie, prix, description FROM produit WHERE id = $id");
}

sub quantity {
    my ($store, $product) = @_;
    return MagasinTest::sql('SELECT quantite FROM stock_local'
            . " WHERE magasin_id = $store AND produit_id = $product");
}

# beside(STATEMENT, TYPE, BODY): the result of a batch of stock that waits for
# what the statement has done, until that is committed.
sub beside {
    my ($statement, $type, $body) = @_;
    my $gate = MagasinTest::hold($statement);
    my $pid  = open(my $pipe, '-|') // die "fork: $!\n";
    if ($pid == 0) {
        print result(batch('stock/batch/', $type, $body));
        close STDOUT;
        require POSIX;
        POSIX::_exit(0);
    }
    ok(MagasinNginx::wait_for(sub {
        MagasinTest::sql("SELECT count(*) FROM pg_stat_activity WHERE"
                . " wait_event_type = 'Lock' AND query LIKE '%stock_lot(%'") eq '1'
    }, 10), 'a batch of stock waits');
    MagasinTest::release($gate, 'COMMIT');
    my $text = do { local $/; <$pipe> } // '';
    close $pipe;
    return $text;
}

# Products

{
    my $answer = batch('products/batch/', 'csv', "id,prix\n1,10.50\n2,11\n3,\"12,5\"\n");
    is(result($answer), '3/0', 'prices, as CSV');
    is($answer->{headers}{'content-type'}, 'application/x-ndjson', '  lines of JSON');
    is($answer->{content}, '{"mode":"all","lignes":3,"ecrites":3,"creees":0,"refusees":0}' . "\n",
        '  the summary');
    is(MagasinTest::sql('SELECT prix FROM produit WHERE id < 4 ORDER BY id'), "10.50\n11.00\n12.50",
        '  are there');
    is(MagasinTest::sql("SELECT acteur, reference, details->'prix' FROM journal"
                . " WHERE type = 'produit_modification' ORDER BY id DESC LIMIT 1"),
        'tout|produit/3|["19.99", "12.50"]', '  and in the journal');
}

{
    MagasinTest::sql("UPDATE produit SET nom = 'Café', description = NULL WHERE id = 4");
    my $body = join "\n", '{"id":1,"prix":9.99}', '{"id":4,"nom":"Café moulu","description":"fin"}',
        '{"nom":"Neuf","categorie":"Divers","prix":"3.20","code":"N-1","codes_barres":["3017620422003"]}',
        '{"code":"N-2","nom":"Neuf 2","categorie":"Divers","prix":4}', '';
    is(result(batch('products/batch/', 'ndjson', $body)), '4/0', 'NDJSON: changes and new products');
    is(product(4), 'Café moulu|Boissons|15.99|fin', '  a change');
    my $told = sub {
        MagasinTest::sql('SELECT type, coalesce(magasin_id, 0), produit_id, reference, acteur,'
                . " details FROM journal WHERE type IN ('produit_creation', 'produit_modification')"
                . " ORDER BY id DESC LIMIT $_[0]");
    };
    my @told = split /\n/, $told->(4);
    like(join("\n", @told[ 0, 1 ]),
        qr{^produit_creation\|0\|(\d+)\|produit/\1\|tout\|\nproduit_creation\|0\|(\d+)\|produit/\2\|tout\|$},
        '  the journal has what is new');
    # The journal that a batch writes is the one that its trigger writes.
    MagasinTest::sql("UPDATE produit SET nom = 'Café', description = NULL WHERE id = 4",
        'UPDATE produit SET prix = 10.50 WHERE id = 1',
        "UPDATE produit SET prix = 9.99 WHERE id = 1",
        "UPDATE produit SET nom = 'Café moulu', description = 'fin' WHERE id = 4");
    my @by_trigger = split /\n/, $told->(2) =~ s/\|postgres\|/|tout|/gr;
    is_deeply([ @told[ 2, 3 ] ], \@by_trigger, '  and what has changed');
    is(result(batch('products/batch/', 'ndjson', '{"id":4,"nom":"Café moulu"}' . "\n")), '1/0',
        'what changes nothing');
    is($told->(2) =~ s/\|postgres\|/|tout|/gr, join("\n", @by_trigger), '  is not in the journal');
    is(MagasinTest::sql("SELECT p.nom, p.prix, string_agg(c.code, ' ' ORDER BY c.rang NULLS FIRST)"
                . ' FROM produit p JOIN produit_code c ON c.produit_id = p.id GROUP BY p.id ORDER BY p.id'),
        "Neuf|3.20|N-1 3017620422003\nNeuf 2|4.00|N-2", '  new ones with their codes');
    is(result(batch('products/batch/', 'csv', "code;prix\nN-1;5,20\n3017620422003;6\n")), '0/1 3:id',
        'by code; one product twice');
    is(result(batch('products/batch/', 'csv', "code;prix\nN-1;5,20\n")), '1/0', '  once');
    is(MagasinTest::sql("SELECT prix FROM produit WHERE nom = 'Neuf'"), '5.20', '  that one');
    my $id = MagasinTest::sql("SELECT id FROM produit WHERE nom = 'Neuf'");
    is(result(batch('products/batch/', 'ndjson', qq({"id":$id,"code":null,"codes_barres":["N-9"]}\n))),
        '1/0', 'codes change');
    is(MagasinTest::sql("SELECT code, interne, rang FROM produit_code WHERE produit_id = $id"),
        'N-9|f|1', '  so');
    is(result(batch('products/batch/', 'ndjson', qq({"id":$id,"code":"N-2"}\n))), '0/1 1:code',
        'a code of another product');
}

# What is wrong, by line

{
    my $answer = batch('products/batch/?mode=valid', 'ndjson', join "\n",
        '{"id":1,"prix":"x"}', '{"id":0,"prix":1}', '{"id":999,"prix":1}', '{"id":2,"nom":" "}', '',
        '{"nom":"a"}', '[1]', '{"id":7,"prix":-1}', '{"id":8,"prix":1.234}', '{"id":9,"prixx":1}',
        '{"id":10,"nom":null}', '{"id":11}', '{"id":12,"nom":"' . 'x' x 101 . '"}', '{"id":13,"nom":{}}',
        '{"id":14,"code":"a\u0000b"}', '{"id":15,"codes_barres":["3017620422004"]}',
        "{\"id\":3,\"nom\":\"\xff\"}", '{"id":5,"prix":"1.25"}', '{"id":6,"prix":123456789}', '{');
    is(result($answer), '1/18 1:prix 2:id 3:id 4:nom 6:categorie,prix 7:ligne 8:prix 9:prix 10:prixx'
            . ' 11:nom 12:ligne 13:nom 14:nom 15:ligne 16:codes_barres 17:ligne 19:prix 20:ligne',
        'mode=valid names the lines that are wrong');
    is(message($answer, 1, 'prix'), 'Un nombre valide est requis.', '  in French');
    is(message($answer, 3, 'id'), MagasinTest::message('key999'), '  an id');
    is(message($answer, 10, 'prixx'), 'Champ inconnu.', '  a member');
    is(message($answer, 16, 'codes_barres'), 'Le chiffre de contrôle de « 3017620422004 » est faux.',
        '  a barcode');
    is(MagasinTest::sql('SELECT prix FROM produit WHERE id = 5'), '1.25', '  and writes the others');
}

{
    my $answer = batch('products/batch/?mode=valid', 'csv',
        "\xef\xbb\xbfid,nom,prix\r\n1,\"a \"\"b\"\", c\",1\r\n2,x\r\n3,\"y\"z,3\r\n\r\n4,'=1+1,\r\n5,''x,7\r\n6,\"deux\r\nlignes\",8\r\n7,z,9");
    is(result($answer), '5/2 3:ligne 4:ligne', 'CSV: quotation marks, cells, empty lines');
    is(MagasinTest::sql("SELECT nom FROM produit WHERE id = 1"), 'a "b", c', '  quoted');
    is(MagasinTest::sql("SELECT nom FROM produit WHERE id = 4"), '=1+1', '  an apostrophe of a guard');
    is(MagasinTest::sql("SELECT nom FROM produit WHERE id = 5"), "''x", '  and another one');
    is(MagasinTest::sql("SELECT prix FROM produit WHERE id = 7"), '9.00', '  a line without its end');
}

# Rows that cost more than they say

{
    my $body = '{"id":1,"a":[' . join(',', (1) x 997) . "]}\n" . '{"id":1,"a":[' . join(',', (1) x 998)
        . "]}\n" . "\n" x 200_000 . '{"id":2,"prix":"2.75"}';
    my $answer = batch('products/batch/?mode=valid', 'ndjson', $body);
    is(result($answer), '1/2 1:a 2:ligne', 'a row of NDJSON has 1000 values at most; empty lines between rows');
    is(message($answer, 2, 'ligne'), 'La ligne a plus de 1000 valeurs.', '  in French');
    is(MagasinTest::sql('SELECT prix FROM produit WHERE id = 2'), '2.75', '  the row behind them');
    $answer = batch('products/batch/?mode=valid', 'csv',
        "id,prix\n1" . ',' x 100_000 . "\n2,\"" . "\n" x 200_000 . "\"\n3,2.85\n");
    is(result($answer), '1/2 2:ligne 3:ligne', 'CSV: more cells than the header; a cell of 200 kB');
    is(MagasinTest::sql('SELECT prix FROM produit WHERE id = 3'), '2.85', '  the row behind them');
}

# What CSV is exported is a batch.

{
    my $before = MagasinTest::sql('SELECT nom, categorie, prix, description FROM produit ORDER BY id');
    my $csv = $node->fetch('/api/v1/products/', headers => { Accept => 'text/csv' })->{content};
    is(result(batch('products/batch/', 'csv', $csv)), ($csv =~ tr/\n// - 2) . '/0',
        'GET as CSV, POST as a batch');
    is(MagasinTest::sql('SELECT nom, categorie, prix, description FROM produit ORDER BY id'), $before,
        '  changes nothing');
}

# What is wrong with the whole

for my $case ([ 'csv', 'id,prix', '400 {"lignes":["Donnez de 1 à 50000 lignes."]}' ],
    [ 'ndjson', "\n\n", '400 {"lignes":["Donnez de 1 à 50000 lignes."]}' ],
    [ 'csv', "id,prixx\n1,2\n", '400 {"colonnes":["La colonne « prixx » est inconnue, ou donnée deux fois."]}' ],
    [ 'csv', "id,prix,id\n1,2,3\n", '400 {"colonnes":["La colonne « id » est inconnue, ou donnée deux fois."]}' ],
    [ 'csv', "id,prix\n" . "1,2\n" x 50001, '400 {"lignes":["Donnez de 1 à 50000 lignes."]}' ])
{
    is(result(batch('products/batch/', $case->[0], $case->[1])), $case->[2],
        'the whole: ' . substr $case->[2], 0, 40);
}
is(batch('products/batch/', 'application/json', '[]')->{status}, 415, 'JSON is no batch');
is(batch('products/', 'csv', "id\n1\n")->{status}, 415, 'and CSV is no product');
is(batch('products/batch/', 'csv', '')->{status}, 400, 'no body');
is(batch('products/batch/?mode=x', 'csv', "id,prix\n1,2\n")->{content},
    '{"mode":["Ce choix n\'est pas valide."]}', 'no such mode');
is(batch('products/batch/', 'csv', "id,prix\n1,2\n", Accept => 'application/x-ndjson')->{status}, 200,
    'Accept: application/x-ndjson');
is($node->fetch('/api/v1/stores/', headers => { Accept => 'application/x-ndjson' })->{status}, 406,
    '  of batches only');

# Who may

is(batch('products/batch/', 'csv', "id,prix\n1,2\n", as => 'rien')->{status}, 403, 'no scope');
is(result(batch('products/batch/?mode=valid', 'ndjson',
    qq({"id":1,"prix":77}\n{"id":2,"nom":"x"}\n{"code":"N-9","prix":4}\n{"nom":"a","categorie":"b","prix":1}\n),
    as => 'prix')), '2/2 2:ligne 4:ligne', 'the scope prix: prices alone');
is(batch('stock/batch/', 'csv', "magasin,produit,delta\n1,1,1\n", as => 'prix')->{status}, 403,
    'and no stock');
is(result(batch('stock/batch/?mode=valid', 'csv', "magasin,produit,delta\n1,1,1\n3,2,1\n2,4,1\n", as => 'deux')),
    '2/1 3:magasin', 'a token of two stores: a row of another one is refused');
is(batch('products/batch/', 'csv', "id,prix\n1,2\n", as => 'deux')->{status}, 403, '  and products are');

# Stock

MagasinTest::reset();
{
    my $body = join "\n", '{"magasin":1,"produit":1,"delta":-3,"motif":"casse"}',
        '{"magasin":1,"produit":2,"quantite":7,"attendu":35}',
        '{"magasin":4,"produit":1,"delta":5,"minimum":2,"maximum":9}',
        '{"magasin":2,"produit":4,"minimum":4}';
    is(result(batch('stock/batch/', 'ndjson', $body)), '4/0', 'stock');
    is(join(' ', quantity(1, 1), quantity(1, 2), quantity(4, 1)), '17 7 5', '  quantities');
    is(MagasinTest::sql('SELECT magasin_id, produit_id, minimum, maximum FROM seuil ORDER BY 1, 2'),
        "2|4|4|\n4|1|2|9", '  thresholds');
    is(MagasinTest::sql("SELECT magasin_id, produit_id, delta, quantite, acteur, motif FROM journal"
                . " WHERE type = 'ajustement' ORDER BY 1, 2"),
        "1|1|-3|17|tout|casse\n1|2|-28|7|tout|\n4|1|5|5|tout|", '  the journal');
    like(MagasinTest::sql("SELECT DISTINCT reference FROM journal WHERE type = 'ajustement'"),
        qr{^lot/\d+$}, '  on account of the batch');
    is(result(batch('stock/batch/', 'ndjson', '{"magasin":4,"produit":1,"minimum":null,"maximum":null}')),
        '1/0', 'thresholds are taken away');
    is(MagasinTest::sql('SELECT minimum, maximum FROM seuil WHERE magasin_id = 4'), '|', '  so');
}
{
    my $answer = batch('stock/batch/?mode=valid', 'ndjson', join "\n",
        '{"magasin":1,"produit":1,"delta":-99}', '{"magasin":1,"produit":2,"quantite":1,"attendu":35}',
        '{"magasin":9,"produit":1,"delta":1}', '{"magasin":1,"produit":999,"delta":1}',
        '{"magasin":1,"code":"zz","delta":1}', '{"produit":3,"delta":1}', '{"magasin":1,"produit":3}',
        '{"magasin":1,"produit":4,"delta":0}', '{"magasin":1,"produit":5,"delta":1,"quantite":3,"attendu":1}',
        '{"magasin":1,"produit":6,"quantite":3}', '{"magasin":1,"produit":7,"delta":2147483647}',
        '{"magasin":1,"produit":8,"minimum":3,"maximum":2}', '{"magasin":1,"produit":9,"delta":1.5}',
        '{"magasin":1,"produit":10,"delta":2}', '{"magasin":1,"produit":10,"delta":2}',
        '{"magasin":1,"produit":11,"minimum":-1}');
    is(result($answer), '1/15 1:delta 2:attendu 3:magasin 4:produit 5:code 6:magasin 7:ligne 8:delta'
            . ' 9:delta 10:attendu 11:delta 12:maximum 13:delta 15:ligne 16:minimum', 'stock: what is wrong');
    is(message($answer, 1, 'delta'), "Stock insuffisant${MagasinTest::NBSP}: Clavier mécanique"
            . ' (demandé 99, disponible 17).', '  in French');
    is(MagasinTest::sql('SELECT count(*) FROM lot_ligne'), '0', 'no row is left behind');
}

# The cache hears of it: a few changes by their names, many by all of them.

{
    my $path = '/api/v1/products/8/';
    $node->fetch($path);
    is($node->fetch($path)->{state}, 'HIT', 'a product is cached');
    batch('products/batch/', 'csv', "id,prix\n9,2\n");
    is($node->fetch($path)->{state}, 'HIT', '  a batch of another one leaves it');
    batch('products/batch/', 'csv', "id,prix\n8,2.22\n");
    like($node->fetch($path)->{content}, qr/"2\.22"/, '  a batch of it does not');
    $node->fetch('/api/v1/stores/1/stock/');
    batch('stock/batch/', 'csv', "magasin,produit,delta\n1,6,1\n");
    like($node->fetch('/api/v1/stores/1/stock/')->{content}, qr/"produit_id":6,"nom":"[^"]*","quantite":19/,
        '  nor does one of the stock');
}

# 50,000 rows, 3 of them wrong

MagasinTest::sql("INSERT INTO produit (id, nom, categorie, prix) SELECT 100000 + i, 'Lot ' || i, 'Lot', 1"
        . ' FROM generate_series(1, 50000) i', 'ANALYZE produit');
my %wrong = (77 => 'x', 25000 => '-1', 49999 => '1.234');
my $csv = "id,prix\n" . join '', map { 100000 + $_ . ',' . ($wrong{$_} // '2.50') . "\n" } 1 .. 50000;
sub changed { return MagasinTest::sql("SELECT count(*) FROM produit WHERE categorie = 'Lot' AND prix = $_[0]") }

{
    my $answer = batch('products/batch/?mode=all', 'csv', $csv);
    is(result($answer), '0/3 78:prix 25001:prix 50000:prix', 'mode=all names the three lines');
    is(changed('2.50'), 0, '  and writes nothing');
    is(join(' ', map { $_->{lues} } grep { $_->{lues} } lines($answer)), join(' ', map { 5000 * $_ } 1 .. 10),
        '  after lines of progress');

    my $start = time;
    $answer = batch('products/batch/?mode=valid', 'csv', $csv, 'Idempotency-Key' => 'grand');
    diag(sprintf '50,000 prices: %.2f s', time - $start);
    is(result($answer), '49997/3 78:prix 25001:prix 50000:prix', 'mode=valid names them');
    is(changed('2.50'), 49997, '  and writes 49997');
    is(MagasinTest::sql("SELECT count(*) FROM journal WHERE type = 'produit_modification'"
                . " AND produit_id > 100000 AND acteur = 'tout'"), 49997, '  each with its row in the journal');

    MagasinTest::sql('UPDATE produit SET prix = 3 WHERE id = 100001');
    my $again = batch('products/batch/?mode=valid', 'csv', $csv, 'Idempotency-Key' => 'grand');
    is($again->{content}, $answer->{content}, 'the key again: the same answer, byte for byte');
    is(changed('3'), 1, '  and nothing is written');
    is(batch('products/batch/?mode=valid', 'csv', "$csv\n", 'Idempotency-Key' => 'grand')->{status}, 422,
        '  another body: 422');
    is(batch('products/batch/?mode=all', 'csv', $csv, 'Idempotency-Key' => 'grand')->{status}, 422,
        '  another mode: 422');
    cmp_ok(MagasinTest::sql("SELECT octet_length((reponse).corps) FROM idempotence WHERE cle = 'grand'"),
        '<', 1000, '  the rows are not kept');
}

# A client that leaves in the middle of its answer, before the decision

{
    my $gate = MagasinTest::hold('LOCK TABLE produit IN ACCESS EXCLUSIVE MODE');
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $node->{port}) or die;
    my $body = "id,prix\n" . join '', map { 100000 + $_ . ",4\n" } 1 .. 6000;
    print {$socket} join "\r\n", 'POST /api/v1/products/batch/ HTTP/1.1', 'Host: localhost',
        (split /\n/, MagasinTest::as('tout'))[0], 'Content-Type: text/csv', 'Content-Length: ' . length $body, '', $body;
    $socket->flush;
    ok(MagasinNginx::wait_for(sub { MagasinTest::sql('SELECT count(*) FROM lot_ligne') > 0 }),
        'rows are staged');
    close $socket;
    MagasinTest::release($gate);
    is($node->code('/healthz'), 200, 'the client left, the worker lives');
    my $there = changed('4');
    ok($there == 0 || $there == 6000, "  all of it or nothing: $there");
}

# A worker that is killed: the key tells what became of it

{
    my $body = "id,prix\n" . join '', map { 100000 + $_ . ",5\n" } 1 .. 6000;
    my $gate = MagasinTest::hold('SELECT FROM produit WHERE id = 106000 FOR UPDATE');
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $node->{port}) or die;
    print {$socket} join "\r\n", 'POST /api/v1/products/batch/ HTTP/1.1', 'Host: localhost',
        (split /\n/, MagasinTest::as('tout'))[0], 'Content-Type: text/csv', 'Idempotency-Key: mort',
        'Content-Length: ' . length $body, '', $body;
    $socket->flush;
    ok(MagasinNginx::wait_for(sub {
        MagasinTest::sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                . " AND query LIKE '%produits_lot%'") > 0
    }), 'a batch waits for a row');
    kill KILL => $node->workers;
    MagasinTest::release($gate);
    ok(MagasinNginx::wait_for(sub { $node->code('/readyz') == 200 }), 'the workers were killed, others are ready');
    close $socket;
    my $answer;
    ok(MagasinNginx::wait_for(sub {
        $answer = batch('products/batch/', 'csv', $body, 'Idempotency-Key' => 'mort');
        return $answer->{status} == 200 && $answer->{content} =~ /"refusees"/;
    }), 'the key again');
    is(result($answer), '6000/0', '  is answered');
    is(MagasinTest::sql("SELECT count(*) FROM journal WHERE produit_id > 100000"
                . " AND details->'prix'->>1 = '5.00'"), 6000, '  and written once');
}

# Orphans go when another batch begins.

{
    MagasinTest::sql("INSERT INTO lot_ligne (lot, n, donnees, recue_le) VALUES"
            . " (-1, 1, '{}', now() - interval '2 hours'), (-2, 1, '{}', now() - interval '2 hours')",
        "UPDATE lot_ligne SET recue_le = now() - interval '2 hours'");
    for (1 .. 6) { batch('products/batch/', 'csv', "id,prix\n1,2\n") }
    is(MagasinTest::sql('SELECT count(*) FROM lot_ligne'), '0', 'what was left behind goes');
}

# A row that somebody holds: 503, and sales go on meanwhile

{
    my $gate = MagasinTest::hold('SELECT FROM produit WHERE id = 1 FOR UPDATE');
    my $answer = batch('products/batch/', 'csv', "id,prix\n1,8\n2,8\n");
    is($answer->{status}, 503, 'a product that is locked');
    MagasinTest::release($gate);
    is(result(batch('products/batch/', 'csv', "id,prix\n1,8\n2,8\n")), '2/0', '  and then is not');
}

# Sales do not wait for the products that a batch has changed, but those that
# say what they expect to pay: the price may be another one when it has ended.

{
    my $gate = MagasinTest::hold('SELECT FROM produit WHERE id = 4 FOR NO KEY UPDATE');
    my $sell = sub {
        return batch('sales/', 'application/json',
            '{"magasin":1,"lignes":[{"produit":4,"quantite":1}]' . "$_[0]}")->{status};
    };
    is($sell->(''), 201, 'a product that a batch changes is sold');
    is($sell->(',"total_attendu":"0.01"'), 503, '  but not at a price that is expected');
    MagasinTest::release($gate);
    is($sell->(',"total_attendu":"0.01"'), 409, '  until the price is known');
}

# A product that goes while a batch of stock waits for it: its row is wrong.

{
    MagasinTest::sql("INSERT INTO produit (id, nom, categorie, prix) VALUES (990001, 'a', 'b', 1)");
    is(beside("SELECT FROM produit_supprimer(990001, NULL, 'x')", 'csv',
            "magasin,produit,delta\n1,990001,7\n1,4,1\n"), '0/1 2:produit',
        'a batch of stock waits for a product that goes: its row is wrong, and not written');
}

# A row that another one makes meanwhile is not taken for the batch's own, even
# if it is what the batch would write.

{
    MagasinTest::sql("INSERT INTO produit (id, nom, categorie, prix) VALUES (990002, 'a', 'b', 1),"
            . " (990003, 'c', 'd', 1)");
    my $stock = 'INSERT INTO stock_local (magasin_id, produit_id, quantite) VALUES (1, 99000%d, 5)';
    is(beside(sprintf($stock, 2), 'ndjson', '{"magasin":1,"produit":990002,"delta":5}'), '1/0',
        'a row with the same quantity comes meanwhile: a delta');
    is(quantity(1, 990002), 10, '  is added to it');
    is(beside(sprintf($stock, 3), 'ndjson', '{"magasin":1,"produit":990003,"quantite":5,"attendu":0}'),
        '0/1 1:attendu', '  and who expects none is refused');
    is(quantity(1, 990003), 5, '  and it stays');
    is(beside('INSERT INTO seuil (magasin_id, produit_id, minimum, maximum) VALUES (1, 990002, 1, 5)',
            'ndjson', '{"magasin":1,"produit":990002,"minimum":3}'), '1/0', 'thresholds come meanwhile');
    is(MagasinTest::sql('SELECT minimum, maximum FROM seuil WHERE produit_id = 990002'), '3|5',
        '  what the row does not say stays');
}

# Answers that do not leave at once: nothing of the batch goes on after them.

{
    my $slow = MagasinCache->start(http => $Server,
        server => 'location = /api/v1/products/batch/ { magasin; limit_rate 200; }');
    is(result(batch('products/batch/', 'csv', "id,prix\n", node => $slow)),
        '400 {"lignes":["Donnez de 1 à 50000 lignes."]}', 'at a limited rate: no rows');
    is(result(batch('products/batch/', 'csv', "id,prixx\n1,2\n", node => $slow)),
        '400 {"colonnes":["La colonne « prixx » est inconnue, ou donnée deux fois."]}',
        'at a limited rate: a column');
    is($slow->complaints, '', '  and nothing is wrong in the log');
    is(join('', grep { /SQLSTATE/ } split /^/, $slow->log), '', '  and PostgreSQL is asked nothing');
}

# The connection breaks while a batch is decided, which PostgreSQL goes on with.
# Without a key nobody can tell whether it was done; with one the next request is
# told.  A relay breaks it, which notes the process that a batch came through.

{
    my $dir = "$node->{root}/relay";
    mkdir $dir or die "$dir: $!\n";
    my ($real) = $ENV{TEST_NGINX_DATABASE} =~ /host=(\S+)/;
    my $listener = IO::Socket::UNIX->new(Local => "$dir/.s.PGSQL.5432", Listen => 16) or die "relay: $!\n";
    my $relay = fork // die "fork: $!\n";
    if ($relay == 0) {
        $SIG{CHLD} = 'IGNORE';
        for (;;) {
            my $client = $listener->accept or next;
            next if fork;
            relay($client, IO::Socket::UNIX->new(Peer => "$real/.s.PGSQL.5432"), "$dir/batch");
            require POSIX;
            POSIX::_exit(0);
        }
    }
    close $listener;
    local $ENV{TEST_NGINX_DATABASE} = $ENV{TEST_NGINX_DATABASE} =~ s/host=\S+/host=$dir/r;
    my $cut = MagasinCache->start(workers => 1, database => 'connections=4 timeout=50s lock_timeout=40s');
    my $waits = sub {
        return MagasinTest::sql('SELECT count(*) FROM pg_stat_activity WHERE'
                . " wait_event_type = 'Lock' AND query LIKE '%produits_lot(%'");
    };
    my $price = 40;
    for my $key ([], [ 'Idempotency-Key' => 'coupe' ]) {
        my $how  = @$key ? 'with a key' : 'without a key';
        my $body = 'id,prix' . "\n1," . ++$price . "\n";
        my $gate = MagasinTest::hold('SELECT FROM produit WHERE id = 1 FOR UPDATE');
        my $pid  = open(my $pipe, '-|') // die "fork: $!\n";
        if ($pid == 0) {
            print batch('products/batch/', 'csv', $body, @$key, node => $cut)->{status};
            close STDOUT;
            require POSIX;
            POSIX::_exit(0);
        }
        ok(MagasinNginx::wait_for(sub { $waits->() == 1 }), "$how: a batch waits for a row");
        kill TERM => MagasinNginx::slurp("$dir/batch");
        my $told = MagasinNginx::wait_for(sub {
            IO::Select->new($pipe)->can_read(0.1) || $waits->() > 1 });
        is($waits->(), 1, "$how: it waits once, when its connection is cut");
        MagasinTest::release($gate);
        my $status = do { local $/; <$pipe> } // '';
        close $pipe;
        is($status, 503, "$how: 503");
        ok(MagasinNginx::wait_for(sub { product(1) =~ /\|$price\.00\|/ }), '  and it is done');
        is(result(batch('products/batch/', 'csv', $body, @$key, node => $cut)), '1/0', '  as its key tells')
            if @$key;
    }
    is($cut->complaints, '', '  and nothing is wrong in the log');
    ok($cut->stop, '  nor with the end');
    kill TERM => $relay;
    waitpid $relay, 0;
}

# Rows that are gone when they are decided, as after a crash of the server: 503,
# and nothing is wrong with the connection.

{
    MagasinTest::sql('CREATE FUNCTION t_rien() RETURNS trigger LANGUAGE plpgsql AS'
            . ' $$BEGIN RETURN NULL; END$$',
        'CREATE TRIGGER t_rien BEFORE INSERT ON lot_ligne FOR EACH ROW EXECUTE FUNCTION t_rien()');
    my $told = length $node->log;
    is(batch('products/batch/', 'csv', "id,prix\n1,8\n")->{status}, 503, 'rows that are gone');
    is(join('', grep { /\[(?:warn|error)\]/ } split /^/, substr $node->log, $told), '',
        '  cost no connection');
    MagasinTest::sql('DROP FUNCTION t_rien() CASCADE');
    is(result(batch('products/batch/', 'csv', "id,prix\n1,8\n")), '1/0', '  and then are there');
}

# make import-csv

{
    my $file = "$node->{root}/prix.csv";
    open my $out, '>', $file or die "$file: $!\n";
    print {$out} "id,prix\n1,4.50\n2,x\n";
    close $out;
    local $ENV{BASE_URL} = "http://127.0.0.1:$node->{port}";
    local $ENV{TOKEN}    = 'secret-tout';
    my $import = sub {
        my $text = `$MagasinTest::Top/scripts/import_csv.sh @_ 2>&1`;
        return ($? >> 8) . "\n$text";
    };
    is($import->('products', $file), "1\nligne 3: prix: Un nombre valide est requis.\n"
            . "2 lignes, 0 écrites (0 créées), 1 refusées\n", 'import_csv.sh: all, and one is wrong');
    is($import->('products', $file, 'valid'), "2\nimport-csv: status 422: {\"detail\":\"Cette clé"
            . " d’idempotence a déjà servi à une autre requête.\"}\n", '  the same file otherwise');
    $ENV{KEY} = 'encore';
    is($import->('products', $file, 'valid'), "1\nligne 3: prix: Un nombre valide est requis.\n"
            . "2 lignes, 1 écrites (0 créées), 1 refusées\n", '  with another key');
    is(MagasinTest::sql('SELECT prix FROM produit WHERE id = 1'), '4.50', '  what is right is there');
    like($import->('produits', $file), qr/^2\nusage:/, '  a wrong kind');
}

is(join('', grep { !/exited on signal 9/ } split /^/, $node->complaints), '',
    'nothing is wrong in the log');

done_testing();
