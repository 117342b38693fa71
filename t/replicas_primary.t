# Replicas while there is no primary, and when another server becomes it.

use strict;
use warnings;

use lib 't/inc';
use Test::More;
use MagasinTest;
use MagasinNginx;
use MagasinStandby;

plan skip_all => 'TEST_NGINX_RUN_DIR is not set (make test)'
    unless $ENV{TEST_NGINX_RUN_DIR};
plan skip_all => 'what is tested here are servers'
    if $ENV{TEST_NGINX_ASAN};

my $first = MagasinStandby->primary;
$first->sql('INSERT INTO produit (nom, categorie, prix, description)'
    . " SELECT 'Produit ' || n, 'Divers', 1, '' FROM generate_series(1, 9) n");

# One will be promoted; one will follow it; one stays with the first.
my $heir     = $first->standby;
my $follower = $first->standby;
my $stayer   = $first->standby;

my $path    = '/api/v1/products/1/';
my $metrics = 'magasin_cache off; location = /metrics { magasin_metrics; }';

# All servers are listed as replicas, whoever is the primary.
$ENV{TEST_NGINX_DATABASE} = $first->{web}
    =~ s/host=(\S+)/host=$1,$heir->{sockets}/r;
my $list = join ' ', map {qq("$_->{web}")} $first, $heir, $follower, $stayer;

sub node {
    my ($stale) = @_;
    return MagasinNginx->start(workers => 2, server => $metrics,
        http => "magasin_zone test:8m; magasin_database_replicas $list;"
            . ($stale ? "magasin_database_replicas_stale $stale;" : ''));
}

my $strict  = node();
my $lenient = node('10m');
my $hurried = node('1s');

sub metric {
    my ($node, $name, $labels) = @_;
    my $text = ($node->get('/metrics'))[1];
    my ($value) = $text =~ /^\Q$name\E\{[^}]*\Q$labels\E[^}]*\} (\S+)$/m;
    return $value // 0;
}

sub answers {
    my ($node, @of) = @_;
    my $n = 0;
    $n += metric($node, 'magasin_replica_reads_total',
        qq(server="replica",replica="$_")) for @of ? @of : 1 .. 4;
    return $n;
}

sub price {
    my ($node) = @_;
    my ($status, $text) = $node->get($path);
    my ($prix) = $text =~ /"prix":"([^"]+)"/;
    return $status == 200 ? $prix // 'none' : $status;
}

sub set {
    my ($node, $prix) = @_;
    return ($node->put($path, qq({"prix":"$prix"})))[0];
}

# One of these replicas of a primary answers.
sub used {
    my ($node, $primary, @of) = @_;
    my $tries = 0;
    my $before = answers($node, @of);
    return MagasinNginx::wait_for(sub {
        $primary->sql(q(SELECT pg_logical_emit_message(true, 't', 't')))
            if ++$tries % 20 == 0;
        price($node);
        answers($node, @of) > $before });
}

for my $node ($strict, $lenient, $hurried) {
    ok(used($node, $first, $_), "replica $_ answers") for 2, 3, 4;
    is(answers($node, 1), 0, 'the primary is none');
}

# No primary

is(set($strict, '2.00'), 200, 'a write');
$first->follows($_) for $heir, $follower, $stayer;
ok(MagasinNginx::wait_for(sub { price($_) eq '2.00' }), 'which all show')
    for $lenient, $hurried;

# Each worker has seen that the replicas show it: each probes once a second.
ok(MagasinNginx::wait_for(sub {
    !grep { metric($lenient, 'magasin_replica_lag_bytes',
        qq(replica="$_")) > 0 } 2, 3, 4 }), 'and no replica lags');
$first->stop;

ok(MagasinNginx::wait_for(sub { price($strict) eq '503' }),
    'no primary: no reads without the directive');
ok(MagasinNginx::wait_for(sub {
    ($lenient->get($path))[1] =~ /^Age: \d+\r\n/m }),
    'no primary: reads go on where that is allowed, with Age');

my (%codes, %other);
for (1 .. 40) {
    my ($status, $text) = $lenient->get($path);
    $codes{$status}++;
    $other{$text =~ s/\r\n\r\n.*//sr}++
        unless $text =~ /^Age: \d+\r\n/m && $text =~ /^Warning: 110 /m
        && $text =~ /"prix":"2.00"/;
}
is_deeply(\%codes, { 200 => 40 }, 'no primary: all of them');
is_deeply(\%other, {}, 'no primary: marked');
cmp_ok(metric($lenient, 'magasin_replica_reads_total', 'server="stale"'), '>=',
    40, 'no primary: and counted');
is(set($lenient, '3.00'), 503, 'no primary: no writes');
my ($status, $ready) = $lenient->get('/readyz');
is($status, 503, 'no primary: /readyz is 503');
like($ready, qr/"database":"unavailable".*"replicas":"(?:ok|behind)"/,
    'no primary: and tells of replicas');
ok(MagasinNginx::wait_for(sub { price($hurried) eq '503' }),
    'no primary: not for longer than allowed');

# Another primary, which one replica follows

$heir->promote;
$follower->sql("ALTER SYSTEM SET primary_conninfo = 'host=$heir->{sockets}"
    . " user=postgres'", 'SELECT pg_reload_conf()');
for my $node ($strict, $lenient, $hurried) {
    ok(MagasinNginx::wait_for(sub { set($node, '4.00') == 200 }),
        'promoted: a write');
    # Each worker follows by itself; what is older is marked until then.
    my %old;
    ok(MagasinNginx::wait_for(sub {
        my ($status, $text) = $node->get($path);
        return 1 if $text =~ /"prix":"4\.00"/;
        $old{$text}++ if $status == 200 && $text !~ /^Age: \d+\r\n/m;
        return 0;
    }), 'promoted: and a read');
    is(join("\n", keys %old), '', 'promoted: which is new');
}
ok(used($strict, $heir, 3), 'promoted: the replica that follows answers');
my $count = answers($strict, 2);
price($strict) for 1 .. 20;
is(answers($strict, 2), $count, 'promoted: the new primary is none');

# The first one comes back as it was, and goes on; one replica is with it.

$first->start;
$first->sql('UPDATE produit SET prix = 99 WHERE id = 1',
    "SELECT pg_logical_emit_message(true, 't', repeat('x', 8 << 20))");
$first->follows($stayer);
is($stayer->sql('SELECT prix FROM produit WHERE id = 1'), '99.00',
    'a replica is with the former primary');
is($stayer->sql("SELECT pg_last_wal_replay_lsn() > '"
        . $heir->sql('SELECT pg_current_wal_insert_lsn()') . "'"), 't',
    'and ahead of the new one');
$count = answers($strict, 4);
my %seen;
for my $n (1 .. 50) {
    set($strict, "5.$n") if $n > 9;
    $seen{ price($strict) =~ s/^5.*/5/r }++;
}
is(join(' ', sort keys %seen), '4.00 5', 'nothing of it is shown');
is(answers($strict, 4), $count, 'it answers nothing');
cmp_ok(metric($strict, 'magasin_replica_lag_seconds', 'replica="4"'), '>=', 0,
    'its lag is told');
ok(used($strict, $heir, 3), 'the other one answers');

for my $node ($strict, $lenient, $hurried) {
    ok($node->stop, 'a graceful stop');
    is($node->complaints, '', 'nothing alarming in the log');
}

done_testing();
