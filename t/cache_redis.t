# Level 2: two nodes on one Redis, which goes away in every way it can.

use strict;
use warnings;

use lib 't/inc';
use Test::More;
use Time::HiRes qw(sleep time);
use MagasinTest;
use MagasinCache;
use MagasinRoutes;
use MagasinRedis qw(start relay cut tell finish ask);

plan skip_all => 'TEST_NGINX_ADMIN_DATABASE is not set (make test)'
    unless $ENV{TEST_NGINX_ADMIN_DATABASE};

MagasinTest::reset(@MagasinRoutes::Rows);

my @redis = ('--dbfilename', 'main.rdb');
start('main', @redis);

my $directive = "magasin_redis unix:$MagasinRedis::Directory/main;";
my $port      = MagasinNginx::free_port();

my $one = MagasinCache->start(workers => 2, http => $directive,
    cache => "server { listen 127.0.0.1:$port;"
        . ' location / { magasin; magasin_cache l2; } }');
my $two = MagasinCache->start(workers => 2, http => $directive,
    server => 'location = /metrics { magasin_metrics; }');
my @nodes = ($one, $two);

# A request by any worker, with a Host that both nodes have.
sub get {
    my ($node, $path, $at) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $at || $node->{port}) or die "connect: $!\n";
    $socket->autoflush(1);
    my $connection = { socket => $socket };
    MagasinCache::ask_for($connection, $path);
    my $answer = MagasinCache::receive($connection);
    $answer->{head} =~ s/^(?:Date|X-\S+|Connection|Server): .*\r?\n?//mg;
    $answer->{head} =~ s/\s+\z//;
    return $answer;
}

sub put {
    my ($node, $id, $prix) = @_;
    my $answer = $node->fetch("/api/v1/products/$id/", method => 'PUT',
        content => qq({"prix":"$prix"}));
    return $answer->{status};
}

# How many hints of other nodes the second one has taken.
sub hints {
    my ($n) = $two->fetch('/metrics')->{content}
        =~ /^magasin_cache_hints_total (\d+)$/m;
    return $n // die "no hints\n";
}

# taken(PATH, CHANGE): whether the second node takes a hint of the change, and
# then has no answer to this any more.
sub taken {
    my ($path, $change) = @_;
    $two->fill($path);
    my $before = hints();
    $change->();
    return MagasinNginx::wait_for(sub { hints() > $before })
        && MagasinNginx::wait_for(sub { $two->state($path) ne 'HIT' });
}

sub flush {
    my ($node) = @_;
    return $node->fetch('/api/v1/cache/flush/', method => 'POST');
}

# How often a node has looked for an answer without the script.
sub looked {
    return ask('main', qw(INFO commandstats)) =~ /^cmdstat_hmget:calls=(\d+)/m
        ? $1 : 0;
}

# The second node has taken the hint of a flush, and has given Redis new
# generations since.  What does not exist is never cached.
sub settled {
    return MagasinNginx::wait_for(sub {
        my $before = looked();
        get($two, '/api/v1/products/999999/');
        return looked() > $before;
    });
}

sub redis_is {
    my ($state) = @_;
    return MagasinNginx::wait_for(sub {
        my $right = 0;
        for my $node (@nodes) {
            for my $client ($node->clients) {
                $right++ if $node->request($client, '/readyz')->{content}
                    =~ /"cache":"$state"/;
            }
        }
        return $right == 4;
    });
}

# What one node has fetched, the other one has from Redis: the words of both.
# Tried again while the pollers are late.
sub shared {
    my ($path, $from, $to) = @_;
    ($from, $to) = @nodes unless $from;
    my ($miss, $redis, $words);

    my $end = time + $MagasinNginx::Patience;
    do {
        flush($from);
        $miss  = get($from, $path);
        $redis = get($to, $path);
        $words = "$miss->{state} $redis->{state}";
    } until $words eq 'MISS REDIS' || time > $end;

    return ($words, $miss, $redis);
}

# old_answers(SECONDS, ID, OLD): how many, of either node, show the price OLD
sub old_answers {
    my ($seconds, $id, $old) = @_;
    my ($seen, $end) = (0, time + $seconds);
    while (time < $end) {
        for my $node (@nodes) {
            $seen++
                if get($node, "/api/v1/products/$id/")->{content}
                =~ /"prix":"$old"/;
        }
    }
    return $seen;
}

