# What the cache says when nginx is reloaded, when workers die or stand still,
# and when PostgreSQL goes away.

use strict;
use warnings;

use lib 't/inc';
use Test::More;
use Time::HiRes qw(sleep time);
use MagasinTest;
use MagasinCache;

plan skip_all => 'TEST_NGINX_RUN_DIR is not set (make test)'
    unless $ENV{TEST_NGINX_RUN_DIR};

sub instance {
    my (@command) = @_;
    local $ENV{RUN_DIR} = $ENV{TEST_NGINX_RUN_DIR};
    system("$MagasinTest::Top/scripts/instance.sh @command"
            . ' >/dev/null 2>&1 </dev/null') == 0
        or die "instance.sh @command failed\n";
    return;
}

# A change that nobody can hear of.
sub behind {
    my ($id, $prix) = @_;
    MagasinTest::sql('ALTER TABLE produit DISABLE TRIGGER journal_fait',
        "UPDATE produit SET prix = $prix WHERE id = $id",
        'ALTER TABLE produit ENABLE ALWAYS TRIGGER journal_fait');
    return;
}

# Whatever happens, the next suite finds PostgreSQL.
END {
    my $status = $?;
    eval { instance('start-postgres') } if $ENV{TEST_NGINX_RUN_DIR};
    $? = $status;
}

sub product { return "/api/v1/products/$_[0]/" }

sub costs {
    my ($prix) = @_;
    return sub { $_[0]{content} =~ /"prix":"$prix"/ };
}

my %port = map { $_ => MagasinNginx::free_port() } qw(stale brief);

MagasinTest::reset();

my $nginx = MagasinCache->start(workers => 2,
    database => 'connect_timeout=10s timeout=30s',
    cache    => join "\n", map {
        "server { listen 127.0.0.1:$port{$_->[0]};"
            . " location / { magasin; $_->[1] } }"
    } [ stale => 'magasin_cache_stale 1m;' ],
    [ brief => 'magasin_cache_ttl 1s; magasin_cache_stale 9s;' ]);

sub at {
    my ($name, $path) = @_;
    my ($connection) = $nginx->connections(2, $port{$name});
    MagasinCache::ask_for($connection, $path);
    return MagasinCache::receive($connection);
}

# The states of answers from now on, until it is 503: a line, from another
# process.

