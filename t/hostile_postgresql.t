# A PostgreSQL that is none, or of another version: it costs its answers and
# nothing else.  The server is ours, and says what the mode tells it to.

use strict;
use warnings;

use lib 't/inc';
use File::Temp qw(tempdir);
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(sleep time);
use MagasinTest;
use MagasinNginx;

delete $ENV{TEST_NGINX_CACHE};

plan skip_all => 'TEST_NGINX_LOAD_MODULES is not set (make test)'
    unless $ENV{TEST_NGINX_LOAD_MODULES};

my $product = '/api/v1/products/1/';
my $dir     = tempdir('magasin-XXXXXX', TMPDIR => 1, CLEANUP => 1);

sub mode {
    my ($mode) = @_;
    open my $file, '>', "$dir/new" or die;
    print {$file} $mode;
    close $file;
    rename "$dir/new", "$dir/mode" or die;
    return;
}

sub mode_now {
    open my $file, '<', "$dir/mode" or return 'ok';
    return scalar readline $file;
}

# The protocol, as far as libpq speaks it here.

sub message { return $_[0] . pack('N', 4 + length $_[1]) . $_[1] }

sub columns {
    my (@types) = @_;
    return message('T', pack('n', scalar @types) . join '',
        map { "c\0" . pack('NnNnNn', 0, 0, $_, -1 & 0xffff, 0xffffffff, 0) }
            @types);
}

sub row {
    my (@values) = @_;
    return message('D', pack('n', scalar @values) . join '',
        map { pack('N', length $_) . $_ } @values);
}

sub complaint {
    my ($type, $state, $text) = @_;
    return message($type, "SERROR\0VERROR\0C$state\0M$text\0\0");
}

my $done = message('C', "SELECT 1\0");
my @typed = (20, 25, 25, 1700, 25);
my @rows  = (1, 'nom', 'categorie', '1.00', 'description');
my $evil  = "a\x1b[31m\r\nfake \x07 line \xff " . 'x' x 5000;

# What a mode answers to "product": the description, and what comes of it.
# ENDLESS is said until the client has enough.
my %answers = (
    ok     => [ columns(@typed), row(@rows) . $done ],
    few    => [ columns(20),     row(1) . $done ],
    none   => [ message('n', ''), $done ],
    text   => [ columns((25) x 5), row(@rows) . $done ],
    short  => [ columns(@typed), row(1) . $done ],
    copy   => [ columns(@typed), message('H', pack 'Cn', 0, 0) ],
    bytes  => [ "\xff" x 100, "\0" x 1000 ],
    length => [ message('T', pack 'n', 30000), $done ],
    error  => [ '', complaint('E', '42703', $evil) ],
    states => [ '', complaint('E', "\x1b[1m\n", $evil) ],
    twice  => [ columns(@typed), row(@rows) . $done . $done . $done ],
    other  => [ message('Z', 'I'), message('Z', 'I') ],
    notice => [ complaint('N', '01000', $evil) x 200,
        columns(@typed) . row(@rows) . $done ],
);
my %endless = (
    notices => complaint('N', '01000', $evil) x 16,
    rows    => row(@rows[0 .. 3], 'y' x 60000) x 2,
    row     => 'z' x 120000,
    later   => 'z' x 120000,
    after   => 'z' x 120000,
);

sub serve {
    my ($client) = @_;
    my ($in, $name, $begun, $skip) = ('', '', 0, 0);

    while (sysread $client, $in, 65536, length $in) {
        my $out = '';
        if (!$begun) {
            next if length $in < 4 || length $in < unpack 'N', $in;
            substr $in, 0, unpack('N', $in), '';
            $begun = 1;
            $out = message('R', pack 'N', 0)
                . message('S', "client_encoding\0UTF8\0")
                . message('S', "server_version\x{0}15.0\0")
                . message('K', pack 'NN', 1, 1) . message('Z', 'I');
        }
        my $mode = mode_now();
        while (length $in >= 5) {
            my ($type, $length) = unpack 'aN', $in;
            last if length $in < 1 + $length;
            my $body = substr $in, 5, $length - 4;
            substr $in, 0, 1 + $length, '';
            return if $type eq 'X';

            # After an error nothing counts until the next Sync.

            $skip = 0 if $type eq 'S';
            next if $skip;

            if ($type eq 'P') {
                my ($statement) = $body =~ /\A([^\0]*)/;
                $skip = $mode eq 'missing' && $statement eq 'product';
                $out .= $skip
                    ? complaint('E', '42P01', "no \x1b table") : '1' . pack 'N', 4;
            } elsif ($type eq 'B') {
                (undef, $name) = split /\0/, $body;
                $out .= '2' . pack 'N', 4;
            } elsif ($type eq 'D' || $type eq 'E') {
                my $part = $type eq 'D' ? 0 : 1;
                if ($name eq 'product' && $endless{$mode}) {
                    $out .= columns(@typed) if $mode ne 'notices';
                    $out .= row(@rows) . $done if $mode eq 'after';
                    $out .= 'D' . pack('N', 0x3fffffff)
                        if $mode =~ /^(?:row|later|after)$/;
                    syswrite $client, $out;

                    # What follows comes when the header has been read.
                    sleep 1 if $mode =~ /^(?:later|after)$/;
                    for (1 .. 4000) {
                        defined syswrite $client, $endless{$mode} or return;
                    }
                    return;
                }
                my $said = $name eq 'product' ? $answers{$mode} || $answers{ok}
                    : $name eq 'readyz'
                    ? [ columns(16), row('t') . $done ]
                    : $name eq 'session'
                    ? [ columns(20, 25), row('7' x 19, '0' x 8) . $done ]
                    : $name eq 'settings'
                    ? [ columns(16, 23, 16, 16, 16),
                        row('f', '1', 'f', 'f', 'f') . $done ]
                    : [ columns(25), row('x') . $done ];
                $out .= $said->[$part];
            } elsif ($type eq 'S') {
                $out .= message('Z', 'I');
            }
        }
        defined syswrite $client, $out or return;
    }
    return;
}

