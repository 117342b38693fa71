# Long answers of PostgreSQL over TCP: what lies in the socket, unread, is
# counted once, however much it is and in however small pieces it is read.

use strict;
use warnings;

use lib 't/inc';
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX ();
use Socket qw(AF_INET IPPROTO_TCP SOL_SOCKET sockaddr_family sockaddr_in);
use Test::More;
use MagasinTest;
use MagasinNginx;

# A cache would answer what is asked of the database here.
delete $ENV{TEST_NGINX_CACHE};

plan skip_all => 'TEST_NGINX_ADMIN_DATABASE is not set (make test)'
    unless $ENV{TEST_NGINX_ADMIN_DATABASE};

# A way from a port to the server's socket, which the suites' server has not.

my $way = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 64)
    or die "listen: $!\n";
my $port = $way->sockport;
my ($sockets) = $ENV{TEST_NGINX_DATABASE} =~ /host=(\S+)/;

sub forward {
    my (%other, %rest);
    my ($reading, $writing) = (IO::Select->new($way), IO::Select->new);

    local $SIG{PIPE} = 'IGNORE';
    for (;;) {
        my ($in, $out) = IO::Select->select($reading, $writing, undef);
        for my $socket (@{ $out // [] }) {
            my $sent = syswrite $socket, $rest{$socket};
            substr $rest{$socket}, 0, $sent // length $rest{$socket}, '';
            $writing->remove($socket) if $rest{$socket} eq '';
        }
        for my $socket (@{ $in // [] }) {
            if ($socket == $way) {
                my $client = $way->accept or next;
                my $server = IO::Socket::UNIX->new(
                    Peer => "$sockets/.s.PGSQL.5432") or next;
                @other{ $client, $server } = ($server, $client);
                for ($client, $server) {
                    $_->blocking(0);
                    $reading->add($_);
                    $rest{$_} = '';
                }
                next;
            }
            my $other = $other{$socket} or next;
            if (!sysread $socket, my $data, 1 << 20) {
                $reading->remove($socket, $other);
                $writing->remove($socket, $other);
                delete @other{ $socket, $other };
                close $_ for $socket, $other;
            } else {
                $rest{$other} .= $data;
                $writing->add($other);
            }
        }
    }
    return;
}

my $pid = fork // die "fork: $!\n";
if ($pid == 0) {
    forward();
    POSIX::_exit(0);
}
close $way;

END {
    if ($pid) {
        my $status = $?;
        kill 'KILL', $pid;
        waitpid $pid, 0;
        MagasinTest::no_gates();
        MagasinTest::reset();
        $? = $status;
    }
}

# Bytes that have come for the worker and were not read.
sub unread {
    my $hex = sprintf '%04X', $port;
    my @queue = sort { $b <=> $a }
        map { /^\s*\d+: \S+ \S+:$hex 01 \S+:(\S+)/ ? hex $1 : () }
        split /\n/, MagasinNginx::slurp('/proc/net/tcp');
    return $queue[0] // 0;
}

# Many rows in one result: a page of requests is one, and the name of who has
# decided has no bound in the schema.

my $size = 990 * 3000;
MagasinTest::reset(
    'INSERT INTO demande_reapprovisionnement (magasin_id, produit_id,'
        . ' quantite, statut, date_decision, decideur)'
        . " SELECT 1, 1, 1, 'refusee', now(), repeat('a', 3000)"
        . ' FROM generate_series(1, 990)');

$ENV{TEST_NGINX_DATABASE} =~ s/host=\S+/host=127.0.0.1 port=$port/;
my $nginx = MagasinNginx->start(workers => 1,
    http     => 'magasin_zone tcp:2m; magasin_cache off;',
    database => 'connections=3 timeout=60s');
my $list = '/api/v1/replenishments/?limit=1000';

my ($status, $answer) = $nginx->get($list);
is($status, 200, 'a long answer');
cmp_ok(length $answer, '>', $size, 'of 3 MB');
my $right = ($answer =~ /\A.*?\r\n\r\n(.*)\z/s)[0];

# As much room in the sockets as none would get by itself.  They are the
# worker's: who is not allowed to take them tests with less.

sub room {
    my ($worker) = @_;
    my ($pidfd_open, $pidfd_getfd, $SO_RCVBUFFORCE, $TCP_WINDOW_CLAMP)
        = (434, 438, 33, 10);
    my $pidfd = syscall $pidfd_open, $worker + 0, 0;
    my $n = 0;

    for my $path (glob "/proc/$worker/fd/*") {
        my ($fd) = $path =~ /(\d+)\z/;
        next if (readlink $path // '') !~ /^socket:/;
        my $copy = syscall $pidfd_getfd, $pidfd, $fd + 0, 0;
        next if $copy < 0;
        open my $socket, '+<&=', $copy or next;
        my $peer = getpeername $socket or next;
        next if sockaddr_family($peer) != AF_INET
            || (sockaddr_in($peer))[0] != $port;
        $n++ if setsockopt($socket, SOL_SOCKET, $SO_RCVBUFFORCE, 16 << 20)
            && setsockopt $socket, IPPROTO_TCP, $TCP_WINDOW_CLAMP, 16 << 20;
    }
    POSIX::close($pidfd) if $pidfd >= 0;
    return $n;
}

my ($worker) = $nginx->workers;
my $taken = room($worker);
diag 'the sockets of workers cannot be taken' if !$taken;

# The rows come all at once, while nobody reads them.

MagasinTest::gates('demande_reapprovisionnement');

for my $round (1 .. 3) {
    my $held   = MagasinTest::hold_reads('demande_reapprovisionnement');
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $nginx->{port}) or die "connect: $!\n";
    print {$socket} MagasinNginx::get_request($list)
        =~ s/\r\n\r\n/\r\nConnection: close\r\n\r\n/r;
    MagasinNginx::wait_for(sub { MagasinTest::sql(
        'SELECT count(*) FROM pg_stat_activity WHERE wait_event_type'
            . " = 'Lock' AND usename = 'magasin_web'") >= 1 })
        or die "nobody waits\n";

    MagasinNginx::halt($worker);
    MagasinTest::release($held);

    # All of it where there is room for it, else until no more comes.

    my ($last, $same) = (0, 0);
    ok(MagasinNginx::wait_for(sub {
        my $now = unread();
        $same = $now && $now == $last ? $same + 1 : 0;
        $last = $now;
        return $now > $size || (!$taken && $same > 25);
    }), "round $round: it is there, unread") or diag $last;
    kill 'CONT', $worker;

    my $text = do { local $/; readline $socket } // '';
    ($status) = $text =~ m{\AHTTP/1\.1 (\d+)};
    is($status, 200, "round $round: answered");
    ok($text =~ s/\A.*?\r\n\r\n//sr eq $right, "round $round: all of it");
}

ok($nginx->stop, 'a graceful stop');
is($nginx->complaints, '', 'nothing alarming in the log');
unlike($nginx->log, qr/answer is too long/, 'nor that an answer is too long');

done_testing();
