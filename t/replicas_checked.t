# Two nodes with two replicas, of which one is always late, while clients write
# and read: each reads what it has written at the same node at once, and at the
# other node a second later.
#
# MAGASIN_REPLICAS_READS is the number of reads (default 4000).  With
# MAGASIN_REPLICAS_CPU=1 the processor time of the primary is measured, for
# reads that nothing caches, without replicas and with two.

use strict;
use warnings;

use lib 't/inc';
use Test::More;
use HTTP::Tiny;
use POSIX ();
use Time::HiRes qw(time);
use MagasinTest;
use MagasinNginx;
use MagasinStandby;

plan skip_all => 'TEST_NGINX_RUN_DIR is not set (make test)'
    unless $ENV{TEST_NGINX_RUN_DIR};
plan skip_all => 'what is tested here are servers'
    if $ENV{TEST_NGINX_ASAN};

my $reads   = $ENV{MAGASIN_REPLICAS_READS} || 4000;
my $clients = 4;
my $bound   = 1;

my $primary = MagasinStandby->primary;
$primary->sql('INSERT INTO produit (nom, categorie, prix, description)'
    . " SELECT 'Produit ' || n, 'Divers', 1, '' FROM generate_series(1, 50) n",
    "INSERT INTO magasin (nom, adresse) VALUES ('Centre', '1 rue du Nord')",
    'INSERT INTO stock_local (magasin_id, produit_id, quantite)'
    . ' SELECT m.id, p.id, 20 FROM magasin m, produit p ON CONFLICT DO NOTHING');
my @standbys = ($primary->standby,
    $primary->standby(recovery_min_apply_delay => '40ms'));
my $list = join ' ', map {qq("$_->{web}")} @standbys;
my $redis = $primary->instance('redis-socket');

sub node {
    my ($cache, $replicas) = @_;
    return MagasinNginx->start(workers => 2,
        server => "magasin_cache $cache; magasin_cache_header on;"
            . ' location = /metrics { magasin_metrics; }',
        http => "magasin_zone test:16m; magasin_redis unix:$redis;"
            . ($replicas ? "magasin_database_replicas $list;" : ''));
}

sub metric {
    my ($node, $name, $labels) = @_;
    my $text = ($node->get('/metrics'))[1];
    my $sum = 0;
    $sum += $1
        while $text =~ /^\Q$name\E\{[^}]*\Q$labels\E[^}]*\} (\S+)$/mg;
    return $sum;
}

# One client: it writes prices that grow, of a product of its own, and says what
# was wrong.
sub client {
    my ($id, $n, @nodes) = @_;
    my @http = map { HTTP::Tiny->new(timeout => $MagasinNginx::Patience,
        max_redirect => 0) } @nodes;
    my $url = sub { "http://127.0.0.1:$nodes[$_[0]]{port}/api/v1/products/$id/" };
    my $version = 10;
    my @known = ($version) x @nodes;     # acknowledged by this node
    my @history = ([ 0, $version ]);     # when, what
    my %wrong;
    my $asked = 0;

    my $read = sub {
        my ($at) = @_;
        my $own = $known[$at];
        my $now = time;
        my ($old) = map { $_->[1] } grep { $_->[0] < $now - $bound }
            reverse @history;
        my $answer = $http[$at]->get($url->($at));
        $asked++;
        if ($answer->{status} != 200) {
            $wrong{"status $answer->{status}"}++;
            return;
        }
        my ($got) = $answer->{content} =~ /"prix":"(\d+)\.00"/;
        $wrong{'own writes'}++ if $got < $own;
        $wrong{'elsewhere'}++ if $got < $old;
        $wrong{'ahead'}++ if $got > $version;
        return;
    };

    while ($asked < $n) {
        my $at = int rand @nodes;
        my $answer = $http[$at]->request('PUT', $url->($at), {
            headers => { Authorization => 'Token token-430',
                'Content-Type' => 'application/json' },
            content => sprintf '{"prix":"%d.00"}', ++$version });
        if ($answer->{status} != 200) {
            $wrong{"write $answer->{status}"}++;
            next;
        }
        $known[$at] = $version;
        push @history, [ time, $version ];
        shift @history while @history > 2 && $history[1][0] < time - $bound;
        $read->($at) for 1 .. 3;
        $read->(int rand @nodes) for 1 .. 1 + rand 30;
    }
    return join ' ', "reads=$asked", map {"$_:$wrong{$_}"} sort keys %wrong;
}

