# Clients that leave while Redis is asked or told: nothing of theirs is touched
# afterwards.  And the order of a write: Redis is told before the generations
# are raised.
#
# What is freed is overwritten (MALLOC_PERTURB_), so that a worker which uses it
# dies of it.

use strict;
use warnings;

use lib 't/inc';
use Test::More;
use IO::Select;
use MagasinTest;
use MagasinCache;
use MagasinRedis qw(start relay cut tell);

plan skip_all => 'TEST_NGINX_ADMIN_DATABASE is not set (make test)'
    unless $ENV{TEST_NGINX_ADMIN_DATABASE};

MagasinTest::reset();

start('main');
relay('relay', 'main');

# Where each read asks Redis.
my $shared = MagasinNginx::free_port();

my $nginx = do {
    local $ENV{MALLOC_PERTURB_} = 165;
    MagasinCache->start(workers => 1,
        http => "magasin_redis unix:$MagasinRedis::Directory/relay timeout=1s;",
        server => 'location = /metrics { magasin_metrics; }',
        cache => "server { listen 127.0.0.1:$shared;"
            . ' location / { magasin; magasin_cache l2; } }');
};
my @workers = $nginx->workers;

sub product { return "/api/v1/products/$_[0]/" }

sub metric {
    my ($name) = @_;
    my ($n) = $nginx->fetch('/metrics')->{content} =~ /^\Q$name\E (\d+)$/m;
    return $n // die "no $name\n";
}

# How many commands Redis did not answer in time.
sub timeouts { return metric('magasin_redis_failures_total{reason="timeout"}') }

# The way to Redis is there again, by new connections, and Redis is asked again.
sub mend {
    my $before = metric('magasin_redis_connects_total');
    tell('relay', 'USR2');
    MagasinNginx::wait_for(sub {
        return 0 if metric('magasin_redis_connects_total') == $before;
        my ($connection) = $nginx->connections(1, $shared);
        MagasinCache::ask_for($connection, product(11));
        return MagasinCache::receive($connection)->{state} eq 'REDIS';
    }) or die "Redis is not asked\n";
    return;
}

# In one worker each request is handled after those that were sent before it.
sub settle {
    for (1, 2) {
        $nginx->fetch('/healthz')->{status} == 200 or die "healthz\n";
    }
    return;
}

sub put {
    my ($connection, $id, $prix) = @_;
    print { $connection->{socket} } MagasinNginx::put_request(product($id),
        qq({"prix":"$prix"}));
    return;
}

sub price {
    my ($id) = @_;
    return MagasinTest::sql("SELECT prix FROM produit WHERE id = $id");
}

# leave(CONNECTION...): all leave.  Returns whether none of them had an answer: an
# attempt that took longer than Redis's timeout shows nothing, and is repeated.
sub leave {
    my @sockets  = map { $_->{socket} } @_;
    my @answered = IO::Select->new(@sockets)->can_read(0);
    close $_ for @sockets;
    settle();
    return !@answered;
}

# Reads.  Those who left have no command any more that could be late.
{
    my ($alone, $beside, $status);

    for my $leavers (0, 8) {
        MagasinNginx::wait_for(sub {
            mend();
            my ($stays, @connections)
                = $nginx->connections(1 + $leavers, $shared);
            my $before = timeouts();

            cut('relay') or die "it is not cut\n";
            MagasinCache::ask_for($connections[$_], product(1 + $_))
                for 0 .. $#connections;
            settle();
            my $left = !@connections || leave(@connections);

            # It is asked last, and so is the last one that could be late.

            MagasinCache::ask_for($stays, product(12));
            $status = MagasinCache::receive($stays)->{status};
            $beside = timeouts() - $before;
            return $left;
        }) or die "no read leaves in time\n";

        is($status, 200, "$leavers reads that leave: who stays is answered");
        $alone //= $beside;
    }
    cmp_ok($alone, '>', 0, 'a read that stays is late');
    is($beside, $alone, 'reads that leave: their commands are taken back');
}