my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 16,
    ReuseAddr => 1) or die "no port: $!\n";
my $port = $listener->sockport;
my $server = fork // die "fork: $!\n";
if ($server == 0) {
    $SIG{PIPE} = 'IGNORE';
    $SIG{CHLD} = 'IGNORE';
    while (1) {
        my $client = $listener->accept or next;
        my $child = fork // next;
        next if $child;
        serve($client);
        require POSIX;
        POSIX::_exit(0);
    }
}
close $listener;
END { my $status = $?; kill 'KILL', $server if $server; $? = $status }

sub memory {
    my ($pid) = @_;
    my ($kb) = MagasinNginx::slurp("/proc/$pid/status") =~ /^VmRSS:\s+(\d+)/m;
    return $kb // 0;
}

mode('ok');
local $ENV{TEST_NGINX_DATABASE}
    = "host=127.0.0.1 port=$port user=magasin_web dbname=magasin";
my $nginx = MagasinNginx->start(workers => 1,
    database => 'connections=3 timeout=5s');
my ($worker) = $nginx->workers;
is($nginx->code($product), 200, 'a server that speaks as PostgreSQL does');
my $memory = memory($worker);

# Lines of the log that tell of a notice.
sub notices { return grep {/PostgreSQL notice:/} split /\n/, $nginx->log }

for my $mode (sort(keys %answers), sort(keys %endless)) {
    # The log takes eight lines of a server a second; the modes before this one
    # may have used them up.
    sleep 1.1 if $mode =~ /^notices?$/;

    my $noticed = () = notices();
    mode($mode);
    my ($status, $answer) = $nginx->get($product);
    like($status, $mode =~ /^(?:ok|notice)$/ ? qr/^200$/
            : $mode eq 'twice' ? qr/^(?:200|503)$/
            : $mode eq 'after' ? qr/^(?:200|50[34])$/
            : $mode =~ /^(?:error|states)$/ ? qr/^500$/
            : $endless{$mode} ? qr/^50[34]$/ : qr/^503$/,
        "$mode: the status");
    like($answer, qr/\r\n\r\n\{"/, "$mode: JSON");
    mode('ok');
    ok(MagasinNginx::wait_for(sub { $nginx->code($product) == 200 }),
        "$mode: it serves again");
    is(($nginx->workers)[0], $worker, "$mode: the worker lives");
    cmp_ok(memory($worker) - $memory, '<', 160 * 1024,
        "$mode: its memory is bounded") unless $ENV{TEST_NGINX_ASAN};

    # One line of a connection, of which a request may use up several
    my $lines = () = notices();
    if ($mode =~ /^notices?$/) {
        cmp_ok($lines - $noticed, '>=', 1, "$mode: the log tells of notices");
        cmp_ok($lines - $noticed, '<=', 5, "$mode: with a line by connection");
    } else {
        is($lines - $noticed, 0, "$mode: the log tells of no notice");
    }
}
ok(MagasinNginx::wait_for(sub { $nginx->log =~ /: \d+ more notices$/m }),
    'notices: and counts the others');

# A statement that cannot be prepared costs its endpoint only.

mode('missing');
my @before = $nginx->workers;
kill 'HUP', $nginx->master;
ok(MagasinNginx::wait_for(sub {
    my @now = grep { $_ != $before[0] } $nginx->workers;
    return @now == 1 && !-d "/proc/$before[0]";
}), 'missing: a new worker');
ok(MagasinNginx::wait_for(sub { $nginx->code('/readyz') == 200 }),
    'missing: it is ready');
is($nginx->code($product), 503, 'missing: 503 for who needs it');
mode('ok');
ok(MagasinNginx::wait_for(sub { $nginx->code($product) == 200 }),
    'missing: it serves once it can be prepared');

ok($nginx->stop, 'a graceful stop');
is($nginx->complaints, '', 'nothing alarming in the log');
my @lines = grep {/PostgreSQL|SQLSTATE/} split /\n/, $nginx->log;
is(join("\n", grep {/[^\x20-\x7e]/} @lines), '',
    'no control character in the log');
cmp_ok((sort { $b <=> $a } map {length} @lines)[0], '<', 900,
    'no endless line');
cmp_ok(scalar(@lines), '<', 400, 'nor endless lines');

done_testing();
