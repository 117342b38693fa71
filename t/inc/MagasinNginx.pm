package MagasinNginx;

# An nginx with a master and workers, for what Test::Nginx does not cover:
# servers that fail, signals, load.  It includes a client that counts exactly.

use strict;
use warnings;

use Errno;
use File::Temp qw(tempdir);
use IO::Select;
use IO::Socket::INET;
use Scalar::Util qw(weaken);
use Socket qw(AF_INET INADDR_ANY SOCK_STREAM SOL_SOCKET SO_REUSEADDR
    pack_sockaddr_in unpack_sockaddr_in);
use Test::More ();
use Time::HiRes qw(sleep time);

use MagasinTest;

# The maximum time for a state to be reached, in seconds.  Only a failure takes
# that long.  It may be shorter where a fault is planted.
our $Patience = $ENV{TEST_NGINX_PATIENCE} || 60;

# A port without a listener.  It stays bound, so that no other process gets it;
# a server that sets SO_REUSEADDR can listen on it nevertheless.
my @reserved;

sub free_port {
    socket my $socket, AF_INET, SOCK_STREAM, 0 or die "socket: $!\n";
    setsockopt $socket, SOL_SOCKET, SO_REUSEADDR, 1
        or die "setsockopt: $!\n";
    bind $socket, pack_sockaddr_in(0, INADDR_ANY)
        or die "no free port: $!\n";
    push @reserved, $socket;
    my ($port) = unpack_sockaddr_in(getsockname $socket);
    return $port;
}

# Processes that still run when the suite ends or dies are stopped then, before
# their directory is removed.
my %running;

sub remember {
    my ($self) = @_;
    $self->{owner} = $$;
    weaken($running{ $self->{root} } = $self);
    return;
}

END {
    my $status = $?;
    for my $self (grep { defined && $_->{owner} == $$ } values %running) {
        $self->stop('TERM');
    }
    $? = $status;
}

# start(workers => 2, database => 'options of magasin_database',
#       listen => 'options of listen', server => 'directives of the server',
#       http => 'directives of the http block', tokens => 'their file')
sub start {
    my ($class, %option) = @_;

    my $root = tempdir('magasin-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    my $self = bless {
        root    => $root,
        port    => $option{port} || free_port(),
        wanted  => $option{workers} || 2,
    }, $class;

    mkdir "$root/logs";
    my $user    = $> == 0 ? 'user root;' : '';
    my $workers = $self->{wanted};
    my $modules = join "\n",
        map {"load_module $_;"} split ' ', $ENV{TEST_NGINX_LOAD_MODULES};
    my $options = $option{database} || '';
    my $listen  = $option{listen} || '';
    my $server  = $option{server} || '';
    my $http    = $option{http} || '';
    my $tokens  = $option{tokens} || $ENV{TEST_NGINX_TOKENS};

    # Suites that do not test the cache run with it and without it.
    $http = MagasinTest::zone_directive() . $http
        unless $http =~ /\bmagasin_zone\b/;

    open my $file, '>', "$root/nginx.conf" or die "$root/nginx.conf: $!\n";
    print {$file} <<"CONF";
$modules
$user
worker_processes $workers;
worker_shutdown_timeout 20s;
pid $root/logs/nginx.pid;
error_log $root/logs/error.log info;
events { worker_connections 2048; }
http {
    access_log off;
    client_body_temp_path $root/body;
    proxy_temp_path $root/proxy;
    fastcgi_temp_path $root/fastcgi;
    uwsgi_temp_path $root/uwsgi;
    scgi_temp_path $root/scgi;
    keepalive_requests 1000000;
    magasin_database "$ENV{TEST_NGINX_DATABASE}" $options;
    magasin_tokens $tokens;
    $http
    server {
        listen 127.0.0.1:$self->{port} $listen;
        $server
        location /api/v1/ { magasin; }
        location = /healthz { magasin; }
        location = /readyz { magasin; }
    }
}
CONF
    close $file;

    $self->remember;
    system($ENV{TEST_NGINX_BINARY} || 'nginx', '-p', "$root/", '-c',
        "$root/nginx.conf") == 0
        or die "nginx does not start: " . $self->log;

    return $self if $listen =~ /http2/;

    return $self if $option{unready};

    wait_for(sub { $self->code('/readyz') == 200 })
        or die "nginx is not ready: " . $self->log;

    return $self;
}

