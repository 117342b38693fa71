package MagasinNames;

# A server of DNS whose answers a suite changes, and relays from addresses of
# the loopback to Unix sockets.

use strict;
use warnings;

use Exporter qw(import);
use File::Temp qw(tempdir);
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX ();
use Socket qw(inet_aton);

our @EXPORT_OK = qw(serve says relay finish asked);

my $owner = $$;
my $dir   = tempdir('magasin-names-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my %pids;

# serve(): starts the server.  Returns its port.
sub serve {
    my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Proto => 'udp')
        or die "no socket: $!\n";
    says('');
    _run('dns', sub {
        while (defined(my $from = $socket->recv(my $question, 1500))) {
            my $answer = _answer($question);
            $socket->send($answer, 0, $from) if defined $answer;
        }
    });
    return $socket->sockport;
}

# says(TEXT): lines of a name and its addresses.  A name that is not there does
# not exist; one with the word "silent" gets no answer, one with "failure" an
# error, one with "nothing" an answer without an address.  One with the word
# "hold" gets its answer when there is another line for it.
sub says {
    my ($text) = @_;
    open my $file, '>', "$dir/says.new" or die "open: $!\n";
    print {$file} $text;
    close $file or die "close: $!\n";
    rename "$dir/says.new", "$dir/says" or die "rename: $!\n";
    return;
}

# How many questions have come.
sub asked { return (-s "$dir/asked") // 0 }

sub _answer {
    my ($question) = @_;
    my ($id)       = unpack 'n', $question;
    my ($place, @labels) = (12);

    open my $count, '>>', "$dir/asked" or die "open: $!\n";
    print {$count} 'x';
    close $count;

    while (my $length = unpack 'C', substr $question, $place, 1) {
        push @labels, substr $question, $place + 1, $length;
        $place += $length + 1;
    }
    my $name  = join '.', @labels;
    my $asked = substr $question, 12, $place + 5 - 12;

    my $line = _said($name);
    while (($line // '') =~ / hold$/) {
        select undef, undef, undef, 0.01;
        $line = _said($name);
    }
    return pack('nnnnnn', $id, 0x8183, 1, 0, 0, 0) . $asked unless $line;

    my (undef, @addresses) = split ' ', $line;
    my $word = $addresses[0];
    return if $word eq 'silent';
    return pack('nnnnnn', $id, 0x8182, 1, 0, 0, 0) . $asked if $word eq 'failure';
    @addresses = () if $word eq 'nothing';
    return join '', pack('nnnnnn', $id, 0x8180, 1, scalar @addresses, 0, 0), $asked,
        map { pack('nnnNn', 0xc00c, 1, 1, 1, 4) . inet_aton($_) } @addresses;
}

sub _said {
    my ($name) = @_;
    open my $file, '<', "$dir/says" or die "open: $!\n";
    my ($line) = grep {/^\Q$name\E /} <$file>;
    close $file;
    return $line;
}

# relay(NAME, ADDRESS, PORT, PATH): forwards connections to this address (port
# 0: any) to a Unix socket.  Returns the port.
sub relay {
    my ($name, $address, $port, $path) = @_;
    my $listener = IO::Socket::INET->new(LocalAddr => $address, LocalPort => $port,
        Listen => 64, ReuseAddr => 1) or die "$address:$port: $!\n";

    _run($name, sub {
        my $select = IO::Select->new($listener);
        my %other;
        for (;;) {
            for my $socket ($select->can_read) {
                if ($socket == $listener) {
                    my $client = $listener->accept or next;
                    my $server = IO::Socket::UNIX->new(Peer => $path) or next;
                    @other{ $client, $server } = ($server, $client);
                    $select->add($client, $server);
                    next;
                }
                my $other = $other{$socket} or next;
                if (!sysread $socket, my $data, 65536) {
                    delete @other{ $socket, $other };
                    $select->remove($socket, $other);
                    close $_ for $socket, $other;
                } else {
                    syswrite $other, $data;
                }
            }
        }
    });
    return $listener->sockport;
}

sub _run {
    my ($name, $run) = @_;
    my $pid = fork;
    die "fork: $!\n" unless defined $pid;
    if ($pid == 0) {
        local $SIG{PIPE} = 'IGNORE';
        eval { $run->() };
        POSIX::_exit(0);
    }
    $pids{$name} = $pid;
    return;
}

# finish(NAME): ends a relay, or "dns".
sub finish {
    my ($name) = @_;
    my $pid = delete $pids{$name};
    kill 'KILL', $pid;
    waitpid $pid, 0;
    return;
}

END {
    if ($$ == $owner) {
        my $status = $?;
        finish($_) for keys %pids;
        $? = $status;
    }
}

1;
