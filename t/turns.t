# However many reads there are, a write has its turn: it is sent before the
# reads that wait.  Long reads do not count as short ones.

use strict;
use warnings;

use lib 't/inc';
use Test::More;
use MagasinTest;
use MagasinNginx;

# A cache would answer what is asked of the database here.
delete $ENV{TEST_NGINX_CACHE};

plan skip_all => 'TEST_NGINX_ADMIN_DATABASE is not set (make test)'
    unless $ENV{TEST_NGINX_ADMIN_DATABASE};

# Seconds: less than statements may wait, and more than any machine takes.
my $soon = 30;

my $nginx;

sub begin {
    my ($name, $options) = @_;
    $nginx = MagasinNginx->start(workers => 1,
        http     => "magasin_zone $name:2m; magasin_cache off;",
        database => "timeout=60s lock_timeout=50s $options",
        server   => 'location = /metrics { magasin_metrics; }');
    return;
}

sub end {
    ok($nginx->stop, 'a graceful stop');
    is($nginx->complaints, '', 'nothing alarming in the log');
    return;
}

sub metric {
    my ($name, $class) = @_;
    my (undef, $text) = $nginx->get('/metrics', $soon);
    my ($value)
        = $text =~ /^magasin_postgresql_class_$name\{class="$class"\} (\d+)/m;
    return $value // 0;
}

# waits(CLASS, NUMBER): as many jobs of the class come to wait.  The module's own
# may be among them.
sub waits {
    my ($class, $number) = @_;
    return MagasinNginx::wait_for(sub { metric('waiting', $class) >= $number });
}

sub request {
    my ($method, $path, $body) = @_;
    return "GET $path HTTP/1.1\r\nHost: localhost\r\n\r\n" if $method eq 'GET';
    return join "\r\n", "$method $path HTTP/1.1", 'Host: localhost',
        'Authorization: Token token-430', 'Content-Type: application/json',
        'Content-Length: ' . length $body, '', $body;
}

# Requests of clients that come at once and each send one.
sub crowd {
    my ($clients, @requests) = @_;
    return $nginx->load(connections => $clients, seconds => 0,
        requests => \@requests);
}

sub answered {
    my ($load, $status) = @_;
    my $count = $load->finish;
    return $count->{$status} // 0;
}

# A gate holds a statement for longer than the worker takes a connection for busy.
sub takes_long {
    return MagasinNginx::wait_for(sub {
        MagasinTest::sql('SELECT count(*) FROM pg_stat_activity WHERE'
            . " wait_event = 'advisory' AND application_name NOT LIKE 'held-%'"
            . " AND query_start < now() - interval '0.2 s'") >= 1 });
}

# One connection, and it is busy.  Reads wait, then a sale, then more reads.
# None of the reads comes to an end before the sale has.

MagasinTest::reset('UPDATE stock_local SET quantite = 1000');
MagasinTest::gates(qw(magasin produit));
begin('turns', 'connections=1');

my $first = MagasinTest::hold_reads('magasin');
my $held  = MagasinTest::hold_reads('produit');
my @reads = crowd(1, request('GET', '/api/v1/stores/1/'));
ok(takes_long(), 'a read takes long');

my @products = map { request('GET', "/api/v1/products/$_/") } 1 .. 8;
push @reads, crowd(8, @products);
ok(waits('read', 8), 'others wait behind it');
my $sale = crowd(1, request('POST', '/api/v1/sales/',
    '{"magasin":1,"lignes":[{"produit":4,"quantite":1}]}'));
ok(waits('write', 1), 'then a sale');
push @reads, crowd(8, @products);
ok(waits('read', 16), 'then more reads');

MagasinTest::release($first);
is(answered($sale, 201), 1, 'the sale is answered before all that wait');
MagasinTest::release($held);
is(answered($_, 200), $_ == $reads[0] ? 1 : 8, 'the reads have their turn')
    for @reads;
MagasinTest::no_gates();
end();

# Writes that wait do not keep the reads away either.

MagasinTest::reset('UPDATE stock_local SET quantite = 1000');
MagasinTest::gates('magasin');
begin('turns2', 'connections=1');
$first = MagasinTest::hold_reads('magasin');
@reads = crowd(1, request('GET', '/api/v1/stores/1/'));
ok(takes_long(), 'a read takes long');
my $many = crowd(12, request('POST', '/api/v1/sales/',
    '{"magasin":1,"lignes":[{"produit":4,"quantite":1}]}'));
