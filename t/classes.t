# No class of work refuses another: each has a queue of its own.

use strict;
use warnings;

use lib 't/inc';
use IO::Select;
use IO::Socket::INET;
use Test::More;
use MagasinTest;
use MagasinNginx;

# A cache would answer what is asked of the database here.
delete $ENV{TEST_NGINX_CACHE};

plan skip_all => 'TEST_NGINX_ADMIN_DATABASE is not set (make test)'
    unless $ENV{TEST_NGINX_ADMIN_DATABASE};

my $product = '/api/v1/products/1/';

# Seconds: less than statements may wait, and more than any machine takes.
my $soon = 30;

MagasinTest::reset('UPDATE stock_local SET quantite = 1000');

my $nginx = MagasinNginx->start(workers => 1,
    http     => 'magasin_zone classes:2m; magasin_cache off;',
    database => 'connections=3 timeout=60s lock_timeout=50s queue_heavy=8',
    server   => 'location = /metrics { magasin_metrics; }'
        . ' location /status { magasin_status; }');

sub metric {
    my ($name) = @_;
    my (undef, $text) = $nginx->get('/metrics');
    my ($value) = $text =~ /^\Q$name\E (\d+)/m;
    return $value // 0;
}

# Dashboards that do not get on

my $held = MagasinTest::hold('LOCK TABLE cumul_vente IN ACCESS EXCLUSIVE MODE');
my $load = $nginx->load(connections => 60, seconds => 0,
    requests => [ MagasinNginx::get_request('/api/v1/dashboard/') ]);

ok(MagasinNginx::wait_for(sub {
    metric('magasin_postgresql_class_refused_total{class="heavy"}') >= 51 }),
    'dashboards: what the queue does not hold is refused');
# Seven where all came before the first one had left the queue.
like(metric('magasin_postgresql_class_waiting{class="heavy"}'), qr/^[78]$/,
    'and what it holds waits');

my @codes = map { ($nginx->code($product, $soon),
    ($nginx->put($product, '{"prix":"2.00"}'))[0],
    $nginx->code('/readyz', $soon)) } 1 .. 10;
is(join(' ', @codes), join(' ', ('200 200 200') x 10),
    'reads, writes and /readyz go on');
is(metric("magasin_postgresql_class_refused_total{class=\"$_\"}"), 0,
    "none of class $_ is refused") for qw(read write);

my ($status, $answer) = $nginx->get('/status/json');
($status, $answer) = $nginx->ask("GET /status HTTP/1.1\r\nHost: localhost\r\n"
    . "Accept: application/json\r\nConnection: close\r\n\r\n")
    if $status != 200;
like($answer, qr/"classes":\{"read":\{"waiting":\d+,"refused":0\},
    "write":\{"waiting":\d+,"refused":0\},
    "heavy":\{"waiting":[78],"refused":\d+\}\}/x, '/status has the classes');

MagasinTest::release($held);
my $count = $load->finish;
is($count->{200} + $count->{503}, 60, 'every dashboard has its answer');
cmp_ok($count->{200}, '>=', 8, 'those that waited have theirs');

# A queue of writes that is full is told by /readyz

ok($nginx->stop, 'a graceful stop');
is($nginx->complaints, '', 'nothing alarming in the log');

$nginx = MagasinNginx->start(workers => 1,
    http     => 'magasin_zone classes2:2m; magasin_cache off;',
    database => 'connections=3 timeout=60s lock_timeout=50s queue_write=4',
    server   => 'location = /metrics { magasin_metrics; }');
$held = MagasinTest::hold('SELECT FROM stock_local WHERE magasin_id = 1'
    . ' AND produit_id = 4 FOR UPDATE');
my $body = '{"magasin":1,"lignes":[{"produit":4,"quantite":1}]}';
my $sale = join "\r\n", 'POST /api/v1/sales/ HTTP/1.1', 'Host: localhost',
    'Authorization: Token token-430', 'Content-Type: application/json',
    'Content-Length: ' . length $body, '', $body;
$load = $nginx->load(connections => 1, seconds => 0, requests => [$sale]);
ok(MagasinNginx::wait_for(sub {
    ($nginx->get('/readyz', $soon))[1] =~ /"writes":"locked"/ }),
    'a lock: /readyz tells');