# wait_for(CONDITION, SECONDS): polls the condition.  Returns whether it became
# true in time.  SECONDS is only for a state that must be reached that fast.
sub wait_for {
    my ($condition, $seconds) = @_;
    my $end = time + ($seconds // $Patience);

    until ($condition->()) {
        return 0 if time > $end;
        sleep 0.02;
    }
    return 1;
}

# shows(ATTEMPT): a test must not fail because the machine is slow.  An attempt
# runs all steps and returns [FOUND, WANTED, NAME] for each thing that it
# checks.  It is repeated until all results are as wanted.  A real fault occurs
# in each attempt.
sub shows {
    my ($attempt) = @_;
    my @found;

    wait_for(sub {
        @found = $attempt->();
        return !grep { $_->[0] ne $_->[1] } @found;
    });
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    Test::More::is($_->[0], $_->[1], $_->[2]) for @found;
    return;
}

sub slurp {
    my ($path) = @_;
    open my $file, '<', $path or return '';
    local $/;
    my $text = <$file>;
    return defined $text ? $text : '';
}

sub log { return slurp($_[0]{root} . '/logs/error.log') }

sub master {
    my ($self) = @_;
    my ($pid) = slurp("$self->{root}/logs/nginx.pid") =~ /(\d+)/;
    return $pid;
}

# Children of the master that are workers and are not exiting.
sub workers {
    my ($self) = @_;
    my $master = $self->master;
    my @workers;
    for my $directory (glob '/proc/[0-9]*') {
        my ($parent) = slurp("$directory/stat") =~ /\) \S (\d+)/ or next;
        next if $parent != $master;
        my $line = slurp("$directory/cmdline");
        push @workers, $directory =~ /(\d+)/
            if $line =~ /worker process/ && $line !~ /shutting down/;
    }
    @workers = sort { $a <=> $b } @workers;
    return @workers;
}

# renewed(PID...): whether all workers run and none of these is among them.  A
# killed process exists until it has been scheduled once more.
sub renewed {
    my ($self, @old) = @_;
    my %old = map { $_ => 1 } @old;
    return wait_for(sub {
        my @now = $self->workers;
        return @now == $self->{wanted} && !grep { $old{$_} } @now;
    });
}

# Reload the configuration.  Returns whether there are new workers.
sub reload {
    my ($self) = @_;
    my @old = $self->workers;
    kill 'HUP', $self->master;
    return $self->renewed(@old);
}

# crash(PID...): kill these workers.  Returns whether others have replaced them.
sub crash {
    my ($self, @pids) = @_;
    kill 'KILL', @pids;
    return $self->renewed(@pids);
}

# halt(PID...): the processes are stopped when this returns, until a SIGCONT.
sub halt {
    my (@pids) = @_;
    # 0 would be the process group of the suite.
    die "no process: @pids\n" if grep { !/\A[1-9]\d*\z/ } @pids;
    kill 'STOP', @pids;
    for my $pid (@pids) {
        wait_for(sub { slurp("/proc/$pid/stat") =~ /\) [TZ] / })
            or die "$pid does not stop\n";
    }
    return;
}

# Clock ticks that the workers have used.
sub ticks {
    my ($self) = @_;
    my $ticks = 0;
    for my $pid ($self->workers) {
        my @field = split ' ', slurp("/proc/$pid/stat") =~ s/^.*\)//sr;
        $ticks += $field[11] + $field[12];
    }
    return $ticks;
}

# ask(REQUEST TEXT): returns the status and the complete answer of one request;
# status 0 if there was none.
sub ask {
    my ($self, $text, $timeout) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $self->{port}) or return (0, '');
    $socket->autoflush(1);
    local $SIG{PIPE} = 'IGNORE';
    print {$socket} $text;
    my $answer = '';
    my $end    = time + ($timeout || $Patience);
    my $select = IO::Select->new($socket);
    while ((my $left = $end - time) > 0) {
        $select->can_read($left) or last;
        sysread $socket, $answer, 65536, length $answer or last;
    }
    my ($status) = $answer =~ m{\AHTTP/1\.[01] (\d{3})};
    return ($status || 0, $answer);
}

sub get {
    my ($self, $path, $timeout) = @_;
    return $self->ask("GET $path HTTP/1.1\r\nHost: localhost\r\n"
            . "Connection: close\r\n\r\n", $timeout);
}

sub code {
    my ($self, $path, $timeout) = @_;
    my ($status) = $self->get($path, $timeout);
    return $status;
}

sub put {
    my ($self, $path, $body) = @_;
    return $self->ask(put_request($path, $body, 'Connection: close'));
}

sub get_request { return "GET $_[0] HTTP/1.1\r\nHost: localhost\r\n\r\n" }

sub put_request {
    my ($path, $body, @headers) = @_;
    return join "\r\n", "PUT $path HTTP/1.1", 'Host: localhost',
        'Authorization: Token token-430', 'Content-Type: application/json',
        'Content-Length: ' . length $body, @headers, '', $body;
}