# When both nodes have seen a change by hand, so have their pollers all before
# it.  False when a cache stood still meanwhile.
my $prix = 100;

sub marked {
    my $marker = '/api/v1/products/13/';
    my $canary = '/api/v1/stores/5/';
    $_->fill($marker, $canary) for @nodes;

    $prix++;
    MagasinTest::sql("UPDATE produit SET prix = $prix WHERE id = 13");

    my $still = 0;
    for my $node (@nodes) {
        MagasinNginx::wait_for(
            sub { $node->fetch($marker)->{content} =~ /"$prix.00"/ })
            or die "the poller does not see $prix\n";
        $still++ if $node->state($canary) ne 'HIT';
    }
    return !$still;
}

ok(redis_is('ok'), 'both nodes have Redis');

# One for the other

for my $path (
    (map { MagasinRoutes::fill($_->{path}) } MagasinRoutes::cached()),
    '/api/v1/products/?limit=2', '/api/v1/sales/?limit=1')
{
    my ($words, $miss, $redis) = shared($path);
    is($words, 'MISS REDIS', "$path: one fetches, the other has it");
    is($redis->{head}, $miss->{head}, "$path: the same headers");
    is($redis->{content}, $miss->{content}, "$path: the same body");
    ok($two->fill($path), "$path: and then by itself");
}

is((shared('/api/v1/products/2/', $two, $one))[0], 'MISS REDIS',
    'and the other way round');

# Redis alone

{
    my $words;
    MagasinNginx::wait_for(sub {
        flush($one);
        $words = join ' ',
            map { get($one, '/api/v1/products/3/', $port)->{state} } 1 .. 4;
        return $words eq 'MISS REDIS REDIS REDIS';
    });
    is($words, 'MISS REDIS REDIS REDIS', 'l2: from Redis each time');
}

# Writes

for my $round (1 .. 12) {
    my ($from, $to) = $round % 2 ? @nodes : reverse @nodes;
    my $new = "$round.00";
    my $path = '/api/v1/products/4/';
    $_->fill($path) for @nodes;
    is(put($from, 4, $new), 200, "write $round");
    my $late
        = $to->late($path, sub { $_[0]{content} =~ /"prix":"$new"/ });
    cmp_ok($late, '<', 1, "write $round: on the other node");
    like($from->fetch($path)->{content}, qr/"prix":"$new"/,
        "write $round: on its own");
}

# It is by the hint that the other one knows first: without a change there is
# nothing to be found in the journal.

