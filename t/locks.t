# Locks that somebody holds, of a row, of a table, for a minute: they cost who
# wants what is locked, after a bounded wait, and nobody else.

use strict;
use warnings;

use lib 't/inc';
use Test::More;
use Time::HiRes qw(sleep time);
use MagasinTest;
use MagasinNginx;

# A cache would answer what is asked of the database here.
delete $ENV{TEST_NGINX_CACHE};

plan skip_all => 'TEST_NGINX_ADMIN_DATABASE is not set (make test)'
    unless $ENV{TEST_NGINX_ADMIN_DATABASE};

my $product = '/api/v1/products/1/';
my $stock   = '/api/v1/stores/2/stock/';

sub request {
    my ($method, $path, $body, @headers) = @_;
    $body //= '';
    return join "\r\n", "$method $path HTTP/1.1", 'Host: localhost',
        'Authorization: Token token-430', 'Content-Type: application/json',
        'Content-Length: ' . length $body, @headers, '', $body;
}

sub sale {
    my ($store, $products, @headers) = @_;
    my $lines = join ',', map {qq({"produit":$_,"quantite":1})} @$products;
    return request('POST', '/api/v1/sales/',
        qq({"magasin":$store,"lignes":[$lines]}), @headers);
}

sub once { return $_[0] =~ s/\r\n\r\n/\r\nConnection: close\r\n\r\n/r }

sub sales { return MagasinTest::sql('SELECT count(*) FROM vente') }

# How many of our sessions wait for a lock of theirs.  The maintenance may wait
# for a moment, too.
sub waiting {
    return MagasinTest::sql('SELECT count(*) FROM pg_stat_activity'
        . " WHERE usename = 'magasin_web' AND wait_event_type = 'Lock'"
        . " AND query NOT LIKE '%entretien%'");
}

sub metric {
    my ($nginx, $name) = @_;
    my (undef, $text) = $nginx->get('/metrics');
    my ($value) = $text =~ /^\Q$name\E (\d+)/m;
    return $value // 0;
}

my $row = 'SELECT FROM stock_local WHERE magasin_id = 1 AND produit_id = 4'
    . ' FOR UPDATE';
my $http = 'magasin_zone locks:2m; magasin_cache off;';
my $metrics = 'location = /metrics { magasin_metrics; }';

# Seconds: less than what a lock is waited for, and more than any machine takes.
my $soon = 15;

# As long as the lock is held, and as short as a refusal may take.
my $patient = 'connections=4 timeout=40s lock_timeout=30s';
my $short   = 'connections=3 timeout=4s lock_timeout=500ms';


# A row of the stock: 4, 8, 64 sales of it, and all the others

for my $connections (3, 4) {
    MagasinTest::reset('UPDATE stock_local SET quantite = 1000');
    my $nginx = MagasinNginx->start(workers => 1, http => $http,
        database => $patient =~ s/connections=4/connections=$connections/r,
        server => $metrics);

    for my $n (4, 8, 64) {
        my $held   = MagasinTest::hold($row);
        my $before = sales();
        my $load   = $nginx->load(connections => $n, seconds => 0,
            requests => [ sale(1, [4]) ]);
        ok(MagasinNginx::wait_for(sub {
            metric($nginx, 'magasin_postgresql_locked') >= $n - 1 }),
            "$connections connections, $n sales: they wait in the worker");

        my @codes;
        my $busy = 0;
        for (1 .. 8) {
            push @codes, ($nginx->ask(once(sale(2, [6])), $soon))[0],
                $nginx->code($product, $soon), $nginx->code($stock, $soon),
                $nginx->code('/readyz', $soon);
            my $now = waiting();
            $busy = $now if $now > $busy;
        }
        is(join(' ', @codes), join(' ', ('201 200 200 200') x 8),
            "$n sales: unrelated sales, reads and /readyz go on");
        cmp_ok($busy, '<=', 1,
            "$n sales: at most one of them is with PostgreSQL");

        MagasinTest::release($held);
        is($load->finish->{201}, $n, "$n sales: all are made when it is free");
        is(sales() - $before, $n + 8, "$n sales: each once");
    }
    ok($nginx->stop, 'a graceful stop');
    is($nginx->complaints, '', 'nothing alarming in the log');
}