sub states_of {
    my ($name, $path) = @_;
    my $pid = open my $states, '-|';
    die "fork: $!\n" unless defined $pid;
    return $states if $pid;

    my %seen;
    MagasinNginx::wait_for(sub {
        my $answer = at($name => $path);
        $seen{ $answer->{state} // '' } = 1;
        return $answer->{status} == 503;
    });
    syswrite STDOUT, join(' ', sort keys %seen) . "\n";
    require POSIX;
    POSIX::_exit(0);
}

# Reload

sub reload {
    $nginx->reload or die "no new workers\n";

    # A connection that stays is the old workers'.

    $nginx->{tiny} = MagasinCache::client();
    return;
}

{
    my $answer;
    my $prix = 10;
    MagasinNginx::wait_for(sub {
        $nginx->fill(product(1));
        behind(1, ++$prix);
        reload();
        $answer = $nginx->fetch(product(1));
        return 1 if $answer->{state} eq 'HIT';
        $nginx->fetch('/api/v1/cache/flush/', method => 'POST');
        return 0;
    });
    is($answer->{state}, 'HIT', 'a reload keeps what is there');
    isnt($answer->{content}, $nginx->direct(product(1))->{content},
        'it is what was there before');

    for my $round (1 .. 3) {
        is($nginx->fetch(product(2), method => 'PUT',
                content => qq({"prix":"$round.00"}))->{status}, 200,
            "a reload: a write $round");
        like($nginx->fetch(product(2))->{content}, qr/"$round.00"/,
            "a reload: seen $round");
        $nginx->fill(product(2));
        reload() if $round < 3;
    }
    MagasinTest::sql('UPDATE produit SET prix = 4 WHERE id = 2');
    cmp_ok($nginx->late(product(2), costs('4.00')), '<', 1,
        'a reload: the new workers poll');

    # With another conninfo it may be another database.

    $nginx->fill(product(1));
    my $file = "$nginx->{root}/nginx.conf";
    my $text = MagasinNginx::slurp($file);
    $text =~ s/(magasin_database ")/$1application_name=autre /
        or die "no magasin_database\n";
    open my $out, '>', $file or die "$file: $!\n";
    print {$out} $text;
    close $out;
    behind(1, 44);
    reload();
    is($nginx->late(product(1), costs('44.00')), 0,
        'another database: nothing of before');
    ok($nginx->fill(product(1)), 'another database: and cached again');
}

# A worker that polls and stands still: the other one goes on.
{
    my $poller = $nginx->poller;
    my @connections = $nginx->connections(2);
    my ($still)  = grep { $_->{worker} == $poller } @connections;
    my ($moving) = grep { $_->{worker} != $poller } @connections;

    $nginx->fill(product(3));
    $nginx->halt($poller);
    MagasinTest::sql('UPDATE produit SET prix = 5 WHERE id = 3');
    MagasinCache::ask_for($still, product(3));

    my ($late, $start) = (0, time);
    my $hit = MagasinNginx::wait_for(sub {
        my $asked = time;
        MagasinCache::ask_for($moving, product(3));
        my $answer = MagasinCache::receive($moving);
        return $answer->{state} eq 'HIT' if $answer->{content} =~ /"5\.00"/;
        $late = $asked - $start;
        return 0;
    });
    cmp_ok($late, '<', 1, 'a poller that stands still: never old for long');
    ok($hit, 'a poller that stands still: cached again');
    isnt($nginx->poller, $poller,
        'a poller that stands still: another one polls');
    sleep 0.01 while time < $start + 1;
    kill 'CONT', $poller;
    like(MagasinCache::receive($still)->{content}, qr/"5\.00"/,
        'a poller that stands still: it does not say what was before');

    MagasinTest::sql('UPDATE produit SET prix = 6 WHERE id = 3');
    cmp_ok($nginx->late(product(3), costs('6.00')), '<', 1,
        'a poller that stands still: and goes on');
}

# A worker that polls stands still, and meanwhile another PostgreSQL takes the
# place of the one that was polled.
SKIP: {
    my $poller = $nginx->poller;
    my ($moving) = grep { $_->{worker} != $poller } $nginx->connections(2);
    my $life = eval { $nginx->zone_word('polled_life') }
        or skip "the zone cannot be read here: $@", 5;

    $nginx->fill(product(3));
    $nginx->halt($poller);
    my $ask = sub {
        MagasinCache::ask_for($moving, product(3));
        return MagasinCache::receive($moving);
    };
    # Until then nobody polls, and what was polled is used.
    $nginx->zone_word($_ => 2**62) for qw(until fresh_until);
    ok(MagasinNginx::wait_for(sub { $ask->()->{state} eq 'HIT' }),
        'no poll: the last one counts');
    $nginx->zone_word(polled_life => $life - 1);
    my $answer = $ask->();
    isnt($answer->{state}, 'HIT', 'no poll of this PostgreSQL: no hit');
    is($answer->{status}, 200, 'no poll of this PostgreSQL: an answer');
    $nginx->zone_word($_ => 0) for qw(until fresh_until);
    kill 'CONT', $poller;
    ok($nginx->fill(product(3)), 'a poll of it: hits again');
    is($nginx->zone_word('polled_life'), $life, 'a poll of it: that counts');
}

# The whole node stands still, with a request waiting.
{
    my @connections = $nginx->connections(2);
    my @workers     = $nginx->workers;
    $nginx->fill(product(4));
    $nginx->halt(@workers);
    my $start = time;
    MagasinTest::sql('UPDATE produit SET prix = 7 WHERE id = 4');
    MagasinCache::ask_for($_, product(4)) for @connections;
    sleep 0.01 while time < $start + 1;
    kill 'CONT', @workers;
    for my $connection (@connections) {
        like(MagasinCache::receive($connection)->{content}, qr/"7\.00"/,
            'a node that stands still: what was before is over');
    }
}

# Workers are killed, again and again, while others read and write.
{
    my $load = $nginx->load(connections => 8,
        requests => [ (map { MagasinNginx::get_request(product($_)) } 1 .. 15),
            MagasinNginx::put_request(product(5), '{"prix":"8.00"}'),
            MagasinNginx::put_request(product(5), '{"prix":"9.00"}') ]);
    for (1 .. 3) {
        for my $worker ($nginx->workers) {
            $nginx->crash($worker) or die "no new worker\n";
            sleep 0.1;    # of work, before the next one goes
        }
    }
    my $count = $load->finish;
    cmp_ok($count->{200}, '>', 100, 'workers that are killed: it goes on');
    is($count->{503} + $count->{504}, 0, 'workers that are killed: by others');
    $nginx->{tiny} = MagasinCache::client();

    my @clients = $nginx->clients;
    for my $round (1 .. 4) {
        my $prix = 20 + $round;
        $nginx->fill(product(5));
        is($nginx->request($clients[ $round % 2 ], product(5),
                method => 'PUT', content => qq({"prix":"$prix.00"}))->{status},
            200, "workers that are killed: a write $round");
        is((grep { $nginx->request($_, product(5))->{content}
                    =~ /"$prix\.00"/ } @clients), 2,
            "workers that are killed: seen by both $round");
    }
    ok($nginx->fill(map { product($_) } 1 .. 15),
        'workers that are killed: and cached');
}

# One dies with the lock.
SKIP: {
    eval { $nginx->quiet(sub { $nginx->zone_word('dirty', 0) }); 1 }
        or skip "the zone cannot be written here: $@", 8;

    my $rebuilt = $nginx->zone_word('rebuilt');
    $nginx->fill(product(6), product(7));
    behind(6, 31);

    $nginx->quiet(sub { $nginx->zone_word('dirty', 1) });
    is($nginx->late(product(6), costs('31.00')), 0,
        'a zone left behind: nothing of it is used');
    is($nginx->zone_word('rebuilt'), $rebuilt + 1,
        'a zone left behind: it is made anew');
    ok($nginx->fill(product(6), product(7)), 'a zone left behind: and used');

    # With the lock taken, too, the others wait until the master knows.

    behind(6, 32);
    my @connections = $nginx->connections(2);
    my ($dies, $lives) = @connections;
    $nginx->halt($dies->{worker}, $lives->{worker});
    $nginx->zone_word('dirty', 1);
    $nginx->zone_word('lock', $dies->{worker});
    kill 'CONT', $lives->{worker};
    MagasinCache::ask_for($lives, product(6));
    is(MagasinCache::receive($lives, 0.3)->{status}, 0,
        'a lock that is held: the others wait');
    kill 'KILL', $dies->{worker};
    my $answer = MagasinCache::receive($lives);
    is($answer->{status}, 200, 'its holder dies: they go on');
    like($answer->{content}, qr/"32\.00"/, 'with nothing of before');
    is($nginx->zone_word('rebuilt'), $rebuilt + 2, 'in a new zone');
    $nginx->{tiny} = MagasinCache::client();
    ok($nginx->fill(product(6)), 'and cached');
}

# The journal cannot be read: then nothing is answered unchecked.
{
    my $told = sub {
        return scalar(() = $nginx->log =~ /\[error\].*cannot be followed/g);
    };
    my $before = $told->();
    $nginx->fill(product(7));
    MagasinTest::sql('REVOKE SELECT ON journal FROM magasin_web');
    my $start = time;
    my $late  = 0;
    while (time < $start + 1.5) {
        my $asked = time;
        $late = $asked - $start if $nginx->state(product(7)) eq 'HIT';
        sleep 0.01;
    }
    cmp_ok($late, '<', 1, 'a journal that cannot be read: no hits');
    is($nginx->fetch(product(7))->{content},
        $nginx->direct(product(7))->{content},
        'a journal that cannot be read: but answers');
    MagasinNginx::wait_for(sub { $told->() > $before });
    MagasinTest::sql('GRANT SELECT ON journal TO magasin_web');
    ok($nginx->fill(product(7)), 'a journal that can be read again: hits');
    my $n = $told->() - $before;
    cmp_ok($n, '<=', 2, 'it is told once by each worker');
    cmp_ok($n, '>=', 1, 'it is told');
}

# PostgreSQL is away.
{
    my $epoch = eval { $nginx->zone_word('epoch') };

    MagasinNginx::wait_for(sub { at(stale => product(8))->{state} eq 'HIT' })
        or die "no hit\n";
    $nginx->fill(product(1), product(8), product(9));
    $nginx->fetch(product(9), method => 'PUT', content => '{"prix":"50.00"}')
        ->{status} == 200 or die "PUT\n";

    # In the one with a second to live, just before.

    MagasinNginx::wait_for(
        sub { at(brief => product(10))->{state} eq 'HIT' })
        or die "no hit\n";

    # Its backends end at once, and PostgreSQL when it has written what it has:
    # that may take longer than what is stale will do.

    my $states = states_of(brief => product(10));
    instance('stop-postgres', 'fast');
    my $start = time;

    # Checked, until it was checked too long ago.

    my ($late, %status) = (0);
    while (time < $start + 1.3) {
        my $asked  = time;
        my $answer = $nginx->fetch(product(1));
        $status{"$answer->{status} $answer->{state}"}++;
        $late = $asked - $start if $answer->{status} == 200;
        sleep 0.01;
    }
    cmp_ok($late, '<', 1, 'no PostgreSQL: hits for as long as they hold');
    is((grep { !/^(?:200 HIT|503 MISS)$/ } keys %status), 0,
        'no PostgreSQL: then 503')
        or diag join ', ', %status;
    is($nginx->fetch(product(1))->{status}, 503, 'no PostgreSQL: 503');
    ok($nginx->fetch(product(1))->{headers}{'retry-after'},
        'no PostgreSQL: with Retry-After');

    # Where what is stale will do

    my $answer = at(stale => product(8));
    is("$answer->{status} $answer->{state}", '200 STALE', 'stale');
    like($answer->{head}, qr/^Age: [1-9]?\d\r?$/m, 'stale: Age');
    my ($age) = $answer->{head} =~ /^Age: (\d+)/m;
    cmp_ok($age, '>=', 1, 'stale: in seconds');
    like($answer->{head}, qr/^Warning: 110 - "Response is Stale"\r$/m,
        'stale: Warning');
    is(at(stale => product(8))->{state}, 'STALE', 'stale: again');
    is(at(stale => product(9))->{status}, 503,
        'stale: not what a write has changed');
    is(at(stale => '/api/v1/sales/?limit=7')->{status}, 503,
        'stale: not what is not there');
    is($nginx->fetch(product(8), method => 'PUT',
            content => '{"prix":"1.00"}')->{status}, 503,
        'stale: no writes');

    # Until its time is over, and what is allowed after it

    like(scalar <$states>, qr/\bSTALE\b/, 'stale: for a while');
    close $states;
    ok(MagasinNginx::wait_for(
            sub { at(brief => product(10))->{status} == 503 }),
        'stale: not for longer');

    instance('start-postgres');
    ok($nginx->fill(product(1), product(8)), 'PostgreSQL again: hits again');

    # Each worker finds it when its own pause between two attempts is over.

    my ($fetched, $direct);
    MagasinNginx::wait_for(sub {
        $fetched = $nginx->fetch(product(9));
        $direct  = $nginx->direct(product(9));
        return $fetched->{status} == 200 && $direct->{status} == 200;
    });
    is("$fetched->{status} $fetched->{content}",
        "$direct->{status} $direct->{content}", 'PostgreSQL again: right');
    like($direct->{content}, qr/"50\.00"/, 'PostgreSQL again: as written');
    ok(MagasinNginx::wait_for(
            sub { at(stale => product(8))->{state} eq 'HIT' }),
        'PostgreSQL again: checked');
    cmp_ok($nginx->zone_word('epoch'), '>', $epoch,
        'PostgreSQL again: another life of it')
        if defined $epoch;
    MagasinTest::sql('UPDATE produit SET prix = 60 WHERE id = 8');
    cmp_ok($nginx->late(product(8), costs('60.00')), '<', 1,
        'PostgreSQL again: and changes are seen');
}

ok($nginx->stop, 'a graceful stop');
is($nginx->complaints('exited on signal 9|zone "test" was locked by'), '',
    'nothing alarming in the log');

MagasinTest::reset();
done_testing();