# Runs the clients, and meanwhile pauses and resumes a replica.
sub check {
    my ($name, @nodes) = @_;
    my @pipes;
    for my $k (1 .. $clients) {
        $primary->sql("UPDATE produit SET prix = 10 WHERE id = $k");
        my $pid = open(my $pipe, '-|') // die "fork: $!\n";
        if ($pid == 0) {
            srand $k;
            print client($k, $reads / $clients / 2, @nodes);
            close STDOUT;
            POSIX::_exit(0);
        }
        push @pipes, [ $pipe, $pid ];
    }
    my $running = sub { grep { kill 0, $_->[1] } @pipes };
    my @said;
    for my $pipe (@pipes) {
        my $bits = '';
        vec($bits, fileno $pipe->[0], 1) = 1;
        until (select my $ready = $bits, undef, undef, 0.3) {
            $standbys[0]->pause;
            select undef, undef, undef, 0.2;
            $standbys[0]->resume;
        }
        my $text = do { local $/; readline $pipe->[0] };
        close $pipe->[0];
        push @said, $text;
    }
    my ($sum, @wrong) = (0);
    for (@said) {
        my ($n, $rest) = /\Areads=(\d+)(.*)/ or die "a client: $_\n";
        $sum += $n;
        push @wrong, $rest if $rest;
    }
    cmp_ok($sum, '>=', $reads / 2, "$name: as many reads as were asked for");
    is(join(',', @wrong), '', "$name: none of them is wrong");
    my $replica = 0;
    $replica += metric($_, 'magasin_replica_reads_total', 'server="replica"')
        for @nodes;
    cmp_ok($replica, '>', 0, "$name: replicas have answered");
    diag("$name: $sum reads, of replicas $replica, of the primary "
        . metric($nodes[0], 'magasin_replica_reads_total', 'server="primary"')
        . ' and '
        . metric($nodes[1], 'magasin_replica_reads_total', 'server="primary"'));
    return;
}

my $shows = sub {
    my ($node) = @_;
    return MagasinNginx::wait_for(sub {
        $primary->sql(q(SELECT pg_logical_emit_message(true, 't', 't')));
        $node->get('/api/v1/products/50/');
        metric($node, 'magasin_replica_reads_total', 'server="replica"') > 0 });
};

for my $cache ('off', 'on') {
    my @nodes = map { node($cache, 1) } 1, 2;
    ok($shows->($_), "cache $cache: replicas are used") for @nodes;
    check("cache $cache", @nodes);
    for my $node (@nodes) {
        ok($node->stop, "cache $cache: a graceful stop");
        is($node->complaints, '', "cache $cache: nothing alarming in the log");
    }
}

# Processor time

# Nanoseconds of the children of the postmaster, by process.
sub used {
    my ($master, @children) = $primary->pids;
    return { map {
        my ($ns) = split ' ', (MagasinNginx::slurp("/proc/$_/schedstat") // 0);
        $_ => $ns // 0 } @children };
}

sub cpu {
    my ($name, $node) = @_;
    my @paths = map {("/api/v1/products/$_/availability/", "/api/v1/products/$_/",
        '/api/v1/stores/1/stock/list/', '/api/v1/products/?limit=50')} 1 .. 25;
    my $http = HTTP::Tiny->new(timeout => $MagasinNginx::Patience);
    my $run = sub {
        for my $n (1 .. $_[0]) {
            my $answer = $http->get("http://127.0.0.1:$node->{port}"
                . $paths[ $n % @paths ]);
            die "$answer->{status}\n" if $answer->{status} != 200;
        }
    };
    $run->(200);
    my $before = used();
    $run->(10000);
    my $after = used();
    my $ns = 0;
    $ns += $after->{$_} - ($before->{$_} // 0) for keys %$after;
    diag(sprintf '%s: %.1f ms of the primary for 1,000 reads', $name,
        $ns / 1e7);
    return $ns;
}

if ($ENV{MAGASIN_REPLICAS_CPU}) {
    $standbys[1]->stop;
    $standbys[1]{setting}{recovery_min_apply_delay} = 0;
    $standbys[1]->start;
    my $alone = node('off', 0);
    my $a = cpu('alone', $alone);
    $alone->stop;
    my $with = node('off', 1);
    ok($shows->($with), 'replicas are used');
    my $b = cpu('two replicas', $with);
    diag(sprintf 'ratio %.3f', $b / $a);
    cmp_ok($b, '<', $a, 'replicas relieve the primary');
    $with->stop;
}

done_testing();