# The lock does not go away: every kind of write has its 503, and is not done

{
    MagasinTest::reset('UPDATE stock_local SET quantite = 1000',
        'INSERT INTO demande_reapprovisionnement'
            . ' (magasin_id, produit_id, quantite) VALUES (1, 1, 1)');
    my $nginx = MagasinNginx->start(workers => 1, http => $http,
        database => $short);
    my $held = MagasinTest::hold($row,
        'SELECT FROM produit WHERE id = 1 FOR UPDATE',
        'SELECT FROM stock_central WHERE produit_id = 4 FOR UPDATE',
        'SELECT FROM demande_reapprovisionnement FOR UPDATE',
        'LOCK TABLE idempotence IN SHARE ROW EXCLUSIVE MODE');
    my $before = MagasinTest::checksum();

    my @writes = (
        [ 'a sale', sale(1, [4]) ],
        [ 'a sale of two lines', sale(1, [ 3, 4 ]) ],
        [ 'a sale with a key', sale(1, [4], 'Idempotency-Key: "s1"') ],
        [ 'a key alone', sale(2, [6], 'Idempotency-Key: "s2"') ],
        [ 'an adjustment',
            request('POST', '/api/v1/stores/1/stock/4/adjust/',
                '{"delta":1,"motif":"x"}') ],
        [ 'an adjustment with a key',
            request('POST', '/api/v1/stores/1/stock/4/adjust/',
                '{"delta":1,"motif":"x"}', 'Idempotency-Key: "a1"') ],
        [ 'PUT', request('PUT', $product, '{"prix":"2.00"}') ],
        [ 'PUT of a name', request('PUT', $product, '{"nom":"Autre"}') ],
        [ 'PATCH', request('PATCH', $product, '{"prix":"2.00"}') ],
        [ 'DELETE', request('DELETE', $product) ],
        [ 'a request', request('POST', '/api/v1/replenishments/',
            '{"magasin":1,"produit":1,"quantite":1}') ],
        [ 'a new product with a key', request('POST', '/api/v1/products/',
            '{"nom":"a","categorie":"b","prix":1}',
            'Idempotency-Key: "p1"') ],
        [ 'a decision',
            request('POST', '/api/v1/replenishments/1/approve/') ],
    );
    for my $write (@writes) {
        my ($name, $text) = @$write;
        my ($status, $answer) = $nginx->ask(once($text), $soon);
        is($status, 503, "$name: 503");
        like($answer, qr/^Retry-After: \d+\r$/m, "$name: with Retry-After");
    }
    is($nginx->code('/readyz', $soon), 200, 'ready for all other writes');
    MagasinTest::release($held);
    is(MagasinTest::checksum(), $before, 'none of them is done');

    my ($status) = $nginx->ask(
        once(sale(1, [4], 'Idempotency-Key: "s1"')), $soon);
    is($status, 201, 'and the key serves for the next attempt');
    ok($nginx->stop, 'a graceful stop');
    is($nginx->complaints, '', 'nothing alarming in the log');
}


# Many rows at a time, more than there are places for

{
    MagasinTest::reset(
        'INSERT INTO produit (id, nom, categorie, prix)'
            . ' SELECT n, n::text, \'x\', 1 FROM generate_series(1001, 1100) n',
        'INSERT INTO stock_local (magasin_id, produit_id, quantite)'
            . ' SELECT 1, n, 1000 FROM generate_series(1001, 1100) n',
        'UPDATE stock_local SET quantite = 1000');
    my $nginx = MagasinNginx->start(workers => 1, http => $http,
        database => $short);
    my $held = MagasinTest::hold('SELECT FROM stock_local'
        . ' WHERE magasin_id = 1 FOR UPDATE');
    my $before = sales();
    my $load   = $nginx->load(connections => 100, seconds => 0,
        requests => [ map { sale(1, [$_]) } 1001 .. 1100 ]);
    is(join(' ', map { $nginx->code($product, $soon) } 1 .. 10),
        join(' ', (200) x 10), 'a hundred rows: reads go on');
    is($load->finish->{503}, 100, 'a hundred rows: 503 for each');
    MagasinTest::release($held);
    is(sales(), $before, 'a hundred rows: nothing is sold');
    is(($nginx->ask(once(sale(1, [1001])), $soon))[0], 201, 'and then it is');
    ok($nginx->stop, 'a graceful stop');
    is($nginx->complaints, '', 'nothing alarming in the log');
}