# load(connections => N, seconds => S, requests => [TEXT, ...]) starts a
# process that sends the requests in turn, one at a time on each keep-alive
# connection; finish() waits for it and returns what it counted:
#   sent      requests, each counted once
#   200, ...  answers by status
#   failed    requests without a whole answer
#   again     idempotent requests sent a second time, because a connection in
#             use before was closed without a byte of the answer (RFC 9110)
# Without `seconds` it runs until finish(), at least for one second.  With 0
# each connection sends one request.
sub load {
    my ($self, %option) = @_;

    my $enough = 0;
    local $SIG{TERM} = sub { $enough = 1 };
    my $pid = open(my $pipe, '-|') // die "fork: $!\n";
    if ($pid == 0) {
        my $count = eval { $self->_load(\$enough, %option) };
        print $count // "error $@";
        close STDOUT;
        require POSIX;
        POSIX::_exit(0);
    }
    return bless { pipe => $pipe,
        pid => defined $option{seconds} ? undef : $pid },
        'MagasinNginx::Load';
}

sub _load {
    my ($self, $enough, %option) = @_;

    local $SIG{PIPE} = 'IGNORE';
    my @requests = @{ $option{requests} };
    my ($next, $sent, $failed, $again) = (0, 0, 0, 0);
    my (%codes, %connection);
    my $select = IO::Select->new;
    my $end    = time + ($option{seconds} // 1);
    my $on     = sub {
        return time < $end || !defined $option{seconds} && !$$enough;
    };

    my $open = sub {
        my ($request) = @_;
        my $socket;
        do {
            $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                PeerPort => $self->{port});
        } while (!$socket && $!{EINTR});
        if (!$socket) {
            $failed++;
            sleep 0.01;
            return;
        }
        $socket->autoflush(1);
        $select->add($socket);
        $connection{ fileno $socket }
            = { request => $request, in => '', used => 0 };
        print {$socket} $request;
        return;
    };
    my $fresh = sub {
        $sent++;
        return $requests[ $next++ % @requests ];
    };

    $open->($fresh->()) for 1 .. $option{connections};

    my $last = time;
    while ($select->count || $on->()) {
        if ($select->count < $option{connections} && $on->()) {
            $open->($fresh->());
        }
        my @ready = $select->can_read(1);
        $last = time if @ready || $on->();
        last if time > $last + $Patience;

        for my $socket (@ready) {
            my $state = $connection{ fileno $socket };
            my $read  = sysread $socket, $state->{in}, 65536,
                length $state->{in};
            next if !defined $read && $!{EINTR};

            if (!$read) {
                delete $connection{ fileno $socket };
                $select->remove($socket);
                close $socket;
                if ($state->{used} && $state->{in} eq '') {
                    $again++;
                    $open->($state->{request});
                } else {
                    $failed++;
                }
                next;
            }

            next if $state->{in} !~ /\r\n\r\n/g;
            my $head = pos $state->{in};
            my ($length) = $state->{in} =~ /^Content-Length: (\d+)/mi;
            if (defined $length) {
                next if length $state->{in} < $head + $length;
            } elsif ($state->{in} =~ /^Transfer-Encoding: chunked/mi) {
                next if $state->{in} !~ /\r\n0\r\n\r\n\z/;
            }

            my ($code) = $state->{in} =~ m{\AHTTP/1\.1 (\d+)};
            $codes{$code}++;

            if (!$on->() || $state->{in} =~ /^Connection: close/mi) {
                delete $connection{ fileno $socket };
                $select->remove($socket);
                close $socket;
                next;
            }
            $state->{in}      = '';
            $state->{used}    = 1;
            $state->{request} = $fresh->();
            print {$socket} $state->{request};
        }
    }

    $failed += keys %connection;

    return join ' ', "sent=$sent", "failed=$failed", "again=$again",
        map {"$_=$codes{$_}"} sort keys %codes;
}

# stop: stop gracefully.  Returns whether it ended in time.
sub stop {
    my ($self, $signal) = @_;
    my $master = $self->master or return 1;

    kill $signal || 'QUIT', $master;
    my $ended = wait_for(sub { !-d "/proc/$master" });
    kill 'KILL', $master unless $ended;
    unlink "$self->{root}/logs/nginx.pid";
    return $ended;
}

# The lines of the error log that no suite may cause.
sub complaints {
    my ($self, $expected) = @_;
    return join "\n", grep {
        /\[(?:alert|crit|emerg)\]|Sanitizer|runtime error/
            && !(defined $expected && /$expected/)
    } split /\n/, $self->log;
}

sub DESTROY {
    my ($self) = @_;
    my $status = $?;
    $self->stop('TERM');
    $? = $status;
    return;
}


package MagasinNginx::Load;

use strict;
use warnings;

sub finish {
    my ($self) = @_;
    kill 'TERM', $self->{pid} if $self->{pid};
    my $text = do { local $/; readline $self->{pipe} };
    close $self->{pipe};
    die "the load: $text\n" if !defined $text || $text =~ /^error/;
    my %count = map { split /=/ } split ' ', $text;
    $count{$_} ||= 0 for qw(sent failed again 200 503 504);
    return \%count;
}

1;