{
    my $channel;
    MagasinNginx::wait_for(sub {
        ($channel) = split /\s+/, ask('main', qw(PUBSUB CHANNELS magasin:*));
    });
    like($channel // '', qr/^magasin:[0-9a-f]{16}$/, 'a channel');

    ok(MagasinNginx::wait_for(
        sub { ask('main', qw(PUBSUB NUMSUB), $channel) =~ /^2$/m }),
        'one worker of each node listens');

    # When another one polls it listens instead.

    my $connections = 'SELECT count(*) FROM pg_stat_activity'
        . " WHERE query LIKE '%pg_snapshot_xip(%'"
        . " AND usename = 'magasin_web'";
    ok(MagasinNginx::wait_for(sub { MagasinTest::sql($connections) == 2 }),
        'one worker of each node polls') or diag MagasinTest::sql($connections);
    my ($poller) = $two->poller;
    $two->halt($poller);
    ok(MagasinNginx::wait_for(sub { $two->poller != $poller }),
        'another worker polls');
    kill 'CONT', $poller;
    ok(MagasinNginx::wait_for(
        sub { ask('main', qw(PUBSUB NUMSUB), $channel) =~ /^2$/m }),
        'and listens alone');
    ok(MagasinNginx::wait_for(
        sub { MagasinTest::sql($connections) == 2 }),
        'and has the only connection for it')
        or diag MagasinTest::sql($connections);

    my $path = '/api/v1/stores/2/';
    my $hit;
    MagasinNginx::wait_for(sub {
        $two->fill($path);
        ask('main', 'PUBLISH', $channel, $_)
            for '', 'x', '0123456789abcdef', '0123456789abcdef x 0',
            '0123456789abcdef 0 70000', '0123456789abcdef 0 0x',
            '0123456789abcdef 0';
        return marked() && ($hit = $two->state($path) eq 'HIT');
    });
    ok($hit, 'what is no hint is passed over');

    ok(taken($path,
        sub { ask('main', 'PUBLISH', $channel, '0123456789abcdef 0 0') }),
        'a hint is taken');
}

# Once is enough: neither node invalidates again what it did itself, or was
# told of.
{
    my @paths = map {"/api/v1/$_"}
        qw(products/6/ products/6/availability/ stock/central/ stores/1/);
    my @missed;

    MagasinNginx::wait_for(sub {
        $_->fill(@paths) for @nodes;
        put($one, 6, ++$prix) == 200 or die "PUT\n";
        MagasinNginx::wait_for(sub {
            $two->fetch($paths[0])->{content} =~ /"$prix.00"/;
        });
        $_->fill(@paths) for @nodes;
        @missed = 'the pollers are late';
        return 0 if !marked();
        @missed = ();
        for my $node (@nodes) {
            push @missed, grep { $node->state($_) ne 'HIT' } @paths;
        }
        return !@missed;
    });
    is("@missed", '', 'the pollers do not come a second time');
}

# A read after a write that its node knows of does not look first whether Redis
# has the generations: the script, which makes them, is the only command.

{
    my $path = '/api/v1/products/6/';
    my ($before, $after, $state);
    MagasinNginx::wait_for(sub {
        $_->fill($path) for @nodes;
        put($one, 6, ++$prix) == 200 or return 0;
        $before = looked();
        $state  = $one->state($path);
        $after  = looked();
        return $state eq 'MISS' && $after == $before;
    });
    is("$state " . ($after - $before), 'MISS 0', 'a read after a write: one round trip');
    is(get($_, $path)->{content}, $_->direct($path)->{content}, '  right') for @nodes;
}

# Flush

{
    my $path = '/api/v1/products/1/';
    $_->fill($path) for @nodes;
    is(flush($one)->{status}, 200, 'flush');
    isnt($one->state($path), 'HIT', 'flush: here');
    ok(taken($path, sub { flush($one) }), 'flush: on the other node');
}

# Redis forgets

for my $command ([qw(FLUSHALL)], [qw(SCRIPT FLUSH)]) {
    my $name = "@$command";
    my $path = '/api/v1/products/5/';
    $_->fill($path) for @nodes;
    ask('main', @$command);

    is(get($_, $path)->{content}, $_->direct($path)->{content},
        "$name: right") for @nodes;
    is(put($one, 5, ++$prix), 200, "$name: a write");
    like($one->fetch($path)->{content}, qr/"$prix.00"/, "$name: seen");
    cmp_ok($two->late($path, sub { $_[0]{content} =~ /"$prix.00"/ }), '<', 1,
        "$name: seen on the other node");
    ask('main', @$command);
    is((shared('/api/v1/products/7/'))[0], 'MISS REDIS',
        "$name: and Redis is used again");
}

# Strange things in Redis

{
    my $key = sub {
        my ($path) = @_;
        ask('main', 'FLUSHALL');
        my @keys;
        MagasinNginx::wait_for(sub {
            flush($one);
            get($one, $path);
            @keys = split /\n/, ask('main', 'KEYS', 'magasin:*:r:*');
            return @keys == 1;
        });
        return $keys[0] // die "no key\n";
    };
    my $path = '/api/v1/products/8/';
    my $body = $one->direct($path)->{content};

    for my $value ('', 'x' x 30, '00000000' x 3, 'ffffffff' x 3 . 'x' x 60) {
        my $name = $key->($path);
        my $tag  = ask('main', 'HGET', $name, 'tag');
        ask('main', 'HSET', $name, 'answer', $value);
        my $answer = get($two, $path);
        is($answer->{content}, $body, 'a strange answer in Redis: not used');
        isnt($answer->{state}, 'REDIS', 'a strange answer in Redis: a miss');
    }

    # It was given less time than the one before it has left: such a one may
    # come between the questions, which are three.

    for my $life ('1', '0', '-1', 'x', '', '60000x', undef) {
        my $answer;
        ok(MagasinNginx::wait_for(sub {
            my $name = $key->($path);
            if (defined $life) {
                ask('main', 'HSET', $name, 'life', $life);
            } else {
                ask('main', 'HDEL', $name, 'life');
            }
            return 0 if ask('main', 'PTTL', $name) <= 0 || !settled();
            my $before = looked();
            $answer = get($two, $path);
            return looked() > $before;
        }), 'a time to live, and three questions');
        is($answer->{content}, $body, 'another one\'s time: not used');
        isnt($answer->{state}, 'REDIS', 'another one\'s time: a miss');
    }

    # The right tag, and the answer to another question.

    my $eight = $key->($path);
    my @keys;
    MagasinNginx::wait_for(sub {
        get($one, '/api/v1/products/9/');
        @keys = split /\n/, ask('main', 'KEYS', 'magasin:*:r:*');
        return 1 if @keys == 2;
        flush($one);
        get($one, $path);
        return 0;
    });
    my ($nine) = grep { $_ ne $eight } @keys;
    is(ask('main', 'EVAL', "return redis.call('HSET', KEYS[2], 'answer',"
                . " redis.call('HGET', KEYS[1], 'answer'))",
            2, $nine, $eight), "0\n", 'another\'s answer is there');
    is(get($two, $path)->{content}, $body, 'another\'s answer: not used');

    ask('main', 'SET', $eight, 'x');
    is(get($_, $path)->{content}, $body, 'another kind of value: not used')
        for @nodes;
    ask('main', 'FLUSHALL');
}

# Full

{
    my $path = '/api/v1/products/10/';
    $_->fill($path) for @nodes;

    ask('main', qw(CONFIG SET maxmemory 1));
    for my $round (1 .. 3) {
        is(put($one, 10, ++$prix), 200, "a full Redis: write $round");
        like($one->fetch($path)->{content}, qr/"$prix.00"/,
            "a full Redis: seen $round");
        cmp_ok($two->late($path, sub { $_[0]{content} =~ /"$prix.00"/ }),
            '<', 1, "a full Redis: seen on the other node $round");
        ok($_->fill($path), "a full Redis: cached $round") for @nodes;
    }
    ask('main', qw(CONFIG SET maxmemory 0));
    is((shared('/api/v1/products/7/'))[0], 'MISS REDIS',
        'a Redis with room again');
}

# Paused: what a node wrote meanwhile is never old again, also not when Redis
# goes on, which holds the answer of before.

for my $writer (0, 1) {
    my $path = '/api/v1/products/11/';
    my ($from, $to) = @nodes[ $writer, 1 - $writer ];
    is((shared($path, $from, $to))[0], 'MISS REDIS',
        'paused: Redis has the old one');
    my ($old) = $from->fetch($path)->{content} =~ /"prix":"([^"]+)"/;

    tell('main', 'STOP');
    my $start = time;
    is(put($from, 11, ++$prix), 200, 'paused: a write');
    cmp_ok(time - $start, '<', 10, 'paused: it is not waited for');
    like($from->fetch($path)->{content}, qr/"$prix.00"/, 'paused: seen');

    $start = time;
    is($from->fetch('/api/v1/products/12/')->{status}, 200,
        'paused: others are answered');
    cmp_ok(time - $start, '<', 10, 'paused: it is not waited for');
    cmp_ok($to->late($path, sub { $_[0]{content} =~ /"$prix.00"/ }), '<', 1,
        'paused: seen on the other node');
    is(old_answers(0.3, 11, $old), 0, 'paused: never old');

    tell('main', 'CONT');
    is(old_answers(1, 11, $old), 0, 'paused: never old when Redis goes on');
    ok(redis_is('ok'), 'paused: Redis is back');
    is((shared($path))[0], 'MISS REDIS', 'paused: the debt is paid');
}

