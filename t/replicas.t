# Reads from a replica: it answers when it has replayed what the answer needs,
# and the primary does otherwise.

use strict;
use warnings;

use lib 't/inc';
use Test::More;
use MagasinTest;
use MagasinNginx;
use MagasinCache;
use MagasinStandby;

plan skip_all => 'TEST_NGINX_RUN_DIR is not set (make test)'
    unless $ENV{TEST_NGINX_RUN_DIR};
plan skip_all => 'what is tested here are servers'
    if $ENV{TEST_NGINX_ASAN};

my $primary = MagasinStandby->primary;
$primary->sql('INSERT INTO produit (nom, categorie, prix, description)'
    . " SELECT 'Produit ' || n, 'Divers', 1, '' FROM generate_series(1, 9) n");
my $standby = $primary->standby(max_standby_streaming_delay => 0);

my $replicas = qq(magasin_database_replicas "$standby->{web}";);
my $metrics = 'location = /metrics { magasin_metrics; }';

# Nothing is cached here.  A long read has half of this time on a replica.
my $nginx = MagasinNginx->start(workers => 2, database => 'timeout=60s',
    http => "magasin_zone test:8m; $replicas", server =>
        "magasin_cache off; $metrics");

my $path = '/api/v1/products/1/';
my $price = 10;

sub metric {
    my ($node, $name, $labels) = @_;
    my $text = ($node->get('/metrics'))[1];
    my ($value) = $text =~ /^\Q$name\E\{[^}]*\Q$labels\E[^}]*\} (\S+)$/m;
    return $value // 0;
}

sub answers {
    my ($node) = @_;
    return metric($node // $nginx, 'magasin_replica_reads_total',
        'server="replica"');
}

sub refused {
    my ($reason) = @_;
    return metric($nginx, 'magasin_replica_refused_total',
        qq(reason="$reason"));
}

sub price {
    my ($node, $of) = @_;
    my ($status, $text) = $node->get($of // $path);
    my ($prix) = $text =~ /"prix":"([^"]+)"/;
    return $status == 200 ? $prix // 'none' : $status;
}

sub set {
    my ($node) = @_;
    $price++;
    my ($status) = $node->put($path, qq({"prix":"$price.00"}));
    die "PUT: $status\n" if $status != 200;
    return "$price.00";
}

# A replica answers.  A position at the border of a page of the log is after
# one that means the same, until something is written.
sub used {
    my ($node) = @_;
    my $tries = 0;
    my $before = answers($node);
    return MagasinNginx::wait_for(sub {
        $primary->sql(q(SELECT pg_logical_emit_message(true, 't', 't')))
            if ++$tries % 20 == 0;
        price($node);
        answers($node) > $before });
}

ok(used($nginx), 'a replica answers');
# Each worker has sessions of its own.
ok(MagasinNginx::wait_for(sub {
    ($nginx->get('/readyz'))[1] =~ /"replicas":"ok"/ }), '/readyz says so');
ok(MagasinNginx::wait_for(sub {
    price($nginx);
    metric($nginx, 'magasin_replica_lag_bytes', 'replica="1"') == 0 }),
    'it does not lag');

# Nothing is replayed: what was written here is shown, and by the primary.

$standby->pause;
set($nginx);
my $before = answers();
my %wrong;
for my $n (1 .. 100) {
    my $want = set($nginx);
    for (1 .. 3) {
        my $got = price($nginx);
        $wrong{"$got for $want"}++ if $got ne $want;
    }
}
is_deeply(\%wrong, {}, 'paused: whoever has written reads it');
is(answers(), $before, 'paused: the replica answers nothing');
cmp_ok(refused('behind') + refused('unknown'), '>=', 1,
    'paused: the reasons are counted');
ok(MagasinNginx::wait_for(sub {
    price($nginx);
    metric($nginx, 'magasin_replica_lag_bytes', 'replica="1"') > 0 }),
    'paused: its lag is told');
ok(MagasinNginx::wait_for(sub {
    price($nginx);
    ($nginx->get('/readyz'))[1] =~ /"replicas":"behind"/ }),
    'paused: and by /readyz');

# The same of a write that this node did not do.

$primary->sql("UPDATE produit SET prix = 77 WHERE id = 1");
ok(MagasinNginx::wait_for(sub { price($nginx) eq '77.00' }),
    'paused: a write of somebody else is shown');
my %seen = map { price($nginx) => 1 } 1 .. 50;
is(join(' ', keys %seen), '77.00', 'paused: and nothing older after it');

# Lists, long reads and CSV.

is($nginx->code("/api/v1/products/?limit=200"), 200, 'paused: a long list');
$primary->sql("UPDATE produit SET nom = 'Nom nouveau' WHERE id = 2");
ok(MagasinNginx::wait_for(sub {
    ($nginx->get('/api/v1/products/?limit=200'))[1] =~ /Nom nouveau/ }),
    'paused: it shows what has changed');

$standby->resume;
ok(used($nginx), 'resumed: the replica answers again');
ok(MagasinNginx::wait_for(sub {
    my $n = answers();
    $nginx->get('/api/v1/reports/');
    answers() > $n }), 'resumed: also a long read');

# What runs no statement has changed nothing: the read behind it, which the same
# worker begins at once, is of the replica.

