# An answer in Redis that is not as this node would have stored it: it costs a
# miss, and neither the request that meets it nor those after it see anything.

use strict;
use warnings;

use lib 't/inc';
use Test::More;
use MagasinTest;
use MagasinCache;
use MagasinRedis qw(start finish ask);

plan skip_all => 'TEST_NGINX_ADMIN_DATABASE is not set (make test)'
    unless $ENV{TEST_NGINX_ADMIN_DATABASE};

MagasinTest::reset();
start('stored');

# A node that stores, and the one whose answers are looked at.  That has places
# where there is nothing but Redis, and others with limits of their own.

my %port = map { $_ => MagasinNginx::free_port() } qw(l2 small brief);
my %has  = (
    l2    => 'magasin_cache l2;',
    small => 'magasin_cache l2; magasin_cache_max_size 512;',
    brief => 'magasin_cache_ttl 1s;',
);

my $nginx = MagasinCache->start(
    workers => 2,
    http    => "magasin_redis unix:$MagasinRedis::Directory/stored;",
    cache   => join "\n", map {
        "server { listen 127.0.0.1:$port{$_};"
            . " location / { magasin; $has{$_} } }"
    } sort keys %has);
my $other = MagasinCache->start(workers => 1,
    http => "magasin_redis unix:$MagasinRedis::Directory/stored;"
        . ' magasin_cache l2;');

my $path = '/api/v1/products/?limit=2';

sub ask_at {
    my ($at, $what) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $at)
        or die "connect: $!\n";
    $socket->autoflush(1);
    my $connection = { socket => $socket };
    MagasinCache::ask_for($connection, $what // $path);
    return MagasinCache::receive($connection);
}

sub get {
    my ($server, $what) = @_;
    return ask_at($server ? $port{$server} : $nginx->{port}, $what);
}

# What a client sees of it.
sub seen {
    my ($answer) = @_;
    my @headers = grep {/^(?:HTTP|ETag|Link|Content-|Cache-)/}
        split /\r\n/, $answer->{head};
    return join "\n", @headers, $answer->{content};
}

# Nothing in the node's zone, and the answer in Redis, in good order.  A store
# is made after its answer is sent.
sub stored {
    my ($what) = @_;

    MagasinNginx::wait_for(sub {
        $nginx->fetch('/api/v1/cache/flush/', method => 'POST');
        ask('stored', 'FLUSHALL');
        return MagasinNginx::wait_for(
            sub { ask_at($other->{port}, $what)->{state} eq 'REDIS' }, 2);
    }) or die "it is not stored\n";

    my ($key) = split /\n/, ask('stored', 'KEYS', 'magasin:*:r:*');
    return $key;
}

# The next answers, until there is one with this word: (WORD, ANSWER...)
sub until_it_is {
    my ($state, $server, $what) = @_;
    my @answers;

    MagasinNginx::wait_for(sub {
        push @answers, get($server, $what);
        return $answers[-1]{state} eq $state;
    });
    return ($answers[-1]{state}, @answers);
}

# taken(SERVER, WHAT, STATE...): the words and the answers of requests for what
# is stored in good order, and then changed.  Again while the poller is late.
sub taken {
    my ($change, $server, $what, @states) = @_;
    my (@answers, $words);

    MagasinNginx::wait_for(sub {
        $change->(stored($what));
        @answers = map { get($server, $what) } @states;
        $words   = join ' ', map { $_->{state} } @answers;
        return $words eq "@states";
    });
    return ($words, @answers);
}

sub as_it_is { return }