# Replaced by one that knows only what was true before a write it had heard of,
# and asked by who has nothing else.

{
    my $path = '/api/v1/products/12/';
    is((shared($path))[0], 'MISS REDIS', 'an older one: it has the old one');
    my ($old) = $one->fetch($path)->{content} =~ /"prix":"([^"]+)"/;
    ask('main', 'SAVE');
    is(put($one, 12, ++$prix), 200, 'an older one: a write');
    finish('main');
    start('main', @redis);
    like(ask('main', 'KEYS', 'magasin:*:r:*'), qr/^magasin:/,
        'an older one: it has its data');
    ok(redis_is('ok'), 'an older one: it is used');
    my ($seen, $end) = (0, time + 1);
    while (time < $end) {
        $seen++ if get($one, $path, $port)->{content} =~ /"prix":"$old"/;
    }
    is($seen, 0, 'an older one: never old');
}

# Killed, and back with all that it had

{
    my $path = '/api/v1/products/14/';
    is((shared($path))[0], 'MISS REDIS', 'killed: Redis has the old one');
    my ($old) = $one->fetch($path)->{content} =~ /"prix":"([^"]+)"/;
    ask('main', 'SAVE');

    finish('main');
    is(put($one, 14, ++$prix), 200, 'killed: a write');
    like($one->fetch($path)->{content}, qr/"$prix.00"/, 'killed: seen');
    cmp_ok($two->late($path, sub { $_[0]{content} =~ /"$prix.00"/ }), '<', 1,
        'killed: seen on the other node');
    ok(redis_is('unavailable'), 'killed: it is told');
    for my $id (1 .. 15) {
        for my $node (@nodes) {
            my $answer = $node->fetch("/api/v1/products/$id/");
            next if $answer->{status} == 200;
            fail("killed: product $id is answered");
        }
    }
    ok($_->fill($path), 'killed: cached by each node') for @nodes;

    # The debt is Redis's: what the node has itself outlives some polls.

    ok(MagasinNginx::wait_for(sub {
        $one->fill($path);
        sleep 0.6;
        return $one->state($path) eq 'HIT';
    }), 'killed: and kept by a node that has written');

    start('main', @redis);
    like(ask('main', 'KEYS', 'magasin:*:r:*'), qr/^magasin:/,
        'killed: it has its data back');
    is(old_answers(1, 14, $old), 0, 'killed: never old when it is back');
    ok(redis_is('ok'), 'killed: it is back');
    is((shared($path))[0], 'MISS REDIS', 'killed: and used');
}