ok(waits('write', 12), 'sales wait');
push @reads, crowd(8, @products);
ok(waits('read', 8), 'and reads');
MagasinTest::release($first);
is(answered($reads[0], 200), 1, 'the read is answered');
is(answered($reads[1], 200), 8, 'and those that waited');
is(answered($many, 201), 12, 'and the sales');
MagasinTest::no_gates();
end();

# Long pages are heavy: they wait, and are refused, among themselves.

MagasinTest::reset(
    'INSERT INTO produit (id, nom, categorie, prix, description)'
        . " SELECT 1000 + i, 'Lent ' || i, 'lent', 1, repeat('d', 10000)"
        . ' FROM generate_series(1, 20) i');
MagasinTest::gates('journal');
begin('turns3', 'connections=3 queue_heavy=8');
$held = MagasinTest::hold_reads('journal');
my $load = crowd(60, request('GET', '/api/v1/journal/?limit=1000'));
ok(MagasinNginx::wait_for(sub { metric('refused_total', 'heavy') >= 51 }),
    'long pages: what the queue of the heavy reads does not hold is refused');
ok(waits('heavy', 8), 'and what it holds waits');
is(join(' ', map { $nginx->code($_, $soon) } '/api/v1/products/1/',
        '/api/v1/stores/?limit=100', '/readyz'), '200 200 200',
    'short reads go on');
is((($nginx->ask(request('POST', '/api/v1/replenishments/',
        '{"magasin":1,"produit":4,"quantite":1}'), $soon))[0]), 201,
    'writes, too');
is(metric('refused_total', $_), 0, "none of class $_ is refused") for qw(read write);

# The pieces of a long answer that follow the first one are heavy, too.

my $long = crowd(1, request('GET', '/api/v1/products/?limit=100'));
ok(waits('heavy', 9), 'the second piece waits among the heavy reads');
MagasinTest::release($held);

# Statements of the module's own may have had a place or two among the nine.

my $count = $load->finish;
cmp_ok($count->{200} // 0, '>=', 7, 'the long pages have their answers');
is(($count->{200} // 0) + ($count->{503} // 0), 60, 'and the others know');
is(answered($long, 200), 1, 'and so has the answer in pieces');
MagasinTest::no_gates();
end();

# The list of a store's stock is heavy where it took long the last time.

MagasinTest::reset();
MagasinTest::gates('stock_local');
begin('turns4', 'connections=3');
my $list = request('GET', '/api/v1/stores/1/stock/list/');
for my $time ('first', 'second') {
    $held = MagasinTest::hold_reads('stock_local');
    $load = crowd(4, $list);
    ok(takes_long(), "a list that takes long, the $time time");
    ok($time eq 'first' || waits('heavy', 3), '  one runs, and others wait');
    is($nginx->code('/api/v1/products/1/', $soon), 200, '  short reads go on')
        if $time eq 'second';
    MagasinTest::release($held);
    is(answered($load, 200), 4, '  then all are answered');
}
MagasinTest::no_gates();
end();

# What was known to take long, and was heavy for that, says nothing of the pages
# of the same store that are short.

MagasinTest::reset(
    'INSERT INTO produit (id, nom, categorie, prix)'
        . " SELECT 1000 + i, 'Lent ' || i, 'lent', 1"
        . ' FROM generate_series(1, 120) i',
    'INSERT INTO stock_local (magasin_id, produit_id, quantite)'
        . ' SELECT 1, 1000 + i, 5 FROM generate_series(1, 120) i');
MagasinTest::gates(qw(stock_local journal));
begin('turns5', 'connections=3');

# What is short may take long on a machine that is busy: so more than once.
ok(MagasinNginx::wait_for(sub {
    my $gate = MagasinTest::hold_reads('stock_local');
    my $search = crowd(1, request('GET', '/api/v1/stores/1/stock/list/?q=lent'));
    takes_long() or return 0;
    MagasinTest::release($gate);
    answered($search, 200) == 1 or return 0;

    $gate = MagasinTest::hold_reads('journal');
    my $journal = crowd(1, request('GET', '/api/v1/journal/?limit=1000'));
    takes_long() or return 0;
    my $code = $nginx->code('/api/v1/stores/1/stock/list/?ordering=quantite', 3)
        // 0;
    MagasinTest::release($gate);
    answered($journal, 200);
    return $code == 200;
}, 60), 'a short page does not wait among the long ones for a search');
MagasinTest::no_gates();
end();

MagasinTest::reset();
done_testing();
