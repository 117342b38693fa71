# GET /api/v1/stores/{id}/stock/?au=: the stock as it was at an instant, from the
# journal and from the sums that entretien() makes of it.

use strict;
use warnings;

use lib 't/inc';
use Test::More;
use MagasinTest;
use MagasinCache;

plan skip_all => 'TEST_NGINX_ADMIN_DATABASE is not set (make test)'
    unless $ENV{TEST_NGINX_ADMIN_DATABASE};

my $nginx = MagasinCache->start(workers => 1, zone => '8m');

# get(QUERY, STORE): status and body.
sub get {
    my ($query, $store) = @_;
    my $answer = $nginx->fetch('/api/v1/stores/' . ($store // 1)
        . "/stock/$query");
    return ($answer->{status}, $answer->{content});
}

sub sql { return MagasinTest::sql(@_) }

# The instant of the database, as RFC 3339 has it.
sub now { return sql('SELECT instant_texte(clock_timestamp())') }

# stock(INSTANT, STORE): "PRODUCT:UNITS ..." of the answer.
sub stock {
    my ($instant, $store) = @_;
    my ($status, $body) = get("?au=$instant", $store);
    return "$status $body" if $status != 200 || $body !~ /^\[.*\]$/;
    return join ' ', map { /"produit_id":(\d+),.*"quantite":(\d+)$/
        ? "$1:$2" : $_ } $body =~ /\{("produit_id"[^{}]*)\}/g;
}

# The same from the rows of the journal alone.
sub journal {
    my ($instant, $store) = @_;
    $store //= 1;
    return join ' ', split /\n/, sql("SELECT produit_id || ':' || sum(delta)"
        . " FROM journal JOIN stock_local USING (magasin_id, produit_id)"
        . " WHERE delta IS NOT NULL AND magasin_id = $store"
        . " AND instant <= '$instant' GROUP BY produit_id ORDER BY produit_id");
}

sub adjust {
    my ($product, $delta, $store) = @_;
    $store //= 1;
    my $answer = $nginx->fetch("/api/v1/stores/$store/stock/$product/adjust/",
        method => 'POST', content => "{\"delta\":$delta}");
    is($answer->{status}, 200, "an adjustment of product $product");
    return;
}

# Marks as entretien() makes them, and how many there are.
sub marks {
    1 while sql('SELECT journal_reperer()') eq 't';
    return sql('SELECT count(*) FROM stock_marque');
}


# An instant and another.

MagasinTest::reset();
my $first = now();
my @then = ($first => journal($first));
adjust(4, -3);
push @then, now(), undef;
$then[-1] = journal($then[-2]);
adjust(4, 5);
adjust(9, -28);
push @then, now(), undef;
$then[-1] = journal($then[-2]);

like($then[1], qr/\b4:30 /, 'there were 30');
like($then[3], qr/\b4:27 /, 'then 27');
like($then[5], qr/\b4:32 .*\b9:0 /, 'then 32, and nothing of another');
for (my $i = 0; $i < @then; $i += 2) {
    is(stock($then[$i]), $then[ $i + 1 ], "the stock as of $then[$i]");
}
is(stock('9999-12-31T23:59:59Z'), $then[5], 'as of an instant to come');
is(stock('9999-12-31T23:59:59Z', 99), '', 'a store that is not there');
is(stock('9999-12-31T23:59:59Z', '99999999999999999999'), '',
    'an id that no store has');

my ($status, $body) = get("?au=$then[2]&produits=4,9,99");
is($body, '[{"produit_id":4,"nom":"Café Premium Bio","quantite":27},'
    . '{"produit_id":9,"nom":"Chocolat au Lait","quantite":28}]',
    'some products');

like((get('?au='))[1], qr/^\[\{"produit_id":1,/, 'no instant: the plain list');
is((get('?au=hier'))[0], 400, 'no instant that there is');
is((get("?au=$first&produits=x"))[0], 400, 'products that are none');

# Before the history.

my $begin = sql('SELECT instant_texte(debut) FROM stock_histoire');
($status, $body) = get('?au=2001-01-01T00:00:00Z');
is($status, 410, 'before the history: 410');
is($body, '{"detail":"Le journal ne remonte pas jusqu’à cet instant.",'
    . "\"debut\":\"$begin\"}", 'with its begin');
like(stock($begin), qr/^(?:1:20 .*)?$/, 'its begin is in it');


# A row that was not there yet, and units that were in a transaction.

sql('DELETE FROM stock_local WHERE magasin_id = 2 AND produit_id = 4');
my $before = now();
sql('INSERT INTO stock_local (magasin_id, produit_id, quantite)'
    . ' VALUES (2, 15, 7)');
unlike(stock($before, 2), qr/\b15:/, 'a row that was not there yet');
like(stock(now(), 2), qr/\b15:7$/, 'and that is there');


# A store that is larger than a piece of an answer.

sql("INSERT INTO produit (id, nom, categorie, prix) SELECT 100 + n, 'Lot ' || n,"
    . " 'Lot', 1 FROM generate_series(1, 2100) n", 'INSERT INTO stock_local'
    . ' (magasin_id, produit_id, quantite) SELECT 5, 100 + n, n % 7'
    . ' FROM generate_series(1, 2100) n');
my $large = now();
sql('UPDATE stock_local SET quantite = quantite + 1 WHERE magasin_id = 5');
is(stock($large, 5), journal($large, 5), 'a store of three pieces');

# Sums: each answer stays what it was, however many marks there are.

# A transaction that has the place of an older one writes many rows later.
my $filler = 'INSERT INTO journal (type, magasin_id, produit_id, delta,'
    . " quantite) SELECT 'essai', 1 + n % 2, 1 + n % 15, 0, 0"
    . ' FROM generate_series(1, 25000) n';
my $held = MagasinTest::hold("SET LOCAL magasin.type = 'long'",
    'UPDATE stock_local SET quantite = quantite + 100'
    . ' WHERE magasin_id = 1 AND produit_id = 7');
adjust(5, -1);
my $late = now();
MagasinTest::release($held, "$filler; COMMIT");
push @then, $late, journal($late);
sql($filler);
adjust(3, -1);
push @then, now(), undef;
$then[-1] = journal($then[-2]);
my @plain = map { stock($then[ 2 * $_ ]) } 0 .. @then / 2 - 1;

cmp_ok(marks(), '>=', 2, 'there are marks');
cmp_ok(sql('SELECT count(*) FROM stock_marque WHERE apres < instant'), '>', 0,
    'of which some have an earlier row behind them');
is($nginx->fetch('/api/v1/cache/flush/', method => 'POST')->{status}, 200,
    'nothing is from the cache');
for (my $i = 0; $i < @then; $i += 2) {
    is(stock($then[$i]), $then[ $i + 1 ], "from sums: as of $then[$i]");
    is($plain[ $i / 2 ], $then[ $i + 1 ], 'and before there were any');
}
is(sql('SELECT count(*) FROM stock_repere r WHERE numero = (SELECT max(numero)'
    . ' FROM stock_repere WHERE (magasin_id, produit_id) = (r.magasin_id,'
    . ' r.produit_id)) AND quantite <> (SELECT sum(delta) FROM journal j,'
    . ' stock_marque m WHERE m.numero = r.numero AND (j.xid, j.id) <= (m.xid, m.id)'
    . ' AND (j.magasin_id, j.produit_id) = (r.magasin_id, r.produit_id))'), 0,
    'each sum is that of the rows up to its mark');

# A planted bug: a sum that is wrong is in the answer.

sql('UPDATE stock_repere SET quantite = quantite + 1 WHERE magasin_id = 1'
    . ' AND produit_id = 3');
isnt(sql("SELECT string_agg(produit || ':' || quantite, ' ')"
        . " FROM stock_au(1, '$then[-2]', 0, 100, NULL)"), $then[-1],
    'a wrong sum is found');

ok($nginx->stop, 'a graceful stop');
is($nginx->complaints, '', 'nothing alarming in the log');
MagasinTest::reset();
is(sql('SELECT count(*) FROM stock_repere'), 0,
    'an emptied journal has no sums');
done_testing();