ok($_->stop, 'a graceful stop') for @nodes;
is($_->complaints, '', 'nothing alarming in the log') for @nodes;
unlike($_->log, qr/\[error\]/, 'nor an error') for @nodes;

# The way to Redis is cut while a write is told, and there again at once: Redis
# has never heard of it, and is not asked before the poller has made up for it.

{
    relay('relay', 'main');
    my $alone = MagasinNginx::free_port();
    my $node = MagasinCache->start(workers => 1,
        http => "magasin_redis unix:$MagasinRedis::Directory/relay;",
        cache => "server { listen 127.0.0.1:$alone;"
            . ' location / { magasin; magasin_cache l2; } }');
    my $path  = '/api/v1/products/15/';
    my $ready = sub { $node->fetch('/readyz')->{content} =~ /"cache":"ok"/ };
    my ($seen, $told) = (0, 0);

    for my $round (1 .. 8) {
        MagasinNginx::wait_for($ready) or die "no relay\n";
        my ($old) = $node->direct($path)->{content} =~ /"prix":"([^"]+)"/;

        # Redis has the old one.

        ask('main', 'FLUSHALL');
        MagasinNginx::wait_for(sub {
            $node->fetch('/api/v1/cache/flush/', method => 'POST');
            $node->fetch($path);
            ask('main', 'KEYS', 'magasin:*:r:*') =~ /magasin/;
        }) or die "not in Redis\n";

        cut('relay') or die "it is not cut\n";
        $told++ if put($node, 15, ++$prix) == 200;
        tell('relay', 'USR2');

        my $end = time + 0.6;
        while (time < $end) {
            $seen++ if get($node, $path, $alone)->{content}
                =~ /"prix":"\Q$old\E"/;
        }
    }
    is($told, 8, 'a cut: writes');
    is($seen, 0, 'a cut: never old');
    ok($node->stop, 'a cut: a graceful stop');
    is($node->complaints, '', 'a cut: nothing alarming in the log');
}

# Of two servers, the node asks one and hears another node on the other: what
# it hears was told to that one alone, and its own has the old answer still.

