# What answers at Redis's address may be out of order, lie about lengths, push,
# nest, never end, or be somebody else.  Its connection is closed; the worker
# goes on, requests are answered, memory is bounded, the log has clean lines.

use strict;
use warnings;

use lib 't/inc';
use Test::More;
use Time::HiRes qw(sleep time);
use MagasinTest;
use MagasinCache;
use MagasinHostile;
use MagasinRedis;

plan skip_all => 'TEST_NGINX_ADMIN_DATABASE is not set (make test)'
    unless $ENV{TEST_NGINX_ADMIN_DATABASE};

MagasinTest::reset();

my $socket = "$MagasinRedis::Directory/hostile";
my $server = MagasinHostile->new($socket);
my $port   = MagasinNginx::free_port();
my $path   = '/api/v1/products/1/';

my $node = MagasinCache->start(workers => 1,
    http  => "magasin_redis unix:$socket;",
    cache => "server { listen 127.0.0.1:$port;"
        . ' location / { magasin; magasin_cache l2; } }');

my ($worker) = $node->workers;
my $asan = slurp_maps() =~ /libasan/;
my $right = $node->direct($path)->{content};

# Each read of this server asks Redis.
sub get {
    return HTTP::Tiny->new(timeout => $MagasinNginx::Patience)
        ->get("http://127.0.0.1:$port$path");
}

sub slurp_maps { return MagasinNginx::slurp("/proc/$worker/maps") }

sub memory {
    my ($kb) = MagasinNginx::slurp("/proc/$worker/status")
        =~ /^VmRSS:\s*(\d+)/m;
    return $kb;
}

sub peak {
    my ($kb) = MagasinNginx::slurp("/proc/$worker/status")
        =~ /^VmHWM:\s*(\d+)/m;
    return $kb;
}

sub ready {
    return MagasinNginx::wait_for(
        sub { $node->fetch('/readyz')->{content} =~ /"cache":"ok"/ });
}

ok(ready(), 'a Redis that behaves') or BAIL_OUT('no Redis');
get() for 1 .. 20;
my $before = memory();

my $million = 1_000_000;
my %texts = (
    'two replies for one'    => "+OK\r\n+OK\r\n",
    'a status'               => "+OK\r\n",
    'an integer'             => ":1\r\n",
    'an integer of 30 digits' => ':' . '9' x 30 . "\r\n",
    'an integer that is none' => ":1x\r\n",
    'an empty integer'       => ":\r\n",
    'no type'                => "hello\r\n",
    'a NUL'                  => "\0\0\0\0\r\n",
    'HTTP'                   => "HTTP/1.1 400 Bad Request\r\n\r\n",
    'a push'                 => ">2\r\n+invalidate\r\n*0\r\n",
    'a map'                  => "%1\r\n+a\r\n+b\r\n",
    'a set'                  => "~1\r\n+a\r\n",
    'a boolean'              => "#t\r\n",
    'a double'               => ",1.5\r\n",
    'a null of RESP3'        => "_\r\n",
    'a big number'           => "(123456789\r\n",
    'an attribute'           => "|1\r\n+a\r\n+b\r\n+OK\r\n",
    'a verbatim text'        => "=5\r\ntxt:a\r\n",
    'a streamed text'        => "\$?\r\n;1\r\na\r\n;0\r\n",
    'a message'   => "*3\r\n\$7\r\nmessage\r\n\$1\r\na\r\n\$1\r\nb\r\n",
    'a subscription' => "*3\r\n\$9\r\nsubscribe\r\n\$1\r\na\r\n:1\r\n",
    'an end of one'  => "*3\r\n\$11\r\nunsubscribe\r\n\$-1\r\n:0\r\n",
    'a pattern'      => "*4\r\n\$8\r\npmessage\r\n" . "\$1\r\na\r\n" x 3,
    'nesting'                => "*1\r\n" x 10_000 . "+OK\r\n",
    'an array too large'     => "*$million\r\n" . ":1\r\n" x 1000,
    'an array beyond memory' => "*2147483647\r\n",
    'an array beyond int'    => "*4294967297\r\n:1\r\n",
    'an array beyond all'    => "*9223372036854775807\r\n",
    'a negative array'       => "*-2\r\n",
    'a text beyond memory'   => "\$2147483647\r\n",
    'a text beyond int'      => "\$4294967297\r\na\r\n",
    'a text beyond all'      => "\$9223372036854775807\r\n",
    'a negative text'        => "\$-2\r\n",
    'a text with a sign'     => "\$+1\r\na\r\n",
    'a text with a zero'     => "\$01\r\na\r\n",
    'a text too short'       => "*1\r\n\$5\r\nab\r\n\$5\r\nabcde\r\n",
    'a text too long'        => "*1\r\n\$1\r\nabcde\r\n",
    'a line without its end' => '+' . 'x' x 100_000,
    'a line feed alone'      => "+OK\n",
    'a return alone'         => "+O\rK\r\n",
    '64 MB of one line'      => '-' . 'x' x (1024 * 1024),
);