# Baskets that are all different, and have one locked row in common: more than
# there are places for what is waited for

for my $ends ('release', 'timeout') {
    MagasinTest::reset(
        'INSERT INTO produit (id, nom, categorie, prix)'
            . ' SELECT n, n::text, \'x\', 1 FROM generate_series(1001, 1070) n',
        'INSERT INTO stock_local (magasin_id, produit_id, quantite)'
            . ' SELECT 1, n, 1000 FROM generate_series(1001, 1070) n',
        'UPDATE stock_local SET quantite = 1000');
    my $nginx = MagasinNginx->start(workers => 1, http => $http,
        database => $ends eq 'release'
            ? 'connections=4 timeout=40s lock_timeout=30s'
            : 'connections=3 timeout=15s lock_timeout=3s',
        server => $metrics);
    my $held   = MagasinTest::hold($row);
    my $before = sales();
    my $load   = $nginx->load(connections => 70, seconds => 0,
        requests => [ map { sale(1, [ 4, $_ ]) } 1001 .. 1070 ]);
    ok(MagasinNginx::wait_for(
        sub { metric($nginx, 'magasin_postgresql_locked') > 0 }),
        "70 baskets, $ends: they wait");

    my @codes;
    for (1 .. 8) {
        push @codes, ($nginx->ask(once(sale(2, [6])), $soon))[0],
            ($nginx->ask(once(sale(1, [ 3, 6 ])), $soon))[0],
            $nginx->code($product, $soon), $nginx->code('/readyz', $soon);
    }
    is(join(' ', @codes), join(' ', ('201 201 200 200') x 8),
        "70 baskets, $ends: unrelated sales, reads and /readyz go on");
    MagasinTest::release($held) if $ends eq 'release';
    my $count = $load->finish;
    if ($ends eq 'timeout') {
        is($count->{503}, 70, '70 baskets: none has it while it is locked');
        my ($status, $answer) = $nginx->ask(once(sale(1, [ 4, 1001 ])), $soon);
        is($status, 503, '70 baskets: nor has one more');
        like($answer, qr/^Retry-After: \d+\r$/m,
            '70 baskets: it may try again');
        MagasinTest::release($held);
    }
    my $made = $count->{201} // 0;
    is($made + $count->{503}, 70, "70 baskets, $ends: 201 or 503 for each")
        or diag join ' ', map {"$_=$count->{$_}"} sort keys %$count;
    is(sales() - $before, 16 + $made,
        "70 baskets, $ends: what is told to be sold is, once");
    is(MagasinTest::sql('SELECT 1000 - quantite FROM stock_local'
        . ' WHERE magasin_id = 1 AND produit_id = 4'), $made,
        "70 baskets, $ends: so says the stock");
    ok($nginx->stop, 'a graceful stop');
    is($nginx->complaints, '', 'nothing alarming in the log');
}


# Tables, as migrations and rebuild-rollups lock them