# Writes.  They are told on, and nobody is answered.
{
    my $prix = 70;
    my $status;

    MagasinNginx::wait_for(sub {
        mend();
        my ($stays, @connections) = $nginx->connections(5);
        $prix++;
        cut('relay') or die "it is not cut\n";
        put($connections[$_], 1 + $_, "$prix.00") for 0 .. $#connections;
        MagasinNginx::wait_for(sub {
            MagasinTest::sql('SELECT count(*) FROM produit'
                . " WHERE prix = $prix") == @connections;
        }) or die "it is not written\n";
        my $left = leave(@connections);
        put($stays, 12, "$prix.00");
        $status = MagasinCache::receive($stays)->{status};
        return $left || !$status;
    }) or die "no write leaves in time\n";

    is($status, 200, 'writes that leave: who stays is answered');
    like($nginx->fetch(product($_))->{content}, qr/"prix":"$prix.00"/,
        "writes that leave: written $_") for 1 .. 4, 12;
}

# While Redis is told of a write, the generations are those from before it: a
# read that took the new ones might find the old answer in Redis.  The poller
# may come first, so it is tried more than once.
{
    my $prix = 20;

    MagasinNginx::shows(sub {
        mend();
        my ($connection) = $nginx->connections(1);
        $nginx->fill(product(9)) or die "not cached\n";
        my $old = price(9);
        $prix++;

        cut('relay') or die "it is not cut\n";
        put($connection, 9, "$prix.00");
        MagasinNginx::wait_for(sub { price(9) eq "$prix.00" })
            or die "it is not written\n";
        settle();
        my $during = $nginx->fetch(product(9));
        my $told   = MagasinCache::receive($connection)->{status};
        my $after  = $nginx->fetch(product(9))->{content};

        return [ $during->{state}, 'HIT',
            'while Redis is told the generations are the old ones' ],
            [ scalar($during->{content} =~ /"prix":"\Q$old\E"/), 1,
            'while Redis is told the answer is the old one' ],
            [ $told, 200, 'a write that Redis does not hear is answered' ],
            [ scalar($after =~ /"prix":"$prix.00"/), 1,
            'and then the answer is the new one' ];
    });
}

is_deeply([ $nginx->workers ], \@workers, 'no worker has died');

# A worker ends at once while Redis is told of a write, which it therefore owes:
# the next one answers with what was written, and takes nothing from Redis that
# Redis has from before.
{
    my $prix = 40;

    MagasinNginx::shows(sub {
        mend();
        my ($connection) = $nginx->connections(1);
        my ($worker)     = $nginx->workers;
        $nginx->fill(product(10)) or die "not cached\n";
        my $owed = metric('magasin_cache_unpublished_total');
        $prix++;

        cut('relay') or die "it is not cut\n";
        put($connection, 10, "$prix.00");
        MagasinNginx::wait_for(sub { price(10) eq "$prix.00" })
            or die "it is not written\n";
        settle();
        kill 'TERM', $worker;
        my $unsaid = MagasinCache::receive($connection)->{status};
        $nginx->renewed($worker) or die "no new worker\n";
        $nginx->{tiny} = MagasinCache::client();

        my $after = $nginx->fetch(product(10))->{content};
        my $owes  = metric('magasin_cache_unpublished_total') > $owed;
        tell('relay', 'USR2');
        my ($asks) = $nginx->connections(1, $shared);
        MagasinCache::ask_for($asks, product(10));
        my $from = MagasinCache::receive($asks)->{content};

        return [ $unsaid, 0, 'a worker that ends: the write is not answered' ],
            [ $owes, 1, 'a worker that ends: it owes it to Redis' ],
            [ scalar($after =~ /"prix":"$prix.00"/), 1,
            'a worker that ends: what was written is read' ],
            [ scalar($from =~ /"prix":"$prix.00"/), 1,
            'a worker that ends: and nothing older from Redis' ];
    });
}
ok($nginx->stop, 'a graceful stop');
is($nginx->complaints, '', 'nothing alarming in the log');

MagasinTest::reset();
done_testing();