# These are answers, of a kind: nothing of them is used, and Redis stays.
my %answers = (
    'an error'             => "-ERR no\r\n",
    'an error of controls' => "-\e[31mERR\a\x7f\x9b\xff\tx\r\n",
    'an empty error'       => "-\r\n",
    'an empty array'       => "*0\r\n",
    'no array'             => "*-1\r\n",
    'an array of nothing'  => "*3\r\n\$-1\r\n\$-1\r\n\$-1\r\n",
    'other types'          => "*3\r\n:1\r\n+a\r\n-ERR\r\n",
    'an answer of nothing' => "*3\r\n\$3\r\ntag\r\n\$0\r\n\r\n:60000\r\n",
    (map {
        my $tags = join ',', ('tag') x $_;
        my $tag  = '$' . length($tags) . "\r\n$tags\r\n";
        my $life = "\$5\r\n60000\r\n";
        (   "a text of nothing, $_ tags" => "*3\r\n$tag\$0\r\n\r\n$life",
            "a text of numbers, $_ tags" => "*3\r\n$tag\$24\r\n"
                . 'ffffffff' x 3 . "\r\n$life",
            "a text of zeros, $_ tags"   => "*3\r\n$tag\$24\r\n"
                . '0' x 24 . "\r\n$life",
            "no text, $_ tags"           => "*3\r\n$tag\$-1\r\n$life",
            "a number, $_ tags"          => "*3\r\n$tag:7\r\n$life",
            "no time, $_ tags"           => "*3\r\n${tag}\$2\r\n{}\r\n\$-1\r\n",
            "a number as time, $_ tags"  => "*3\r\n${tag}\$2\r\n{}\r\n:60000\r\n",
            "nothing as time, $_ tags"   =>
                "*3\r\n${tag}\$2\r\n{}\r\n\$0\r\n\r\n",
            "no third, $_ tags"          => "*2\r\n${tag}\$2\r\n{}\r\n",
        );
    } 2, 3),
    'an answer of numbers' => "*3\r\n\$3\r\ntag\r\n\$24\r\n"
        . 'ffffffff' x 3 . "\r\n:60000\r\n",
);

# Where a connection begins, these will do.
my $few = qr/^(?:two|HTTP|nesting|64|a(?:n? \w+\ beyond\ memory|
    \ (?:status|NUL|push|message)))/x;

sub whole {
    my ($name) = @_;
    is(get()->{content}, $right, "$name: the right answer");
    is(join(' ', $node->workers), $worker, "$name: the same worker")
        or ($worker) = $node->workers;
    return;
}