for my $idle ('/healthz', '/api/v1/products/?limit=0') {
    MagasinNginx::shows(sub {
        my $before = refused('unknown');
        for (1 .. 20) {
            $nginx->ask(MagasinNginx::get_request($idle)
                . "GET $path HTTP/1.1\r\nHost: localhost\r\n"
                . "Connection: close\r\n\r\n");
        }
        return [ refused('unknown') - $before, 0, "$idle changes nothing" ];
    });
}

# A client that wants an answer newer than its request

$before = answers();
my $fresh = "GET $path HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    . "Cache-Control: no-cache\r\n\r\n";
is(($nginx->ask($fresh))[0], 200, 'no-cache') for 1 .. 20;
is(answers(), $before, 'no-cache is answered by the primary');

# The journal has no place on a replica.

is($nginx->code('/api/v1/journal/?limit=3'), 200, 'the journal') for 1 .. 5;
is(answers(), $before, 'the journal is read on the primary');

# Two nodes with the cache and Redis

my $redis = $primary->instance('redis-socket');
my ($one, $two) = map {
    MagasinCache->start(workers => 1, server => $metrics,
        cache => "magasin_redis unix:$redis; $replicas") } 1, 2;

# A read that is cached is of the replica here.
ok(MagasinNginx::wait_for(sub {
    my $n = answers($one);
    set($one);
    price($one);
    answers($one) > $n && $one->state($path) eq 'HIT' }),
    'cached: the replica answers, and its answer is kept');
is($two->state($path), 'MISS', 'cached: but not for other nodes');

my %old;
for my $n (1 .. 10) {
    $primary->follows($standby);
    price($_) for $one, $two;
    $standby->pause;
    my $want = set($two);
    my $got = price($two);
    $old{"$got for $want where it was written"}++ if $got ne $want;

    # The hint comes, and then nothing that is read anew may be old.
    MagasinNginx::wait_for(sub { price($one) eq $want })
        or $old{"$want never elsewhere"}++;
    for (1 .. 5) {
        $got = price($one);
        $old{"$got for $want elsewhere"}++ if $got ne $want;
    }
    $standby->resume;
}
is_deeply(\%old, {}, 'cached: nothing old is kept');
ok(used($nginx), 'cached: the replica goes on');

# A conflict with what is replayed: the statement is cancelled.

MagasinTest::gates('produit');
$primary->follows($standby);
my $errors = refused('error');
my %status;
ok(MagasinNginx::wait_for(sub {
    used($nginx);
    my $gate;
    {
        local $ENV{TEST_NGINX_ADMIN_DATABASE} = $standby->{admin};
        $gate = MagasinTest::hold_reads('produit');
    }
    my $load = $nginx->load(connections => 2, seconds => 0,
        requests => [
            MagasinNginx::get_request('/api/v1/products/?limit=200') ]);
    MagasinNginx::wait_for(sub {
        $standby->sql("SELECT count(*) FROM pg_stat_activity WHERE"
            . " wait_event = 'advisory' AND usename = 'magasin_web'") > 0 })
        or diag('the read does not wait on the replica');
    $primary->sql('BEGIN; LOCK TABLE produit IN ACCESS EXCLUSIVE MODE; COMMIT');
    my $count = $load->finish;
    $status{$_}++ for grep { /^\d+$/ && $count->{$_} } keys %$count;
    MagasinTest::release($gate);
    refused('error') > $errors }), 'a conflict with the replay');
is(join(' ', keys %status), '200', 'a conflict: the primary answers');
cmp_ok($standby->sql('SELECT sum(confl_lock) FROM pg_stat_database_conflicts'),
    '>', 0, 'a conflict: and it was one');
MagasinTest::no_gates();
ok(used($nginx), 'a conflict: the replica goes on');

# A replica that hangs

$standby->halt;
my %codes;
$codes{ $nginx->code($path) }++ for 1 .. 30;
is_deeply(\%codes, { 200 => 30 }, 'stopped: the primary answers');
cmp_ok(refused('timeout') + refused('away') + refused('unknown'), '>=', 1,
    'stopped: it is noticed');
for (1 .. 3) {
    my $want = set($nginx);
    is(price($nginx), $want, 'stopped: a write');
}
$standby->wake;
ok(used($nginx), 'it goes on: the replica answers again');

# One that is killed, and comes back

$standby->stop('immediate');
%codes = ();
$codes{ $nginx->code($path) }++ for 1 .. 30;
is_deeply(\%codes, { 200 => 30 }, 'killed: the primary answers');
ok(MagasinNginx::wait_for(sub {
    ($nginx->get('/readyz'))[1] =~ /"replicas":"unavailable"/ }),
    'killed: /readyz says so');
is($nginx->code('/readyz'), 200, 'killed: the node is ready');
$standby->start;
ok(used($nginx), 'it is back: the replica answers again');

# A reload

ok($nginx->reload, 'a reload');
ok(used($nginx), 'reloaded: the replica answers');
is(set($nginx), price($nginx), 'reloaded: a write');

for my $node ($nginx, $one, $two) {
    ok($node->stop, 'a graceful stop');
    is($node->complaints, '', 'nothing alarming in the log');
}

done_testing();