is($nginx->code('/readyz', $soon), 200, 'and is ready');
my $more = $nginx->load(connections => 8, seconds => 0, requests => [$sale]);
ok(MagasinNginx::wait_for(sub {
    my ($refused) = ($nginx->get('/metrics', $soon))[1]
        =~ /^magasin_http_requests_total\{method="POST",.*status="503".* (\d+)$/m;
    return ($refused // 0) >= 6;
}), 'who wants it as well is refused');
is($nginx->code('/readyz', $soon), 200, 'and that fills no queue');
MagasinTest::release($held);
$_->finish for $load, $more;

# Writes that take their time do.

MagasinTest::gates('stock_local');
MagasinTest::sql('ALTER TABLE stock_local FORCE ROW LEVEL SECURITY');
$held = MagasinTest::hold_reads('stock_local');
$load = $nginx->load(connections => 16, seconds => 0, requests => [$sale]);
ok(MagasinNginx::wait_for(sub {
    ($nginx->get('/readyz', $soon))[1]
        =~ m{\AHTTP/1.1 503 .*"status":"unavailable".*"writes":"full"}s }),
    'a full queue of writes: it is not');
is($nginx->code($product, $soon), 200, 'reads go on');
MagasinTest::release($held);
$load->finish;
MagasinTest::sql('ALTER TABLE stock_local NO FORCE ROW LEVEL SECURITY');
MagasinTest::no_gates();
ok(MagasinNginx::wait_for(sub { $nginx->code('/readyz', $soon) == 200 }),
    'and then it is again');

# A queue of reads that is full is not: it empties by itself, and there is room
# for who asks whether the node is ready.

ok($nginx->stop, 'a graceful stop');
is($nginx->complaints, '', 'nothing alarming in the log');

$nginx = MagasinNginx->start(workers => 1,
    http     => 'magasin_zone classes3:2m; magasin_cache off;',
    database => 'connections=3 timeout=60s lock_timeout=50s queue_read=4',
    server   => 'location = /metrics { magasin_metrics; }');
MagasinTest::gates('produit');
$held = MagasinTest::hold_reads('produit');
my @loads;

sub more {
    push @loads, $nginx->load(connections => 8, seconds => 0, requests => [
        map { MagasinNginx::get_request("/api/v1/products/$_/") } 1 .. 8 ]);
    return;
}

ok(MagasinNginx::wait_for(sub {
    more();
    return metric('magasin_postgresql_class_waiting{class="read"}') == 4
        && $nginx->code('/api/v1/stores/1/', 1) == 503;
}), 'a full queue of reads: one more is refused');

# An answer of before is good for a while; the first one that is not waits, as
# no connection is free, instead of being refused.

my $waits;
ok(MagasinNginx::wait_for(sub {
    $waits = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $nginx->{port}) or return 0;
    print {$waits} "GET /readyz HTTP/1.1\r\nHost: localhost\r\n"
        . "Connection: close\r\n\r\n";
    return 1 if !IO::Select->new($waits)->can_read(0.5);
    my $line = readline $waits;
    diag $line if $line !~ / 200 /;
    return 0;
}), 'a full queue of reads: /readyz waits in it');

# A connection that was made late has taken one from the queue.
ok(MagasinNginx::wait_for(sub {
    return 1 if $nginx->code('/api/v1/stores/1/', 1) == 503;
    more();
    return 0;
}), 'a full queue of reads: which it is still');
MagasinTest::release($held);
like(readline $waits, qr/ 200 /, 'and then is ready');
my %codes;
for my $done (map { $_->finish } @loads) {
    $codes{$_} += $done->{$_} for 200, 503;
}
is($codes{200} + $codes{503}, 8 * @loads, 'every read has its answer');
cmp_ok($codes{200}, '>=', 4, 'those that waited have theirs');
MagasinTest::no_gates();

# However many ask

my $asked = metric(
    'magasin_postgresql_statement_seconds_count{statement="readyz"}');
is($nginx->load(connections => 20, seconds => 1,
    requests => [ MagasinNginx::get_request('/readyz') ])->finish->{failed}, 0,
    'many ask for /readyz');
cmp_ok(metric(
    'magasin_postgresql_statement_seconds_count{statement="readyz"}') - $asked,
    '<', 40, 'PostgreSQL is asked a few times');

ok($nginx->stop, 'a graceful stop');
is($nginx->complaints, '', 'nothing alarming in the log');

MagasinTest::reset();
done_testing();