for my $table (qw(stock_local vente produit)) {
    MagasinTest::reset('UPDATE stock_local SET quantite = 1000');
    my $nginx = MagasinNginx->start(workers => 1, http => $http,
        database => $short);
    my %paths = (
        stock_local => [ $stock, '/api/v1/stores/2/stock/6/' ],
        vente       => [ '/api/v1/sales/', '/api/v1/sales/1/' ],
        produit     => [ $product, '/api/v1/products/' ],
    );
    my @others = ('/api/v1/stores/1/', '/api/v1/replenishments/',
        map { $_ eq $table || ($table eq 'produit' && $_ eq 'stock_local')
            ? () : $paths{$_}[1] } sort keys %paths);
    my $held = MagasinTest::hold(
        "LOCK TABLE $table IN ACCESS EXCLUSIVE MODE");
    my $load = $nginx->load(connections => 30, seconds => 0,
        requests => [ map { MagasinNginx::get_request($_) }
            @{ $paths{$table} } ]);

    for my $path (@others, '/readyz') {
        is($nginx->code($path, $soon), 200, "$table locked: $path goes on");
    }
    my ($status, $answer) = $nginx->ask(once(sale(2, [6])), $soon);
    is($status, 503, "$table locked: sales are refused");
    like($answer, qr/^Retry-After: \d+\r$/m, "$table: with Retry-After");
    is($load->finish->{503}, 30, "$table locked: so are its reads");

    MagasinTest::release($held);
    is($nginx->code($_, $soon), 200, "$table free: $_") for @{ $paths{$table} };
    is(($nginx->ask(once(sale(2, [6])), $soon))[0], 201, "$table free: a sale");
    ok($nginx->stop, 'a graceful stop');
    is($nginx->complaints, '', 'nothing alarming in the log');
}


# rebuild-rollups: what it locks, for as long as it takes

{
    MagasinTest::reset('UPDATE stock_local SET quantite = 1000');
    my $nginx = MagasinNginx->start(workers => 1, http => $http,
        database => $short);
    my $held = MagasinTest::hold('SELECT cumul_reconstruire()');
    my ($status) = $nginx->ask(once(sale(2, [6])), $soon);
    is($status, 503, 'rebuild-rollups: sales are refused');
    is($nginx->code($_, $soon), 200, "rebuild-rollups: $_ goes on")
        for '/api/v1/sales/', '/api/v1/reports/', $product, $stock, '/readyz';
    is(($nginx->put($product, '{"prix":"2.00"}'))[0], 200,
        'rebuild-rollups: so do other writes');
    MagasinTest::release($held);
    is(($nginx->ask(once(sale(2, [6])), $soon))[0], 201, 'and then sales');
    ok($nginx->stop, 'a graceful stop');
    is($nginx->complaints, '', 'nothing alarming in the log');
}


# Workers that start while a table is locked serve the others' requests

{
    MagasinTest::reset();
    my $held  = MagasinTest::hold('LOCK TABLE vente IN ACCESS EXCLUSIVE MODE');
    my $nginx = MagasinNginx->start(workers => 1, http => $http,
        database => $short);
    is($nginx->code($product, $soon), 200,
        'a start under a lock: reads of other tables are served');
    is($nginx->code('/api/v1/sales/1/', $soon), 503, 'those of the table are not');
    MagasinTest::release($held);
    ok(MagasinNginx::wait_for(
        sub { $nginx->code('/api/v1/sales/1/', $soon) == 200 }),
        'they are, once it is free');

    $held = MagasinTest::hold('LOCK TABLE produit IN ACCESS EXCLUSIVE MODE');
    my @before = $nginx->workers;
    kill 'HUP', $nginx->master;
    ok(MagasinNginx::wait_for(sub {
        my %before = map { $_ => 1 } @before;
        my @now = grep { !$before{$_} } $nginx->workers;
        return @now == 1 && !grep { -d "/proc/$_" } @before;
    }), 'a reload under a lock');
    is(($nginx->put($product, '{"prix":"2.00"}'))[0], 503,
        'products cannot be changed');
    is($nginx->code('/api/v1/sales/1/', $soon), 200, 'sales are read meanwhile');
    MagasinTest::release($held);
    ok(MagasinNginx::wait_for(sub {
        ($nginx->put($product, '{"prix":"2.00"}'))[0] == 200 }),
        'and then they can');
    ok($nginx->stop, 'a graceful stop');
    is($nginx->complaints, '', 'nothing alarming in the log');
}

MagasinTest::reset();
done_testing();
