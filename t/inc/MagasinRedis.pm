package MagasinRedis;

# Private Redis servers of a suite, which may be killed.  All suites share the
# one at TEST_NGINX_REDIS.

use strict;
use warnings;

use Exporter qw(import);
use File::Temp qw(tempdir);
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use Time::HiRes qw(sleep);

use MagasinNginx;

our @EXPORT_OK = qw(start sentinel relay cut tell finish ask program);

# The directory of their sockets.
our $Directory
    = tempdir('magasin-redis-XXXXXX', TMPDIR => 1, CLEANUP => 1);

my $owner = $$;
my %servers;

# program('server' or 'cli'): the name of Redis's program, or of Valkey's.
sub program {
    my ($what) = @_;

    for my $name ("redis-$what", "valkey-$what") {
        return $name if grep { -x "$_/$name" } split /:/, $ENV{PATH};
    }
    return "redis-$what";
}

# start(NAME, OPTION...): start redis-server on the socket $Directory/NAME.
sub start {
    my ($name, @options) = @_;

    my $pid = fork;
    die "fork: $!\n" unless defined $pid;

    if ($pid == 0) {
        open STDIN,  '<', '/dev/null';
        open STDOUT, '>', "$Directory/$name.log";
        open STDERR, '>&', \*STDOUT;
        { no warnings 'exec';
          exec program('server'), qw(--port 0 --appendonly no --save), '',
              '--dir', $Directory, '--unixsocket', "$Directory/$name",
              @options }
        require POSIX;
        POSIX::_exit(127);
    }

    $servers{$name} = $pid;

    for (1 .. 1200) {
        return if IO::Socket::UNIX->new(Peer => "$Directory/$name");
        sleep 0.05;
    }
    die "redis-server does not start (see $Directory/$name.log)\n";
}

# sentinel(NAME, PORT, LINE...): start a Sentinel on the loopback, with these
# lines of its configuration.  It has no socket in $Directory.
sub sentinel {
    my ($name, $port, @lines) = @_;

    # It writes there what it learns.
    open my $file, '>', "$Directory/$name.conf" or die "open: $!\n";
    print $file map {"$_\n"} "port $port", 'bind 127.0.0.1',
        "dir $Directory", @lines;
    close $file or die "close: $!\n";

    my $pid = fork;
    die "fork: $!\n" unless defined $pid;

    if ($pid == 0) {
        open STDIN,  '<', '/dev/null';
        open STDOUT, '>', "$Directory/$name.log";
        open STDERR, '>&', \*STDOUT;
        { no warnings 'exec';
          exec program('server'), "$Directory/$name.conf", '--sentinel' }
        require POSIX;
        POSIX::_exit(127);
    }

    adopt($name, $pid);

    return if MagasinNginx::wait_for(sub {
        IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) });
    die "the Sentinel does not start (see $Directory/$name.log)\n";
}

# relay(NAME, TO): forwards connections to the server TO until cut(NAME), which
# drops all data from then on.  The signal USR2 closes the existing connections
# and forwards again.
sub relay {
    my ($name, $to) = @_;

    my $listener = IO::Socket::UNIX->new(Local => "$Directory/$name",
        Listen => 64) or die "no socket: $!\n";

    my $pid = fork;
    die "fork: $!\n" unless defined $pid;

    if ($pid == 0) {
        _relay($listener, $to, "$Directory/$name.cut");
        require POSIX;
        POSIX::_exit(0);
    }

    adopt($name, $pid);
    return;
}

sub _relay {
    my ($listener, $to, $sign) = @_;
    my ($lost, $reset, %other) = (0, 0);

    local $SIG{USR1} = sub { $lost = 1; symlink 'yes', $sign };
    local $SIG{USR2} = sub { $lost = 0; $reset = 1; unlink $sign };
    local $SIG{PIPE} = 'IGNORE';
    my $select = IO::Select->new($listener);

    for (;;) {
        for my $socket ($select->can_read(0.02)) {
            if ($socket == $listener) {
                my $client = $listener->accept or next;
                my $server
                    = IO::Socket::UNIX->new(Peer => "$Directory/$to") or next;
                @other{ $client, $server } = ($server, $client);
                $select->add($client, $server);
                next;
            }
            my $other = $other{$socket} or next;
            if (!sysread $socket, my $data, 65536) {
                delete @other{ $socket, $other };
                $select->remove($socket, $other);
                close $_ for $socket, $other;
            } elsif (!$lost) {
                syswrite $other, $data;
            }
        }
        if ($reset) {
            for my $socket (grep { $_ != $listener } $select->handles) {
                $select->remove($socket);
                close $socket;
            }
            %other = ();
            $reset = 0;
        }
    }
    return;
}

# Cut the relay.  Returns whether the relay was cut in time.
sub cut {
    my ($name) = @_;
    kill 'USR1', $servers{$name};
    return MagasinNginx::wait_for(sub { -l "$Directory/$name.cut" });
}

# Register a process that is not a redis-server, so that it is ended like one.
sub adopt {
    my ($name, $pid) = @_;
    $servers{$name} = $pid;
    return;
}

# tell(NAME, SIGNAL): send a signal.
sub tell {
    my ($name, $signal) = @_;
    kill $signal, $servers{$name};
    return;
}

sub finish {
    my ($name) = @_;

    my $pid = delete $servers{$name};
    kill 'KILL', $pid;
    waitpid $pid, 0;
    unlink "$Directory/$name";
    return;
}

# ask(NAME, COMMAND...): returns the output of redis-cli.
sub ask {
    my ($name, @command) = @_;

    open my $pipe, '-|', program('cli'), '-s', "$Directory/$name", @command
        or die "redis-cli: $!\n";
    my $text = do { local $/; <$pipe> };
    close $pipe;
    return $text;
}

END {
    if ($$ == $owner) {
        my $status = $?;
        finish($_) for keys %servers;
        $? = $status;
    }
}

1;