{
    my $alone = MagasinNginx::free_port();
    my $path  = '/api/v1/products/2/';
    my @path  = map {"unix:$MagasinRedis::Directory/$_"} qw(first second);

    start('second');
    my $here = MagasinCache->start(workers => 2,
        http => "magasin_redis @path;",
        cache => "server { listen 127.0.0.1:$alone;"
            . ' location / { magasin; magasin_cache l2; } }');
    MagasinNginx::wait_for(sub {
        grep({ $here->request($_, '/readyz')->{content} =~ /"cache":"ok"/ }
            $here->clients) == 2;
    }) or die "no second\n";

    # Another worker polls, and listens at the first address, which is there
    # by now.

    start('first');
    my ($poller) = $here->poller;
    $here->halt($poller);
    MagasinNginx::wait_for(sub { $here->poller != $poller })
        or die "nobody else polls\n";
    kill 'CONT', $poller;
    MagasinNginx::wait_for(
        sub { ask('first', qw(PUBSUB CHANNELS magasin:*)) =~ /\S/ })
        or die "nobody listens\n";

    my $there = MagasinCache->start(workers => 1,
        http => "magasin_redis $path[0];");
    MagasinNginx::wait_for(
        sub { $there->fetch('/readyz')->{content} =~ /"cache":"ok"/ })
        or die "no first\n";

    my $seen = 0;
    for my $round (1 .. 4) {
        MagasinNginx::wait_for(
            sub { get($here, $path, $alone)->{state} eq 'REDIS' })
            or die "not in Redis\n";
        put($there, 2, ++$prix) == 200 or die "PUT\n";
        sleep 1;
        $seen++ if get($here, $path, $alone)->{content}
            !~ /"prix":"$prix.00"/;
    }
    is($seen, 0, 'two servers: never old after a second');
    ok($_->stop, 'two servers: a graceful stop') for $here, $there;
}

# Without Redis for a while

{
    my $path = '/api/v1/products/3/';
    start('later');
    my $node = MagasinCache->start(workers => 1,
        http => "magasin_redis unix:$MagasinRedis::Directory/later;");
    my $with    = MagasinNginx::slurp("$node->{root}/nginx.conf");
    my $without = $with =~ s/^.*magasin_redis .*\n//mr;

    my $reload = sub {
        my ($text) = @_;
        open my $file, '>', "$node->{root}/nginx.conf" or die $!;
        print {$file} $text;
        close $file;
        $node->reload or die "no new worker\n";
    };

    MagasinNginx::wait_for(sub {
        $node->fetch('/api/v1/cache/flush/', method => 'POST');
        $node->fetch($path);
        ask('later', 'KEYS', 'magasin:*:r:*') =~ /magasin/;
    }) or die "not in Redis\n";
    my ($old) = $node->direct($path)->{content} =~ /"prix":"([^"]+)"/;

    $reload->($without);
    is(put($node, 3, ++$prix), 200, 'without Redis: a write');
    $reload->($with);

    my ($seen, $end) = (0, time + 2);
    while (time < $end) {
        $seen++ if get($node, $path)->{content} =~ /"prix":"\Q$old\E"/;
        sleep 0.01;
    }
    is($seen, 0, 'without Redis: never old when it is back');
    ok($node->stop, 'without Redis: a graceful stop');
}

# What is refused

start('locked', '--requirepass', 'sesame');
for my $where ('locked password=wrong', 'main db=99') {
    my $node = MagasinCache->start(workers => 1,
        http => "magasin_redis unix:$MagasinRedis::Directory/$where;");
    my $path = '/api/v1/products/1/';
    ok($node->fill($path), "$where: cached by the node");
    is(put($node, 1, ++$prix), 200, "$where: a write");
    like($node->fetch($path)->{content}, qr/"$prix.00"/, "$where: seen");
    like($node->fetch('/readyz')->{content}, qr/"cache":"unavailable"/,
        "$where: no Redis");
    MagasinNginx::wait_for(sub { $node->log =~ /\[warn\]/ });
    my @warnings = $node->log =~ /\[warn\]/g;
    is(@warnings, 1, "$where: told once");
    ok($node->stop, "$where: a graceful stop");
    is($node->complaints, '', "$where: nothing alarming in the log");
}

MagasinTest::reset();
done_testing();