# In place of an answer, or behind one: the connection is closed.
for my $moment (qw(reply extra greeting channel)) {
    for my $name (sort keys %texts) {
        my $text = $texts{$name};

        # Right in this place, or no end yet, which has its test below.
        next if $moment eq 'reply'
            && $name =~ /^(?:a message|a subscription|an end of one|a pattern|an array beyond int)$/;
        next if $name eq 'a text too short' && $moment ne 'reply';

        next if $moment =~ /greeting|channel/ && $name !~ $few;

        $server->say($moment, $text, anew => $moment ne 'reply');
        ok(MagasinNginx::wait_for(
            sub { get() if $moment eq 'reply'; $server->closed }),
            "$moment: $name: closed")
            or diag $server->said;
        $server->behave;
        ok(ready(), "$moment: $name: and there again");
        whole("$moment: $name");
    }

    # It goes away in the middle.
    for my $text ('', '*', "*3\r\n\$3\r\nta", "*1\r\n\$3\r\ntag\r", '-ER') {
        $server->say($moment, $text, close => 1, anew => $moment ne 'reply');
        ok(MagasinNginx::wait_for(
            sub { get() if $moment eq 'reply'; $server->closed }),
            "$moment: cut after " . length $text);
        $server->behave;
        ok(ready(), "$moment: and there again");
    }
    whole("$moment: cuts");
}

for my $name (sort keys %answers) {
    $server->say(reply => $answers{$name});
    ok(MagasinNginx::wait_for(sub { get(); $server->said }),
        "$name: said");

    # A reply that comes late is not told: said again, on a new connection.

    MagasinNginx::wait_for(sub {
        return 1 if $name ne 'an error of controls'
            || $node->log =~ /\\x1b\[31mERR/;
        $server->say(reply => $answers{$name}, anew => 1);
        ready();
        MagasinNginx::wait_for(sub { get(); $server->said });
        return 0;
    });
    $server->behave;
    whole($name);
}

# What never ends: a text within the bounds, byte by byte, is given up.
for my $moment (qw(reply channel)) {
    $server->say($moment, "\$1000000\r\n", trickle => 1)
        if $moment eq 'reply';
    $server->say($moment, "*3\r\n\$7\r\nmessage\r\n\$24\r\nCHANNEL\r\n"
            . "\$60000\r\n", trickle => 1, anew => 1)
        if $moment eq 'channel';
    my $since = time;
    get() if $moment eq 'reply';
    ok(MagasinNginx::wait_for(
        sub { $moment eq 'reply' && !$server->said && get(); $server->closed }
    ), "$moment: without an end: closed");
    diag sprintf '%s without an end: %.1f s', $moment, time - $since;
    $server->behave;
    ok(ready(), "$moment: without an end: and there again");
    whole("$moment: without an end");
}

# Messages of the channel that are no hints of ours.
for my $text ("\0", "\e[2J", '9' x 60_000, 'x' x 60_000,
    '0123456789abcdef 1' . ' 7' x 20_000,
    '0123456789abcdef 99999999999999999999999 1')
{
    $server->say(channel => "*3\r\n\$7\r\nmessage\r\n\$24\r\nCHANNEL\r\n\$"
            . length($text) . "\r\n$text\r\n", anew => 1);
    ok(MagasinNginx::wait_for(sub { $server->said }),
        'a message: said');
    $server->behave;
    whole('a message of ' . length $text);
}

is($node->complaints, '', 'nothing alarming in the log');
my $log = $node->log;
unlike($log, qr/[^\n\t -~]/, 'no control character in the log');
like($log, qr/Protocol error: nested arrays/, 'the log says why');
like($log, qr/\\x1b\[31mERR\\x07/, 'and an error of Redis is escaped');
unlike($log, qr/exited on signal/, 'no worker has died');

SKIP: {
    skip 'AddressSanitizer keeps what is freed', 1 if $asan;
    cmp_ok(peak() - $before, '<', 32 * 1024, 'memory is bounded')
        or diag "before $before kB, peak " . peak() . ' kB';
}
ok($node->stop, 'a graceful stop');

MagasinTest::reset();
done_testing();