# The parts of what is stored, as Lua has them, and then changed.
sub change {
    my ($key, $lua) = @_;
    return ask('stored', 'EVAL', <<"LUA", 1, $key);
local text = redis.call('HGET', KEYS[1], 'answer')
local length = function (i)
    return tonumber(string.sub(text, i * 8 + 1, i * 8 + 8), 16)
end
local at = 25
local part = function (n)
    at = at + n
    return string.sub(text, at - n, at - 1)
end
local question, etag, links = part(length(0)), part(length(1)), part(length(2))
local body = string.sub(text, at)
$lua
redis.call('HSET', KEYS[1], 'answer', string.format('%08x%08x%08x', #question,
    #etag, #links) .. question .. etag .. links .. body)
return etag .. ' ' .. links
LUA
}

ok(MagasinNginx::wait_for(
    sub {
        2 == grep { $_->fetch('/readyz')->{content} =~ /"cache":"ok"/ }
            $nginx, $other;
    }), 'Redis is there');

stored();
my $right = seen(get('l2'));
like($right, qr/^Link: <[^>]+>; rel="next"$/m, 'an answer with a link');
like($right, qr/^ETag: "\w+"$/m, 'and a tag');

# Read and written back it is taken, or nothing below would show anything.

{
    my $parts;
    my ($words, @answers) = taken(sub { $parts = change($_[0], '') }, '',
        $path, 'REDIS', 'HIT');
    like($parts, qr/^"\w+" h\d+=/, 'as it was: its parts');
    is($words, 'REDIS HIT', 'as it was: taken');
    is(seen($_), $right, 'as it was: the same') for @answers;
}

my @changes = (
    [ 'three links', 'links = "h11=a\nb13=b\nb15=c\n"' ],
    [ 'four links', 'links = "h11=a\nb13=b\nb15=c\nb17=d\n"' ],
    [ 'a good link and two more', 'links = links .. "b30=b\nb40=c\n"' ],
    [ 'a link where none can be', 'links = "h99999999=a\n"' ],
    [ 'links in no order', 'links = "h30=a\nb20=b\n"' ],
    [ 'half a link', 'links = links .. "b"' ],
    [ 'a link of two lines', 'links = string.gsub(links, "=", "=a\rX: 1", 1)' ],
    [ 'no tag', 'etag = ""' ],
    [ 'an empty tag', 'etag = string.char(34, 34)' ],
    [ 'a tag without its end', 'etag = string.sub(etag, 1, -2)' ],
    [ 'a tag of two lines',
        'etag = string.char(34) .. "a\r\nX-Evil: 1" .. string.char(34)' ],
    [ 'a weak tag', 'etag = "W/" .. etag' ],
);

for my $change (@changes) {
    my ($name, $lua) = @$change;

    for my $server ('l2', '') {
        my $to = $server || 'both levels';
        change(stored(), $lua);
        my $answer = get($server);
        is($answer->{state}, 'MISS', "$name, $to: a miss");
        is(seen($answer), $right, "$name, $to: with its own links and tag");
        my $stored = $server ? 'REDIS' : 'HIT';
        my ($word, @answers) = until_it_is($stored, $server);
        is($word, $stored, "$name, $to: stored");
        is((grep { seen($_) ne $right } @answers), 0, "$name, $to: and right");
    }
}

# One without links, which has none afterwards

for my $n (1 .. 3) {
    my $one  = '/api/v1/products/1/';
    my $key  = stored($one);
    my $want = seen(ask_at($other->{port}, $one));
    change($key, 'links = string.rep("h5=a\n", ' . "$n)");
    my $answer = get('', $one);
    is($answer->{state}, 'MISS', "$n links where none belong: a miss");
    my ($word, @answers) = until_it_is('HIT', '', $one);
    is($word, 'HIT', "$n links where none belong: stored");
    is((grep { seen($_) ne $want } $answer, @answers), 0,
        "$n links where none belong: and none");
}

# A body that is longer than this node keeps

{
    my $long = '/api/v1/products/?limit=10';
    my $key  = stored($long);
    my $want = get('l2', $long);
    cmp_ok(length $want->{content}, '>', 512, 'a long body');
    my $answer = get('small', $long);
    is($answer->{state}, 'MISS', 'a long body: a miss where it is too long');
    is(seen($answer), seen($want), 'a long body: and right');

    my $short = '/api/v1/products/1/';
    is((taken(\&as_it_is, 'small', $short, 'REDIS'))[0], 'REDIS',
        'a short one is taken there');
    change((split /\n/, ask('stored', 'KEYS', 'magasin:*:r:*'))[0],
        'body = string.rep(" ", 512) .. body');
    is(get('small', $short)->{state}, 'MISS', 'and a long one of its is not');
}

# A life that is longer than the location's

{
    is((taken(sub { ask('stored', 'PEXPIRE', $_[0], 86_400_000) }, 'brief',
            $path, 'REDIS', 'HIT'))[0], 'REDIS HIT',
        'a long life: taken, and kept');
    my $answer;
    ok(MagasinNginx::wait_for(
        sub { ($answer = get('brief'))->{state} ne 'HIT' }, 30),
        'a long life: not for longer than the location keeps answers');

    # None at all

    for my $life (['PERSIST'], ['PEXPIRE', 1]) {
        my $key = stored();
        ask('stored', $life->[0], $key, @$life[1 .. $#$life]);
        $answer = get();
        is($answer->{state}, 'MISS', "@$life: a miss");
        is(seen($answer), $right, "@$life: and right");
    }
}

for my $node ($nginx, $other) {
    ok($node->stop, 'a graceful stop');
    is($node->complaints, '', 'nothing alarming in the log');
    unlike($node->log, qr/\[error\]/, 'nor an error');
}

finish('stored');
MagasinTest::reset();
done_testing();
